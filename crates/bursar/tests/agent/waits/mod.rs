//! How long callers wait, by the clock on the wall. The module below has the machine for itself.

mod race;
