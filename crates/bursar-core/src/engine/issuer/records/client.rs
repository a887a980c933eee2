//! Clients: programs that ask for tokens.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::oauth::client_authentication::Method;
use crate::oauth::scope::Scope;
use crate::oauth::server::client_metadata::{ClientKeys, ClientMetadata, GrantType};
use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// A program that asks for tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// Its name at this server.
    pub id: String,
    /// Where it comes from.
    pub origin: ClientOrigin,
    /// What it says of itself (RFC 7591 §2).
    pub metadata: ClientMetadata,
    /// Its secrets; two while one replaces the other.
    pub secrets: Vec<ClientSecret>,
    /// All it may ask for; `None`: whatever the resources offer.
    pub scope: Option<Scope>,
    /// Whether its refresh tokens are replaced with every use. `false` only for those that prove a key with each.
    pub rotates: bool,
    /// When it became known.
    pub created_at: Timestamp,
    /// When an administrator removed it: it stays as a stone that says so.
    pub removed_at: Option<Timestamp>,
    /// SHA-256, as base64url, of the token it looks after its own registration with (RFC 7592 §1.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management: Option<String>,
    /// The record is forgotten then: nobody has agreed to anything yet, or what it says is true without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten_at: Option<Timestamp>,
}

/// Where a client comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientOrigin {
    /// An administrator added it.
    Administrator,
    /// It registered itself (RFC 7591).
    Registered,
    /// Its id is the address of its metadata.
    MetadataDocument {
        /// When this copy was made. Of two copies the later one counts.
        fetched_at: Timestamp,
        /// The copy is good until then.
        fresh_until: Timestamp,
    },
}

/// A secret of a client. It was made here and has 256 random bits, so no slow hash is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSecret {
    /// SHA-256 as base64url.
    pub digest: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; `None`: not by itself.
    pub expires_at: Option<Timestamp>,
}

impl Client {
    /// Whether it can keep a secret or prove a key.
    pub fn is_confidential(&self) -> bool {
        self.metadata.token_endpoint_auth_method != Method::None
    }

    /// Whether its logins of this scope outlive their first access token (RFC 7591 §2; OIDC Core §11).
    pub fn may_refresh(&self, scope: &Scope) -> bool {
        self.may_use(GrantType::RefreshToken) || scope.contains("offline_access")
    }

    /// Whether it may use a grant.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.metadata.grant_types.contains(&grant)
    }

    /// Changes when the client is called otherwise, when its answers would go elsewhere, or when others could prove to be it:
    /// its users are asked again then.
    pub fn consent_digest(&self) -> String {
        let metadata = &self.metadata;
        let mut facts = metadata.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect::<Vec<_>>();
        facts.sort_unstable();
        facts.push(match &metadata.keys {
            Some(ClientKeys::Inline(keys)) => keys.to_json().to_string(),
            Some(ClientKeys::At(address)) => address.to_string(),
            None => String::new(),
        });
        facts.push(metadata.client_name.clone().unwrap_or_default());
        URL_SAFE_NO_PAD.encode(&digest(&SHA256, facts.join("\0").as_bytes()).as_ref()[..16])
    }
}

impl Document for Client {
    const KIND: &'static Kind = &CLIENT;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        self.forgotten_at
    }
}

pub(in crate::engine) static CLIENT: Kind =
    Kind { name: "client", scope: store::Scope::Sandbox, group: Group::Durable, indexes: &[], watched: true };
