//! The pages people see: sign-in, consent, device codes, problems. Views and templates, nothing else.
//!
//! A view is a struct of what the page is to tell; `view.page(&look)` is a pure function to a [`Page`], which brings
//! its own headers. Nothing here decides, reads or writes: that is the engine's. No page has a script or loads anything.
//! The words are in `texts`, the markup in `templates/`.

mod asking;
pub mod brand;
mod consent;
mod device;
mod foreign;
mod form;
mod form_action;
mod look;
mod page;
mod problem;
mod session;
mod sign_in;
#[cfg(test)]
mod tests;
mod texts;

pub use self::asking::{Client, Origin, Resource, Scope};
pub use self::consent::{Consent, Person};
pub use self::device::{CodeFailed, DeviceCode, DeviceConfirmation, DeviceEnd};
pub use self::foreign::Foreign;
pub use self::form::Form;
pub use self::look::Look;
pub use self::page::Page;
pub use self::problem::Problem;
pub use self::session::{SignOut, SignedIn, SignedOut};
pub use self::sign_in::{SignIn, SignInFailed};
