//! URLs that tokens may go to: encrypted or local, without a login in them, and never shown with their secrets.

#![no_main]

use bursar_core::oauth::url::{EndpointUrl, Issuer, is_loopback, masked};
use bursar_core::provider::{Endpoint, ProviderId};
use bursar_fuzz::leaks::assert_hidden;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|text: &str| {
    let parsed = Url::parse(text).ok();
    match EndpointUrl::parse(text) {
        Ok(endpoint) => {
            let url = endpoint.as_url();
            assert!(url.scheme() == "https" || url.scheme() == "http" && is_loopback(url));
            assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
            assert!(!endpoint.host().is_empty());
            assert_eq!(EndpointUrl::parse(endpoint.as_str()).as_ref(), Ok(&endpoint));
            let template = Endpoint::from(&endpoint);
            assert_eq!(template.url().expect("no variables").host(), endpoint.host());
        }
        // Of a text that is no normal form, a part may look like another part's normal form.
        Err(error) => {
            hides_secrets(parsed.as_ref().filter(|url| url.as_str() == text), text, &error.to_string())
        }
    }
    if let Ok(issuer) = Issuer::parse(text) {
        assert_eq!(issuer.as_str(), text);
        assert!(issuer.as_url().query().is_none());
        let id = ProviderId::of_issuer(&issuer);
        assert_eq!(ProviderId::parse(id.as_str()).as_ref(), Ok(&id));
    }
    if let Some(url) = &parsed {
        hides_secrets(Some(url), url.as_str(), &masked(url));
    }
    if let Ok(endpoint) = Endpoint::parse(text) {
        assert!(endpoint.url().is_ok() != endpoint.variables().iter().any(|_| true));
        let filled = endpoint.url_with(|_| Some("a/b?c#d@e".to_owned()));
        let plain = endpoint.url_with(|_| Some("x".to_owned()));
        if let (Ok(filled), Ok(plain)) = (filled, plain) {
            assert!(filled.as_url().fragment().is_none() && filled.as_url().username().is_empty());
            assert_eq!(
                filled.as_url().path().matches('/').count(),
                plain.as_url().path().matches('/').count()
            );
        }
    }
});

fn hides_secrets(url: Option<&Url>, told: &str, shown: &str) {
    let Some(url) = url else { return };
    let values =
        url.query().into_iter().flat_map(|query| query.split('&')).filter_map(|pair| pair.split_once('='));
    for secret in values.map(|(_, value)| value).chain(url.password()).chain(url.fragment()) {
        // With a slash it may be what host and path are when the login between scheme and host is gone.
        if !secret.contains('/') {
            assert_hidden(secret, told, shown);
        }
    }
}
