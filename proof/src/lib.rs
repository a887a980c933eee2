//! Proves with real processes what bursar promises about the tokens it holds.
//!
//! [`halting`] is the program with places to stand still at; [`kill`] stops it there, ends it, and looks what is left.
//! `docs/rotation.md` shows the outcome.

pub mod halting;
pub mod kill;
