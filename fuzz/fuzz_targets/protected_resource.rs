//! What a protected resource answers: challenges, metadata and registrations. What is believed is about the resource that was
//! asked, and no message obeys a stranger's control characters.

#![no_main]

use bursar_core::oauth::challenge::ResourceHint;
use bursar_core::oauth::protected_resource::{ResourceMetadata, well_known_urls};
use bursar_core::oauth::registration::NewClient;
use bursar_core::oauth::url::{EndpointUrl, is_loopback};
use bursar_core::ports::upstream::Body;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let url = EndpointUrl::parse("https://a.example/mcp").expect("a URL");
    match ResourceMetadata::read(bytes, &url) {
        Err(error) => assert!(error.to_string().chars().all(|character| !character.is_control())),
        Ok(metadata) => {
            let resource = EndpointUrl::parse(&metadata.resource).expect("a resource is a URL");
            assert_eq!(resource.as_url().origin(), url.as_url().origin());
            for issuer in &metadata.authorization_servers {
                assert!(issuer.as_url().scheme() == "https" || is_loopback(issuer.as_url()));
            }
        }
    }
    for status in [201, 400] {
        let response = http::Response::builder().status(status).body(Body::new(bytes)).expect("an answer");
        if let Ok(client) = NewClient::read(&response) {
            assert!(!client.id.is_empty());
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = ResourceHint::read(text);
    if let Ok(url) = EndpointUrl::parse(text) {
        assert!(well_known_urls(&url).iter().all(|place| place.host() == url.host()));
    }
});
