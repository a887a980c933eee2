//! The hosts a firewall has to let through for the providers in use.

use std::collections::BTreeSet;

use bursar_core::provider::Provider;

use super::finding::Finding;

/// Every host of every endpoint; nothing without providers.
pub(super) fn check(providers: &[Provider]) -> Option<Finding> {
    let endpoints = providers.iter().flat_map(|provider| provider.endpoints.declared());
    let hosts: BTreeSet<String> = endpoints
        .filter_map(|(_, endpoint)| {
            let url = endpoint.url_with(|_| Some(String::new())).ok()?;
            let port = url.as_url().port().map_or_else(String::new, |port| format!(":{port}"));
            Some(format!("{}{port}", url.host()))
        })
        .collect();
    if hosts.is_empty() {
        return None;
    }
    let hosts: Vec<String> = hosts.into_iter().collect();
    Some(Finding::ok("hosts", format!("a firewall has to allow: {}", hosts.join(", "))))
}
