//! Clients.

use bursar_core::engine::issuer::records::client::{Client, ClientOrigin};
use bursar_core::secret::Secret;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::account_view::rfc3339;

/// A program that asks for tokens. Members are only ever added.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ClientDocument {
    /// Version of this document.
    schema: u32,
    /// Its id.
    pub(crate) id: String,
    /// Where it comes from: `administrator`, `registered` or `metadata_document`.
    pub(crate) origin: &'static str,
    /// What people call it.
    pub(crate) name: Option<String>,
    /// How it proves itself, as in RFC 7591 §2; `none`: not at all.
    pub(crate) authentication: &'static str,
    /// The ways it gets tokens, as in RFC 7591 §2.
    pub(crate) grant_types: Vec<&'static str>,
    /// Where answers to it may go.
    pub(crate) redirect_uris: Vec<String>,
    /// All it may ask for; `null`: whatever the resources offer.
    pub(crate) scope: Option<String>,
    /// Whether its refresh tokens are replaced with every use.
    pub(crate) rotates: bool,
    /// Its secrets, without what they are; more than one while one replaces another.
    pub(crate) secrets: Vec<SecretDocument>,
    /// When it became known (RFC 3339).
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    /// When it was removed (RFC 3339); `null`: it was not.
    #[schema(format = DateTime)]
    pub(crate) removed_at: Option<String>,
    /// All it says of itself, as in RFC 7591 §2.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
}

/// A secret of a client, without what it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SecretDocument {
    /// When it was made (RFC 3339).
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    /// When it ends (RFC 3339); `null`: not by itself.
    #[schema(format = DateTime)]
    pub(crate) expires_at: Option<String>,
}

/// A client with its new secret, which is told this once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AddedClientDocument {
    /// The client.
    #[serde(flatten)]
    client: ClientDocument,
    /// Its new secret; absent: it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

impl AddedClientDocument {
    pub(crate) fn new(client: &Client, secret: Option<&Secret>) -> Self {
        let client_secret = secret.map(|secret| secret.expose().to_owned());
        Self { client: client.into(), client_secret }
    }
}

impl ClientDocument {
    /// Where it is told that a user was signed out.
    pub(crate) fn backchannel_logout(&self) -> Option<&str> {
        self.metadata.get("backchannel_logout_uri")?.as_str()
    }
}

impl From<&Client> for ClientDocument {
    fn from(client: &Client) -> Self {
        let metadata = &client.metadata;
        Self {
            schema: 1,
            id: client.id.clone(),
            origin: match client.origin {
                ClientOrigin::Administrator => "administrator",
                ClientOrigin::Registered => "registered",
                ClientOrigin::MetadataDocument { .. } => "metadata_document",
            },
            name: metadata.client_name.clone(),
            authentication: metadata.token_endpoint_auth_method.registered_name(),
            grant_types: metadata.grant_types.iter().map(|grant| grant.as_str()).collect(),
            redirect_uris: metadata.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect(),
            scope: client.scope.as_ref().map(ToString::to_string),
            rotates: client.rotates,
            secrets: client
                .secrets
                .iter()
                .map(|secret| SecretDocument {
                    created_at: rfc3339(secret.created_at),
                    expires_at: secret.expires_at.map(rfc3339),
                })
                .collect(),
            created_at: rfc3339(client.created_at),
            removed_at: client.removed_at.map(rfc3339),
            metadata: metadata.to_object(),
        }
    }
}
