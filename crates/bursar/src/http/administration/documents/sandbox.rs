//! Sandboxes.

use bursar_core::engine::sandboxes::Sandbox;
use bursar_core::oauth::url::Issuer;
use serde::Serialize;
use utoipa::ToSchema;

use crate::account_view::rfc3339;
use crate::sandboxes::address::issuer_of;

/// A tenant. Members are only ever added.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SandboxDocument {
    /// Version of this document.
    schema: u32,
    /// What people call it.
    pub(crate) name: String,
    /// Its issuer: where everything of it is. `null`: it cannot be reached as the server is now.
    pub(crate) issuer: Option<String>,
    /// The host of its own, if it has one.
    host: Option<String>,
    /// When it was made (RFC 3339).
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends by itself (RFC 3339); `null`: never.
    #[schema(format = DateTime)]
    pub(crate) expires_at: Option<String>,
    /// How many clients it may have; `null`: as many as come.
    clients: Option<u64>,
    /// How many users it may have; `null`: as many as come.
    users: Option<u64>,
    /// How many grants it may have; `null`: as many as come.
    grants: Option<u64>,
    /// How many accounts it may hold; `null`: as many as come.
    accounts: Option<u64>,
    /// How many seconds its access tokens live; `null`: as long as the server's.
    access_token_seconds: Option<i64>,
    /// How many seconds its refresh tokens live that are not used; `null`: as long as the server's.
    refresh_token_seconds: Option<i64>,
    /// Whether programs nobody knows may register there; `null`: as at the server.
    open_registration: Option<bool>,
}

impl SandboxDocument {
    /// Of a sandbox of the server known as `around`.
    pub(crate) fn new(sandbox: &Sandbox, around: &Issuer) -> Self {
        let Sandbox { name, host, settings, created_at, expires_at, .. } = sandbox;
        let issuer = issuer_of(around, name.as_str(), host.as_ref()).ok();
        Self {
            schema: 1,
            name: name.to_string(),
            issuer: issuer.map(|issuer| issuer.as_str().to_owned()),
            host: host.as_ref().map(|host| host.as_str().to_owned()),
            created_at: rfc3339(*created_at),
            expires_at: expires_at.map(rfc3339),
            clients: settings.quotas.clients,
            users: settings.quotas.users,
            grants: settings.quotas.grants,
            accounts: settings.quotas.accounts,
            access_token_seconds: settings.access_token.map(|lifetime| lifetime.as_secs()),
            refresh_token_seconds: settings.refresh_token.map(|lifetime| lifetime.as_secs()),
            open_registration: settings.open_registration,
        }
    }
}
