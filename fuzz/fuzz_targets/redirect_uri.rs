//! Redirect URIs and other addresses compared as text: what is accepted is reached where every reader says.

#![no_main]

use bursar_core::oauth::server::metadata_document::ClientIdUrl;
use bursar_core::oauth::server::redirect_uri::{Destination, RedirectTarget, RegisteredRedirect};
use bursar_core::oauth::server::resource::ResourceIndicator;
use bursar_core::oauth::server::resource_metadata::well_known_url;
use bursar_core::oauth::server::server_metadata::WellKnownRequest;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|input: &str| {
    let (text, requested) = input.split_once('\n').unwrap_or((input, input));
    match RegisteredRedirect::parse(text) {
        Err(error) => assert!(error.to_string().chars().all(|character| !character.is_control())),
        Ok(redirect) => {
            assert_eq!(redirect.as_str(), text);
            assert!(redirect.matches(text));
            let url = Url::parse(text).expect("an accepted redirect is a URL");
            match redirect.destination() {
                Destination::App => assert_eq!(redirect.host(), url.scheme()),
                _ => assert_eq!(url.host_str(), Some(redirect.host().to_ascii_lowercase().as_str())),
            }
            assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
            assert!(url.scheme() != "http" || redirect.is_loopback());
            assert!(!["javascript", "data", "file", "vbscript", "blob"].contains(&url.scheme()));
            if let Ok(target) = RedirectTarget::choose(&[redirect.clone()], Some(requested)) {
                assert!(RegisteredRedirect::parse(requested).is_ok());
                assert!(
                    requested == text
                        || redirect.is_loopback() && without_port(requested) == without_port(text)
                );
                assert!(!target.content_security_source().contains([' ', ';', ',']));
            }
        }
    }
    if let Ok(client) = ClientIdUrl::parse(text) {
        assert!(ClientIdUrl::looks_like_one(text));
        let url = Url::parse(text).expect("an accepted client identifier is a URL");
        assert_eq!(url.host_str(), Some(client.host().to_ascii_lowercase().as_str()));
    }
    if let Ok(resource) = ResourceIndicator::parse(text) {
        let place = Url::parse(&well_known_url(&resource)).expect("a place that can be reached");
        let url = Url::parse(text).expect("an accepted resource is a URL");
        assert_eq!(place.host_str(), url.host_str());
        assert_eq!(place.query(), url.query());
        assert!(WellKnownRequest::of_path(place.path()).is_some());
    }
    if let Some(request) = WellKnownRequest::of_path(text) {
        assert!(text.contains(request.path) && (request.path.is_empty() || request.path.starts_with('/')));
    }
});

fn without_port(text: &str) -> String {
    let mut url = Url::parse(text).expect("a URL");
    url.set_port(None).expect("a URL with a host");
    url.to_string()
}
