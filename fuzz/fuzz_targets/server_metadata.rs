//! Server metadata: believed from the issuer that was asked only, and a provider made of it can be stored.

#![no_main]

use bursar_core::oauth::metadata::{ServerMetadata, well_known_urls};
use bursar_core::oauth::url::{Issuer, is_loopback};
use bursar_core::provider::{Provider, ProviderId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let issuer = Issuer::parse("https://as.example").expect("an issuer");
    match ServerMetadata::read(body, &issuer) {
        Err(error) => assert!(error.to_string().chars().all(|character| !character.is_control())),
        Ok(metadata) => {
            assert_eq!(metadata.issuer, issuer);
            let endpoints = [
                &metadata.authorization_endpoint,
                &metadata.token_endpoint,
                &metadata.device_authorization_endpoint,
                &metadata.revocation_endpoint,
                &metadata.introspection_endpoint,
                &metadata.userinfo_endpoint,
                &metadata.registration_endpoint,
                &metadata.jwks_uri,
            ];
            for endpoint in endpoints.into_iter().flatten() {
                assert!(endpoint.as_url().scheme() == "https" || is_loopback(endpoint.as_url()));
            }
            let provider = Provider::from_metadata(ProviderId::of_issuer(&issuer), &metadata);
            let written = serde_json::to_string(&provider).expect("a provider has a JSON form");
            assert_eq!(
                serde_json::from_str::<Provider>(&written).expect("a provider that can be read"),
                provider
            );
            for (_, endpoint) in provider.endpoints.declared() {
                assert!(endpoint.url().is_ok(), "{}", endpoint.as_str());
            }
        }
    }
    if let Ok(issuer) =
        std::str::from_utf8(body).map_err(drop).and_then(|text| Issuer::parse(text).map_err(drop))
    {
        let places = well_known_urls(&issuer);
        assert!(!places.is_empty() && places.iter().all(|place| place.host() == issuer.host()));
    }
});
