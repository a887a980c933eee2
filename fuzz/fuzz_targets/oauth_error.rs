//! Errors of providers: whatever was sent, what is shown is short and printable.

#![no_main]

use bursar_core::oauth::error::{ErrorCode, OAuthError};
use bursar_core::oauth::form::Parameters;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    if let Ok(answer) = serde_json::from_slice(text) {
        judge(OAuthError::from_json(&answer));
    }
    if let Ok(parameters) = Parameters::parse_form(text) {
        judge(OAuthError::from_parameters(&parameters));
    }
    if let Ok(word) = std::str::from_utf8(text) {
        let code = ErrorCode::from(word);
        assert_eq!(ErrorCode::from(code.as_str()).as_str(), code.as_str());
        assert!(!code.is_registered() || code.as_str() == word);
    }
});

fn judge(error: Option<OAuthError>) {
    let Some(error) = error else { return };
    let shown = error.to_string();
    assert!(shown.chars().all(|character| !character.is_control()), "{shown:?}");
    assert!(shown.chars().count() <= 80 + 2 + 300, "{shown:?}");
}
