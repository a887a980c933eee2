//! What a provider's own error words mean.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::oauth::error::OAuthError;

/// The errors of one provider beyond RFC 6749 §5.2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Errors {
    /// Codes that end a login.
    pub permanent: Vec<String>,
    /// Codes that pass.
    pub transient: Vec<String>,
    /// Codes that ask for a human at the provider.
    pub interaction: Vec<String>,
    /// What a status means when the body says nothing, by status code.
    pub statuses: BTreeMap<String, ErrorClass>,
    /// Status codes that prove that a request was not acted on, so that its refresh token is unspent.
    pub unspent_statuses: Vec<u16>,
}

/// What is to be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The login is over.
    Permanent,
    /// Try again later.
    Transient,
    /// The user must do something at the provider.
    Interaction,
}

impl Errors {
    /// What the entry says about `error`; capitals do not matter.
    pub fn class_of(&self, error: &OAuthError) -> Option<ErrorClass> {
        let code = error.code.as_str();
        let is_in = |codes: &[String]| codes.iter().any(|known| known.eq_ignore_ascii_case(code));
        if is_in(&self.permanent) {
            Some(ErrorClass::Permanent)
        } else if is_in(&self.interaction) {
            Some(ErrorClass::Interaction)
        } else if is_in(&self.transient) {
            Some(ErrorClass::Transient)
        } else {
            None
        }
    }

    /// What the entry says about a status without a readable error.
    pub fn class_of_status(&self, status: http::StatusCode) -> Option<ErrorClass> {
        self.statuses.get(status.as_str()).copied()
    }
}
