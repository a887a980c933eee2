//! What is shown of accounts, whoever looks at them: the screens of the command line and the documents of the API.
//!
//! [`AccountView`] is the one place that says what of an account is shown, `note` what is told about it in words,
//! [`ShownAccounts`] reads accounts and looks at them. Laying out is the screens' business.

pub(crate) mod note;
mod shown_accounts;
pub(crate) mod time_words;
mod view;

pub(crate) use self::shown_accounts::ShownAccounts;
pub(crate) use self::view::{AccountView, LastError, Surroundings, Viewing, rfc3339};
