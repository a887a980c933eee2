//! Protected resources: the APIs tokens are for (RFC 8707, RFC 9728).

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::oauth::jose::Algorithm;
use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// An API that takes our tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its address, as clients name it and as it stands in `aud`.
    pub url: String,
    /// For people.
    pub name: Option<String>,
    /// Every scope it knows, with words for the consent page (empty: none).
    pub scopes: BTreeMap<String, String>,
    /// Its MCP tools, as far as they were declared, each with the scopes it needs: the consent page tells them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, BTreeSet<String>>,
    /// How its access tokens look.
    pub format: TokenFormat,
    /// How long its access tokens live; `None`: as all others.
    pub access_lifetime: Option<SignedDuration>,
    /// Clients that may introspect tokens for it (RFC 7662 §2.1).
    pub introspectors: Vec<String>,
    /// Only proven keys are let in (RFC 9449).
    pub requires_proof: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

/// How access tokens for a resource look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// A JWT (RFC 9068), which everybody can verify.
    Jwt(Algorithm),
    /// A text that says nothing to anybody but this server.
    Opaque,
}

impl Default for TokenFormat {
    /// The algorithm that is both quick and known to every library.
    fn default() -> Self {
        Self::Jwt(Algorithm::Es256)
    }
}

impl Resource {
    /// The tools that need this scope.
    pub fn tools_of<'a>(&'a self, scope: &'a str) -> impl Iterator<Item = &'a str> {
        self.tools.iter().filter(move |(_, needed)| needed.contains(scope)).map(|(tool, _)| tool.as_str())
    }
}

impl Document for Resource {
    const KIND: &'static Kind = &RESOURCE;

    fn key(&self) -> String {
        self.url.clone()
    }
}

pub(in crate::engine) static RESOURCE: Kind = Kind {
    name: "resource",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &[],
    watched: true,
};
