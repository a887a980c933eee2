//! The pages people see: sign-in, consent, device codes, their account, problems. Views and templates, nothing else.
//!
//! A view is a struct of what the page is to tell; `view.page(&look)` is a pure function to a [`Page`], which brings
//! its own headers. Nothing here decides, reads or writes: that is the engine's. No page loads anything but, where passkeys are
//! used, one script of our own; without it all else works.
//! The words are in `texts`, the markup in `templates/`.

mod account;
mod asking;
pub mod brand;
mod browser_name;
mod consent;
mod device;
mod foreign;
mod form;
mod form_action;
mod landing;
mod language;
mod look;
mod page;
mod passkey_form;
mod problem;
mod session;
mod set_up;
mod sign_in;
#[cfg(test)]
mod tests;
mod texts;
mod trouble;

pub use self::account::{
    Account, App, NewPasskey, Notice, PasskeyFailed, PasswordChange, PasswordFailed, PasswordReset,
    ResetFailed, Session,
};
pub use self::asking::{Client, Origin, Resource, Scope};
pub use self::consent::{Consent, Person};
pub use self::device::{CodeFailed, DeviceCode, DeviceConfirmation, DeviceEnd};
pub use self::foreign::Foreign;
pub use self::form::Form;
pub use self::landing::Landing;
pub use self::language::Language;
pub use self::look::Look;
pub use self::page::Page;
pub use self::passkey_form::{PasskeyForm, PasskeyOwner};
pub use self::problem::Problem;
pub use self::session::{SignOut, SignedIn, SignedOut};
pub use self::set_up::{Notification, SetUp, SetUpFailed};
pub use self::sign_in::{SignIn, SignInFailed};
pub use self::trouble::{Help, Trouble};

/// Turns questions of a page into passkeys, where a browser lets scripts run.
pub(super) const PASSKEY_SCRIPT: &str = include_str!("../../../templates/passkeys.js");
