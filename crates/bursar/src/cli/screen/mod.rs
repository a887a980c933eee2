//! What people and programs see of accounts: pure functions from records to text and JSON.
//!
//! Nothing here reads the store, the clock or the terminal. [`crate::account_view`] says what of an account is shown;
//! the screens only lay it out, at most 80 columns wide.

pub(super) mod calendar_screen;
pub(super) mod cleanup_screen;
#[cfg(test)]
mod fixtures;
pub(super) mod list_screen;
pub(super) mod plain;
pub(super) mod rebuild_screen;
pub(super) mod serving;
pub(super) mod status_screen;
pub(super) mod table;
mod tag;
#[cfg(test)]
mod tests;

/// What every terminal has.
const WIDTH: usize = 80;
