//! Who is meant: an entry of the catalogue, an issuer by its URL, or an issuer somebody logged in to before.

use bursar_core::engine::broker::HandOutError;
use bursar_core::oauth::url::Issuer;
use bursar_core::provider::{Provider, ProviderId};

use crate::cli::app::App;
use crate::exit::{Exit, Failure};

/// A provider, its variables still open.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) provider: Provider,
    /// The issuer it was discovered from; `None` for entries of the catalogue.
    pub(super) issuer: Option<String>,
}

pub(super) async fn find(app: &App, wanted: &str) -> Result<Target, Failure> {
    if wanted.contains("://") {
        return discovered(app, wanted).await;
    }
    let catalogue = &app.engine.ports().catalogue;
    let found = catalogue.find(wanted).map_err(|error| {
        Failure::of(Exit::Usage, &error).hint("correct the entry; docs/providers.md explains every key")
    })?;
    if let Some(provider) = found {
        return Ok(Target { provider, issuer: None });
    }
    match known_issuer(app, wanted).await? {
        Some(issuer) => discovered(app, &issuer).await,
        None => Err(unknown(app, wanted)),
    }
}

/// Asks the issuer itself, every time: what it said at an earlier login may have changed.
async fn discovered(app: &App, url: &str) -> Result<Target, Failure> {
    let issuer = Issuer::parse(url).map_err(|error| {
        Failure::of(Exit::Usage, &error)
            .hint("name an issuer as `https://HOST`, or a provider of the catalogue; plain http works on loopback only")
    })?;
    let provider = app.engine.discover(&issuer).await?;
    // It may name itself with or without the slash at the end.
    let named = provider.endpoints.issuer.as_ref().map_or(url, |issuer| issuer.as_str());
    Ok(Target { issuer: Some(named.to_owned()), provider })
}

/// The issuer behind the provider name that an earlier login by URL has made.
async fn known_issuer(app: &App, wanted: &str) -> Result<Option<String>, Failure> {
    let Ok(id) = ProviderId::parse(wanted) else { return Ok(None) };
    let overview = app.engine.overview().await?;
    if !overview.accounts.iter().any(|account| account.reference.provider == id) {
        return Ok(None);
    }
    let provider = app.engine.provider(&id).await.map_err(HandOutError::from)?;
    Ok(provider.endpoints.issuer.map(|issuer| issuer.as_str().to_owned()))
}

fn unknown(app: &App, wanted: &str) -> Failure {
    let catalogue = &app.engine.ports().catalogue;
    let failure = Failure::new(Exit::Usage, format!("unknown provider '{}'", wanted.escape_debug()));
    let by_url = "any other issuer works by its URL: `bursar login https://ISSUER`";
    if let Some((provider, nickname)) = wanted.split_once(':')
        && catalogue.find(provider).is_ok_and(|found| found.is_some())
    {
        return failure.hint(format!("run `bursar login {provider} --as {nickname}`"));
    }
    if let Some(near) = catalogue.suggest(wanted) {
        return failure.hint(format!("did you mean `bursar login {near}`? {by_url}"));
    }
    let looks_like_a_host = wanted.contains('.') && url::Host::parse(wanted).is_ok();
    if looks_like_a_host {
        return failure.hint(format!("an issuer is named by its URL: `bursar login https://{wanted}`"));
    }
    failure.hint(format!("known are {}; {by_url}", catalogue.names().join(", ")))
}
