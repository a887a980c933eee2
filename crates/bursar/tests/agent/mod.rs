//! The agent as a real process: what callers, other agents and the system do to it.

mod race;
mod running;
