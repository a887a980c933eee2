//! Who is meant: an entry of the catalogue, an issuer or a protected resource by its URL, or one of these that somebody
//! logged in to before.

use bursar_core::engine::Engine;
use bursar_core::engine::login::{Discovered, Known};
use bursar_core::provider::{Provider, ProviderId};

use super::TargetError;

/// A provider, its variables still open.
#[derive(Debug)]
pub(crate) struct Target {
    pub(super) provider: Provider,
    /// What it was discovered from; `None` for entries of the catalogue.
    pub(super) discovered: Option<Box<Discovered>>,
}

impl Target {
    /// Finds who `wanted` means.
    pub(crate) async fn find(engine: &Engine, wanted: &str, known: Known<'_>) -> Result<Self, TargetError> {
        if wanted.contains("://") {
            return discovered(engine, wanted, known).await;
        }
        if let Some(provider) = engine.ports().catalogue.find(wanted)? {
            return Ok(Self { provider, discovered: None });
        }
        if let Some(url) = known_url(engine, wanted).await? {
            return discovered(engine, &url, known).await;
        }
        let near = engine.ports().catalogue.suggest(wanted).map(str::to_owned);
        Err(TargetError::Unknown { wanted: wanted.to_owned(), near })
    }

    /// Whether it is a protected resource, such as an MCP server, that led to the provider.
    pub(crate) fn is_resource(&self) -> bool {
        self.discovered.as_ref().is_some_and(|found| found.resource.is_some())
    }
}

/// Asks the server itself, every time: what it said at an earlier login may have changed.
async fn discovered(engine: &Engine, url: &str, known: Known<'_>) -> Result<Target, TargetError> {
    let discovered = engine.discover_target(url, known).await?;
    Ok(Target { provider: discovered.provider.clone(), discovered: Some(Box::new(discovered)) })
}

/// The URL behind the provider name that an earlier login by URL has made.
async fn known_url(engine: &Engine, wanted: &str) -> Result<Option<String>, TargetError> {
    let Ok(id) = ProviderId::parse(wanted) else { return Ok(None) };
    let overview = engine.overview().await?;
    if !overview.accounts.iter().any(|account| account.reference.provider == id) {
        return Ok(None);
    }
    let known = engine.discovered(&id).await?;
    Ok(known.map(|known| known.resource_server.unwrap_or(known.issuer)))
}
