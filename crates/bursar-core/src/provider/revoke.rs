//! How a login is ended at a provider.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::client::AuthenticationRule;
use super::token_request::{BodyFormat, RequestMethod};

/// Revocation at one provider; needs `endpoints.revoke`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Revoke {
    /// The kind of request.
    pub form: RevokeForm,
    /// The method, if another than the form's own.
    pub method: Option<RequestMethod>,
    /// Where the token goes, if not where the form puts it.
    pub format: Option<BodyFormat>,
    /// Which token ends the login.
    pub which: WhichToken,
    /// How the client authenticates, if not as in token requests.
    pub authentication: Option<AuthenticationRule>,
    /// The name of the token's parameter, if not the form's own.
    pub token_parameter: Option<String>,
    /// Whether `token_type_hint` is sent.
    pub hint: bool,
    /// Fixed further parameters.
    pub parameters: BTreeMap<String, String>,
    /// Fixed further headers.
    pub headers: BTreeMap<String, String>,
}

impl Default for Revoke {
    fn default() -> Self {
        Self {
            form: RevokeForm::default(),
            method: None,
            format: None,
            which: WhichToken::default(),
            authentication: None,
            token_parameter: None,
            hint: true,
            parameters: BTreeMap::new(),
            headers: BTreeMap::new(),
        }
    }
}

/// The kind of revocation request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeForm {
    /// RFC 7009 §2.1: `token`, `token_type_hint` and client authentication as form.
    #[default]
    Rfc7009,
    /// `DELETE` with HTTP Basic and `access_token` as JSON.
    DeletePath,
    /// The token itself authorizes its end, in `Authorization: Bearer`.
    Bearer,
    /// The provider offers none, even if metadata says otherwise.
    None,
}

/// Which token ends the login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhichToken {
    /// The refresh token, and with it its access tokens (RFC 7009 §2.1).
    #[default]
    RefreshToken,
    /// The access token.
    AccessToken,
    /// Each on its own.
    Both,
}
