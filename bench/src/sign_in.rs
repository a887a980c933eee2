//! Logins within this process: the engine's own, with somebody in the place of the person.

use anyhow::Result;
use bursar_core::engine::Engine;
use bursar_core::engine::login::LoginPlan;
use bursar_core::lifecycle::reference::{AccountReference, Nickname};

use bursar_core::provider::{Endpoint, IdentitySource, Provider, ProviderId};
use bursar_core::secret::Secret;
use url::Url;

use crate::provider::{CLIENT, SECRET};

/// A login at a provider with these two endpoints, and nothing to tell whose it is.
pub(crate) fn plan(authorize: &str, token: &str) -> Result<LoginPlan> {
    let mut provider = Provider::new(ProviderId::parse("bench")?);
    provider.endpoints.authorize = Some(Endpoint::parse(authorize)?);
    provider.endpoints.token = Some(Endpoint::parse(token)?);
    provider.identity.source = IdentitySource::None;
    Ok(LoginPlan {
        provider,
        variables: std::collections::BTreeMap::new(),
        issuer: Some("https://bench.example".to_owned()),
        resource_server: None,
        binds_tokens: false,
        client_id: CLIENT.to_owned(),
        client_secret: Some(Secret::new(SECRET)),
        scopes: vec!["email".to_owned()],
        resource: Vec::new(),
        nickname: None,
    })
}

/// Logs in as `nickname`; `consent` goes where the browser would, and returns the query it came back with.
pub(crate) async fn log_in(
    engine: &Engine,
    plan: &LoginPlan,
    nickname: &str,
    consent: impl FnOnce(&Url) -> Result<String>,
) -> Result<AccountReference> {
    let plan = LoginPlan { nickname: Some(Nickname::parse(nickname)?), ..plan.clone() };
    let pending = engine.begin_authorization(&plan, REDIRECT).await?;
    let query = consent(pending.url())?;
    Ok(engine.finish_authorization(&plan, pending, &query).await?.account.reference)
}

/// Where the browser comes back to; nobody listens there.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:9/callback";
