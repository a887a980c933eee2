//! Users.

use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::password_reset::RESET_CODE_LIFETIME;
use bursar_core::engine::issuer::records::user::User;
use bursar_core::engine::issuer::scopes::ADMINISTRATION_SCOPES;
use bursar_core::secret::Secret;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::account_view::rfc3339;

/// A code by which a user sets a password of their own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResetCodeDocument {
    /// Version of this document.
    schema: u32,
    /// The code, for nobody but them.
    #[schema(format = Password)]
    code: String,
    /// Where they set the password with it.
    url: String,
    /// How many seconds it is good.
    expires_in: i64,
}

impl ResetCodeDocument {
    pub(crate) fn new(code: &Secret, server: &AuthorizationServer) -> Self {
        Self {
            schema: 1,
            code: code.expose().to_owned(),
            url: reset_page(server),
            expires_in: RESET_CODE_LIFETIME.as_secs(),
        }
    }
}

/// Where codes for a new password are good.
pub(crate) fn reset_page(server: &AuthorizationServer) -> String {
    format!("{}/reset", server.rules().issuer.as_str().trim_end_matches('/'))
}

/// Somebody who signs in here. Members are only ever added.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own on the line")]
pub(crate) struct UserDocument {
    /// Version of this document.
    schema: u32,
    /// What clients know them by; never changes.
    pub(crate) id: String,
    /// What they type to sign in.
    pub(crate) username: String,
    /// Full name.
    pub(crate) name: Option<String>,
    /// E-mail address.
    pub(crate) email: Option<String>,
    /// Whether the address was verified.
    email_verified: bool,
    /// Address of a picture.
    avatar_url: Option<String>,
    /// What applications call them.
    pub(crate) role: Option<String>,
    /// What applications let them do.
    pub(crate) permissions: Vec<String>,
    /// Further claims for applications.
    #[schema(value_type = Object)]
    claims: Map<String, Value>,
    /// Scopes beyond the ordinary ones that clients may have in their name.
    scopes: Vec<String>,
    /// Whether they may change this server.
    pub(crate) admin: bool,
    /// Whether they can sign in with a password.
    pub(crate) has_password: bool,
    /// Whether they may not sign in.
    pub(crate) disabled: bool,
    /// When they were added (RFC 3339).
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    /// When the password was set last (RFC 3339).
    #[schema(format = DateTime)]
    pub(crate) password_changed_at: Option<String>,
}

impl From<&User> for UserDocument {
    fn from(user: &User) -> Self {
        let [_, admin] = ADMINISTRATION_SCOPES;
        Self {
            schema: 1,
            id: user.id.clone(),
            username: user.username.clone(),
            name: user.name.clone(),
            email: user.email.clone(),
            email_verified: user.email_verified,
            avatar_url: user.avatar_url.clone(),
            role: user.role.clone(),
            permissions: user.permissions.clone(),
            claims: user.claims.clone(),
            scopes: user.scopes.clone(),
            admin: user.scopes.iter().any(|scope| scope == admin),
            has_password: user.password.is_some(),
            disabled: user.disabled,
            created_at: rfc3339(user.created_at),
            password_changed_at: user.password_changed_at.map(rfc3339),
        }
    }
}
