//! Forms and queries: what is accepted reads back as written, and as an independent reader has it.

#![no_main]

use bursar_core::oauth::form::Parameters;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(parameters) = Parameters::parse_form(text) else { return };
    let ours: Vec<&str> = parameters.names().collect();
    let others: Vec<(String, String)> =
        url::form_urlencoded::parse(text).into_owned().filter(|(_, value)| !value.is_empty()).collect();
    assert_eq!(ours, others.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>());
    for (name, value) in &others {
        assert!(parameters.values(name).any(|ours| ours == value));
    }
    assert_eq!(Parameters::parse_form(parameters.to_form().expose()).as_ref(), Ok(&parameters));
    assert_eq!(Parameters::parse_form(parameters.to_query().as_bytes()).as_ref(), Ok(&parameters));
    let json: serde_json::Value = serde_json::from_slice(parameters.to_json().expose()).expect("valid JSON");
    for name in ours {
        let values: Vec<&str> = parameters.values(name).collect();
        match &json[name] {
            serde_json::Value::String(text) => assert_eq!(values, [text]),
            many => assert_eq!(serde_json::json!(values), *many),
        }
    }
});
