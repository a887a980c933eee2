//! Who is meant: an entry of the catalogue, an issuer by its URL, or an issuer somebody logged in to before.

use bursar_core::engine::Engine;
use bursar_core::engine::broker::HandOutError;
use bursar_core::oauth::url::Issuer;
use bursar_core::provider::{Provider, ProviderId};

use super::TargetError;

/// A provider, its variables still open.
#[derive(Debug)]
pub(crate) struct Target {
    pub(super) provider: Provider,
    /// The issuer it was discovered from; `None` for entries of the catalogue.
    pub(super) issuer: Option<String>,
}

impl Target {
    /// Finds who `wanted` means.
    pub(crate) async fn find(engine: &Engine, wanted: &str) -> Result<Self, TargetError> {
        if wanted.contains("://") {
            return discovered(engine, wanted).await;
        }
        if let Some(provider) = engine.ports().catalogue.find(wanted)? {
            return Ok(Self { provider, issuer: None });
        }
        if let Some(issuer) = known_issuer(engine, wanted).await? {
            return discovered(engine, &issuer).await;
        }
        let near = engine.ports().catalogue.suggest(wanted).map(str::to_owned);
        Err(TargetError::Unknown { wanted: wanted.to_owned(), near })
    }
}

/// Asks the issuer itself, every time: what it said at an earlier login may have changed.
async fn discovered(engine: &Engine, url: &str) -> Result<Target, TargetError> {
    let provider = engine.discover(&Issuer::parse(url)?).await?;
    // It may name itself with or without the slash at the end.
    let named = provider.endpoints.issuer.as_ref().map_or(url, |issuer| issuer.as_str());
    Ok(Target { issuer: Some(named.to_owned()), provider })
}

/// The issuer behind the provider name that an earlier login by URL has made.
async fn known_issuer(engine: &Engine, wanted: &str) -> Result<Option<String>, TargetError> {
    let Ok(id) = ProviderId::parse(wanted) else { return Ok(None) };
    let overview = engine.overview().await?;
    if !overview.accounts.iter().any(|account| account.reference.provider == id) {
        return Ok(None);
    }
    let provider = engine
        .provider(&id)
        .await
        .map_err(|error| TargetError::Earlier(Box::new(HandOutError::from(error))))?;
    Ok(provider.endpoints.issuer.map(|issuer| issuer.as_str().to_owned()))
}
