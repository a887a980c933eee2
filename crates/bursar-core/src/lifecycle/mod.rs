//! The life of a held account, and of a family of issued tokens, as pure functions of (now, record, input).
//!
//! Nothing here reads a clock, sends a byte or writes a record: every function returns what should be, and `engine`
//! makes it so. Start with [`refresh::decide`] and
//! [`rotation::Line::judge`].

pub mod account;
pub mod backoff;
pub mod calendar;
pub mod clock_skew;
pub mod deadlines;
pub mod failure;
pub mod journal;
pub mod reference;
pub mod refresh;
pub mod rotation;
#[cfg(test)]
pub(crate) mod sample;
pub mod shown;
pub mod transition;
pub mod window;
