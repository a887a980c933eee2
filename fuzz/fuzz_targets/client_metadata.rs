//! Client metadata: what is accepted can be stored, asks strangers for nothing they may not have, and names no script.

#![no_main]

use bursar_core::oauth::server::client_metadata::{ClientMetadata, ClientMetadataError, GrantType};
use bursar_core::oauth::server::metadata_document::{ClientIdUrl, read_metadata_document};
use http::StatusCode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    match ClientMetadata::read(body) {
        Err(error) => judged(&error),
        Ok(metadata) => {
            assert!(!metadata.grant_types.is_empty());
            let written = serde_json::to_vec(&metadata).expect("metadata has a JSON form");
            assert_eq!(serde_json::from_slice::<ClientMetadata>(&written).expect("it can be read"), metadata);
            let object = metadata.to_object();
            assert!(object.contains_key("grant_types") && object.contains_key("response_types"));
            assert!(object.values().all(|value| !value.is_null() && value != ""));
            let pages = [&metadata.client_uri, &metadata.logo_uri, &metadata.tos_uri, &metadata.policy_uri];
            for page in pages.into_iter().flatten() {
                assert!(page.as_str().starts_with("http://") || page.as_str().starts_with("https://"));
            }
            match metadata.for_anonymous() {
                Err(error) => judged(&error),
                Ok(trimmed) => {
                    assert!(trimmed.grant_types.iter().all(|grant| GrantType::ASKING_A_USER.contains(grant)));
                }
            }
        }
    }
    let url = ClientIdUrl::parse("https://app.example/client.json").expect("a client identifier");
    let read = read_metadata_document(&url, StatusCode::OK, Some("application/json"), body);
    if let Ok(metadata) = read {
        assert!(metadata.client_name.is_some() && !metadata.redirect_uris.is_empty());
    }
});

fn judged(error: &ClientMetadataError) {
    assert!(error.code().is_registered());
    assert!(error.description().chars().all(|character| !character.is_control()));
}
