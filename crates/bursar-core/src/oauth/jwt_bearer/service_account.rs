//! The key file of a Google service account.
//!
//! Google follows RFC 7523 with the scope as a claim, and with a subject only where another user is meant.

use serde::Deserialize;

use crate::secret::Secret;

/// A key file as the cloud console gives it out.
#[derive(Clone, Debug, Deserialize)]
pub struct ServiceAccount {
    /// Who it is.
    pub client_email: String,
    /// Its key, as PEM.
    pub private_key: Secret,
    /// The name of the key.
    pub private_key_id: Option<String>,
    /// The token endpoint, which is the audience.
    pub token_uri: Option<String>,
}

impl ServiceAccount {
    /// Reads `text` if it means to be such a file; `None` if it is something else, such as a PEM file or a JWK.
    pub fn read(text: &Secret) -> Option<Result<Self, ServiceAccountError>> {
        #[derive(Deserialize)]
        struct Kind {
            #[serde(rename = "type")]
            kind: Option<String>,
            #[serde(default)]
            client_email: Option<serde::de::IgnoredAny>,
        }
        let kind: Kind = serde_json::from_str(text.expose()).ok()?;
        match kind.kind.as_deref() {
            Some("service_account") => {}
            Some(other) => {
                return Some(Err(ServiceAccountError::OtherKind(other.chars().take(40).collect())));
            }
            None if kind.client_email.is_some() => {}
            None => return None,
        }
        // The parser's own words could repeat what is in the file.
        Some(serde_json::from_str(text.expose()).map_err(|_| ServiceAccountError::Incomplete))
    }
}

/// A file that only looks like a service account's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceAccountError {
    /// Another kind of Google credential, such as `authorized_user`.
    #[error("the file is of the type `{}`, not `service_account`", .0.escape_debug())]
    OtherKind(String),
    /// A member is missing.
    #[error("the service account's file lacks `client_email` or `private_key`")]
    Incomplete,
}
