//! Provider entries as people write them: what is accepted can be found, stored and filled in.

#![no_main]

use std::collections::BTreeMap;

use bursar_core::provider::{Catalogue, OverlayFile, Provider};
use libfuzzer_sys::fuzz_target;

// A zero byte, which no TOML holds, ends one file and begins the next.
fuzz_target!(|texts: &str| {
    let files = texts
        .splitn(3, '\0')
        .enumerate()
        .map(|(position, text)| OverlayFile { name: format!("{position}.toml"), text: text.to_owned() });
    let catalogue = match Catalogue::with_overlay(files.collect()) {
        Ok(catalogue) => catalogue,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    for name in catalogue.names() {
        let provider = catalogue.find(name).expect("checked before").expect("it is named");
        let written = serde_json::to_string(&provider).expect("a provider has a JSON form");
        assert_eq!(
            serde_json::from_str::<Provider>(&written).expect("a provider that can be read"),
            provider
        );
        let _ = catalogue.suggest(name);
        let mut values = BTreeMap::new();
        for (name, variable) in &provider.variables {
            let value = variable.one_of.first().cloned().unwrap_or_else(|| "one".to_owned());
            values.insert(name.clone(), value + variable.suffix.as_deref().unwrap_or_default());
        }
        if let Ok(resolved) = provider.resolve(&values) {
            assert!(
                resolved
                    .endpoints
                    .declared()
                    .all(|(_, endpoint)| { endpoint.url().is_ok() || !endpoint.variables().is_empty() })
            );
        }
    }
});
