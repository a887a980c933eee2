//! Names of accounts and providers: what is accepted reads back, and a key has one border.

#![no_main]

use bursar_core::lifecycle::reference::{AccountReference, Nickname};
use bursar_core::provider::ProviderId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (provider, nickname) = text.split_once(':').unwrap_or(("example", text));
    if let Err(error) = Nickname::parse(nickname) {
        assert!(error.to_string().chars().count() < 200);
    }
    let (Ok(provider), Ok(nickname)) = (ProviderId::parse(provider), Nickname::parse(nickname)) else {
        return;
    };
    let reference = AccountReference { provider, nickname };
    let shown = reference.to_string();
    let (provider, nickname) = shown.split_once(':').expect("a border");
    assert_eq!(ProviderId::parse(provider).as_ref(), Ok(&reference.provider));
    assert_eq!(Nickname::parse(nickname).as_ref(), Ok(&reference.nickname));
    assert_eq!(reference.key().matches(':').count(), 1);
    assert!(!reference.key().contains('/'));
    assert_eq!(reference.key().to_lowercase(), reference.key());
    let written = serde_json::to_string(&reference).expect("a reference has a JSON form");
    assert_eq!(serde_json::from_str::<AccountReference>(&written).ok(), Some(reference));
});
