//! The answer to an authorization request, by redirect or pasted: a code is believed only with the state.

#![no_main]

use bursar_core::oauth::authorization::{AuthorizationResponse, Expected};
use bursar_core::oauth::url::Issuer;
use bursar_core::secret::Secret;
use bursar_fuzz::leaks::assert_hidden;
use libfuzzer_sys::fuzz_target;

const STATE: &str = "Zx81-the-state";

fuzz_target!(|input: (bool, bool, &str)| {
    let (pasted, named, text) = input;
    let issuer = Issuer::parse("https://as.example").expect("an issuer");
    let state = Secret::new(STATE);
    let expected = Expected { state: &state, issuer: named.then_some(&issuer), issuer_required: named };
    let read = if pasted {
        AuthorizationResponse::read_pasted(text, &expected)
    } else {
        AuthorizationResponse::read(text, &expected)
    };
    match read {
        Ok(code) => assert!(!code.is_empty() && decoded(text).contains(STATE), "a code without its state"),
        Err(error) => {
            assert_hidden(STATE, &decoded(text), &format!("{error} {error:?}"));
            assert!(error.to_string().chars().all(|character| !character.is_control()));
        }
    }
    if !pasted && let Ok(code) = AuthorizationResponse::read(text, &expected) {
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(text.strip_prefix('?').unwrap_or(text).as_bytes())
                .into_owned()
                .collect();
        let values = |name: &str| {
            let known = pairs.iter().filter(|(known, value)| known == name && !value.is_empty());
            known.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(values("state"), [STATE]);
        assert_eq!(values("code"), [code.expose()]);
        assert!(values("error").is_empty());
        assert!(!named || values("iss") == [issuer.as_str()]);
    }
});

/// The text without white space, percent-encoding and control characters, none of which is ever shown.
fn decoded(text: &str) -> String {
    let joined: String = text.split_whitespace().collect();
    let escaped = joined.replace('&', "%26").replace('=', "%3D");
    let decoded = url::form_urlencoded::parse(escaped.as_bytes()).map(|(name, _)| name.into_owned());
    decoded.collect::<String>().replace(char::is_control, "")
}
