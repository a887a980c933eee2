//! The peer: npm's `oidc-provider` with everything in memory, in a process of its own.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use url::Url;

use super::contest::Host;
use super::server::{address_of, first_document};
use crate::running::{SERVER_CORE, pinned};

/// A running one; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct OidcProvider {
    pub(super) host: Host,
    /// One for each connection.
    pub(super) refresh_tokens: Vec<String>,
}

impl OidcProvider {
    /// Starts it on the core of whatever is measured.
    pub(super) fn start() -> Result<Self> {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let mut command = pinned(SERVER_CORE, root.join("peers/node/run"));
        command.arg("../bench/oidc-provider.mjs").env("NODE_ENV", "production");
        let (running, said) = first_document(&mut command)
            .context("`oidc-provider` does not start: run scripts/setup-tests")?;
        let said: Said = serde_json::from_value(said)?;
        let host = Host { address: address_of(&said.issuer)?, running };
        Ok(Self { host, refresh_tokens: said.refresh_tokens })
    }
}

/// What it prints when it listens.
#[derive(Deserialize)]
struct Said {
    issuer: Url,
    refresh_tokens: Vec<String>,
}

/// The path of its token endpoint.
pub(super) const TOKEN: &str = "/token";
/// The path of its introspection endpoint.
pub(super) const INTROSPECTION: &str = "/token/introspection";
/// Its confidential client.
pub(super) const SERVICE: (&str, &str) = ("service", "secret-of-the-bench-which-protects-nothing");
/// Its public client.
pub(super) const APP: &str = "app";
