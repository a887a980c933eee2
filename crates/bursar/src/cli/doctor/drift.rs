//! Whether discovered providers still describe themselves as they did at login.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bursar_core::engine::Engine;
use bursar_core::engine::login::DiscoveryError;
use bursar_core::engine::records::ProviderDefinition;
use bursar_core::oauth::url::Issuer;
use bursar_core::ports::document;
use bursar_core::provider::Provider;
use futures::future::{Either, join_all, select};

use super::finding::Finding;

/// Asks the issuers of `providers` again; nothing for those of the catalogue, and for those that do not answer, about
/// which another check tells.
pub(super) async fn check(engine: &Engine, providers: &[Provider]) -> Vec<Finding> {
    let ports = engine.ports();
    let known = match document::list::<ProviderDefinition>(&*ports.store, engine.space()).await {
        Ok(known) => known.into_iter().map(|stored| stored.document),
        Err(error) => return vec![Finding::failure(NAME, error.into())],
    };
    let in_use = known.filter(|known| {
        let catalogued = matches!(ports.catalogue.find(known.provider.id.as_str()), Ok(Some(_)));
        !catalogued && providers.iter().any(|provider| provider.id == known.provider.id)
    });
    let asked = join_all(in_use.map(|known| async move {
        let issuer = Issuer::parse(&known.issuer).ok()?;
        let answer = match select(std::pin::pin!(engine.discover(&issuer)), ports.clock.sleep(LIMIT)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => return None,
        };
        told(&known, &answer)
    }));
    asked.await.into_iter().flatten().collect()
}

fn told(known: &ProviderDefinition, answer: &Result<Provider, DiscoveryError>) -> Option<Finding> {
    let id = &known.provider.id;
    let changes = match answer {
        Err(DiscoveryError::Unreachable { .. }) => return None,
        Err(error) => {
            return Some(Finding::warn(
                NAME,
                format!("{id} does not describe itself as at the login any more: {error}"),
                format!(
                    "accounts go on as long as its endpoints stay; `bursar login {}` will say more",
                    known.resource_server.as_ref().unwrap_or(&known.issuer)
                ),
            ));
        }
        Ok(provider) => changes(&known.provider, provider),
    };
    if changes.is_empty() {
        return Some(Finding::ok(NAME, format!("{id} describes itself as at the login")));
    }
    Some(Finding::warn(
        NAME,
        format!("{id} describes itself otherwise than at the login: {}", changes.join("; ")),
        format!(
            "take it over with `bursar login {}`; until then the old addresses are used",
            known.resource_server.as_ref().unwrap_or(&known.issuer)
        ),
    ))
}

/// Endpoints that came, went or moved.
fn changes(before: &Provider, after: &Provider) -> Vec<String> {
    let urls = |provider: &Provider| -> BTreeMap<&'static str, String> {
        let endpoints = provider.endpoints.declared();
        endpoints.filter_map(|(name, endpoint)| Some((name, endpoint.url().ok()?.to_string()))).collect()
    };
    let (before, after) = (urls(before), urls(after));
    let names: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    let changes = names.into_iter().filter_map(|name| match (before.get(name), after.get(name)) {
        (Some(before), Some(after)) if before != after => Some(format!("{name} is {after}, was {before}")),
        (Some(before), None) => Some(format!("{name} is not named any more, was {before}")),
        (None, Some(after)) => Some(format!("{name} is new: {after}")),
        _ => None,
    });
    changes.collect()
}

const NAME: &str = "registry";

/// Up to three documents, each of which a server that answers has within a second.
const LIMIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use bursar_core::provider::{Endpoint, ProviderId};

    use super::*;

    #[test]
    fn every_kind_of_change_is_told() {
        let provider = |token: &str, device: Option<&str>, revoke: Option<&str>| {
            let mut provider = Provider::new(ProviderId::parse("acme").unwrap());
            let endpoint = |url: &str| Endpoint::parse(url).unwrap();
            provider.endpoints.token = Some(endpoint(token));
            provider.endpoints.device = device.map(endpoint);
            provider.endpoints.revoke = revoke.map(endpoint);
            provider
        };
        let before = provider("https://a.test/t", Some("https://a.test/d"), None);
        assert_eq!(changes(&before, &before), [""; 0]);
        let after = provider("https://b.test/t", None, Some("https://b.test/r"));
        assert_eq!(
            changes(&before, &after),
            [
                "device is not named any more, was https://a.test/d",
                "revoke is new: https://b.test/r",
                "token is https://b.test/t, was https://a.test/t",
            ]
        );
    }
}
