//! Resources.

use std::collections::{BTreeMap, BTreeSet};

use bursar_core::engine::issuer::administration::resources::Announcement;
use bursar_core::engine::issuer::records::resource::{Resource, TokenFormat};
use bursar_core::oauth::jose::Algorithm;
use serde::Serialize;
use utoipa::ToSchema;

use crate::account_view::rfc3339;

/// An API that takes our tokens. Members are only ever added.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ResourceDocument {
    /// Version of this document.
    schema: u32,
    /// Its address, as clients name it.
    pub(crate) url: String,
    /// For people.
    pub(crate) name: Option<String>,
    /// Every scope it knows, with words for the consent page.
    pub(crate) scopes: BTreeMap<String, String>,
    /// Its MCP tools, as far as they were declared, each with the scopes it needs.
    pub(crate) tools: BTreeMap<String, BTreeSet<String>>,
    /// How its access tokens look: `es256`, `eddsa`, `rs256` or `opaque`.
    pub(crate) format: &'static str,
    /// How many seconds its access tokens live; `null`: as long as all others.
    pub(crate) access_lifetime: Option<i64>,
    /// Clients that may introspect its tokens.
    pub(crate) introspectors: Vec<String>,
    /// Whether only proven keys are let in (RFC 9449).
    pub(crate) requires_proof: bool,
    /// When it was added (RFC 3339).
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    /// Where clients find its metadata (RFC 9728 §3).
    pub(crate) metadata_url: Option<String>,
    /// Whether this server answers there; else the resource must, or must pass such requests on.
    pub(crate) metadata_is_served_here: bool,
    /// The value of its `WWW-Authenticate` header for who comes without a token (RFC 9728 §5.1).
    pub(crate) challenge: Option<String>,
}

impl ResourceDocument {
    pub(crate) fn new(resource: &Resource, announcement: Option<&Announcement>) -> Self {
        Self {
            schema: 1,
            url: resource.url.clone(),
            name: resource.name.clone(),
            scopes: resource.scopes.clone(),
            tools: resource.tools.clone(),
            format: format_name(resource.format),
            access_lifetime: resource.access_lifetime.map(|lifetime| lifetime.as_secs()),
            introspectors: resource.introspectors.clone(),
            requires_proof: resource.requires_proof,
            created_at: rfc3339(resource.created_at),
            metadata_url: announcement.map(|announcement| announcement.metadata_url.clone()),
            metadata_is_served_here: announcement.is_some_and(|announcement| announcement.is_served_here),
            challenge: announcement.map(|announcement| announcement.challenge.clone()),
        }
    }
}

/// What a format is called.
fn format_name(format: TokenFormat) -> &'static str {
    FORMATS.iter().find(|(_, known)| *known == format).map_or("hs256", |(name, _)| name)
}

/// The format of this name.
pub(crate) fn format_named(name: &str) -> Option<TokenFormat> {
    FORMATS.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
}

const FORMATS: [(&str, TokenFormat); 4] = [
    ("es256", TokenFormat::Jwt(Algorithm::Es256)),
    ("eddsa", TokenFormat::Jwt(Algorithm::EdDsa)),
    ("rs256", TokenFormat::Jwt(Algorithm::Rs256)),
    ("opaque", TokenFormat::Opaque),
];
