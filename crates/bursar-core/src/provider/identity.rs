//! How to learn whose login it is.

use serde::{Deserialize, Serialize};

/// Where a provider tells who the user is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// What to read.
    pub source: IdentitySource,
    /// The path of an identifier that never changes.
    pub stable_id_path: String,
    /// Paths of what a human recognises, the best first.
    pub label_paths: Vec<String>,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            source: IdentitySource::default(),
            stable_id_path: "sub".to_owned(),
            label_paths: ["email", "preferred_username", "name", "sub"].map(str::to_owned).to_vec(),
        }
    }
}

/// What to read the identity from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentitySource {
    /// The identity token if there is one, else userinfo if there is an endpoint.
    #[default]
    Auto,
    /// The identity token (OIDC Core §2).
    IdToken,
    /// `endpoints.userinfo`, called with the access token.
    Userinfo,
    /// The token answer itself.
    TokenResponse,
    /// The provider does not tell.
    None,
}
