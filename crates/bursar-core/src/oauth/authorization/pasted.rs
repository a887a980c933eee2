//! Answers that a person carries over by hand, because the browser is on another machine (RFC 8252 §7 has no redirect
//! for that case).

use super::response::{AuthorizationError, AuthorizationResponse, Expected, judge};
use crate::oauth::form::Parameters;
use crate::secret::Secret;

impl AuthorizationResponse {
    /// Reads what was pasted and returns the code: the whole address the browser ended at, its query, or `code#state`
    /// as some providers show it.
    ///
    /// # Errors
    /// As for [`AuthorizationResponse::read`]; and a code alone is refused, because nothing would tie it to this login.
    pub fn read_pasted(text: &str, expected: &Expected<'_>) -> Result<Secret, AuthorizationError> {
        // Terminals break long lines, and no part of an address contains white space.
        let text = Secret::new(text.split_whitespace().collect::<String>());
        let text = text.expose().trim_matches(['"', '\'', '<', '>']);
        if text.is_empty() {
            return Err(AuthorizationError::NoCode);
        }
        if is_address(text) {
            let (_, query) = without_fragment(text).split_once('?').ok_or(AuthorizationError::NoCode)?;
            return AuthorizationResponse::read(query, expected);
        }
        if is_query(text) {
            return AuthorizationResponse::read(without_fragment(text), expected);
        }
        // A state of ours holds no `#`, so the last one is the border.
        let (code, state) = text.rsplit_once('#').ok_or(AuthorizationError::PasteWithoutState)?;
        let mut parameters = Parameters::new();
        for (name, value) in
            [("code", code), ("state", state)].into_iter().filter(|(_, value)| !value.is_empty())
        {
            parameters.set(name, value);
        }
        judge(&parameters, expected)
    }
}

fn without_fragment(text: &str) -> &str {
    text.split('#').next().unwrap_or_default()
}

/// A bare query may hold an address, too, but only after a `=`.
fn is_address(text: &str) -> bool {
    text.split(['?', '&', '=', '#']).next().is_some_and(|start| start.contains("://"))
}

/// Codes may end in `=`, so only the names of a redirect make a query.
fn is_query(text: &str) -> bool {
    let named = |pair: &str| ["code=", "state=", "error="].iter().any(|name| pair.starts_with(name));
    text.strip_prefix('?').unwrap_or(text).split('&').any(named)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::url::Issuer;

    fn read(text: &str) -> Result<String, AuthorizationError> {
        let expected = Expected { state: &Secret::new("xyz"), issuer: None, issuer_required: false };
        AuthorizationResponse::read_pasted(text, &expected).map(|code| code.expose().to_owned())
    }

    #[test]
    fn every_usual_form_is_understood() {
        for text in [
            "http://localhost:53682/callback?code=a%2Fb&state=xyz",
            "  https://client.example/cb?state=xyz&code=a/b#_=_\n",
            "\"http://127.0.0.1:1/?code=a/b&state=xyz\"",
            "<http://127.0.0.1:1/?code=a/b&state=xyz>",
            "http://127.0.0.1:1/?code=a/b\r\n   &state=xyz",
            "myapp://callback?code=a/b&state=xyz",
            "?code=a/b&state=xyz",
            "code=a%2fb&state=xyz",
            "session=1&code=a/b&state=xyz",
            "a/b#xyz",
            " a/b#xyz\n",
        ] {
            assert_eq!(read(text).as_deref(), Ok("a/b"), "{text}");
        }
        assert_eq!(read("abc==#xyz").as_deref(), Ok("abc=="));
    }

    #[test]
    fn a_code_without_its_state_is_refused() {
        assert_eq!(read("SplxlOBeZQQYbYS6WxSbIA"), Err(AuthorizationError::PasteWithoutState));
        assert_eq!(read("abc=="), Err(AuthorizationError::PasteWithoutState));
        assert_eq!(read("code=abc"), Err(AuthorizationError::StateMismatch));
        assert_eq!(read("abc#"), Err(AuthorizationError::StateMismatch));
        assert_eq!(read("abc#other"), Err(AuthorizationError::StateMismatch));
        assert_eq!(read("http://127.0.0.1:1/?code=abc&state=other"), Err(AuthorizationError::StateMismatch));
    }

    #[test]
    fn pastes_without_a_code_are_refused() {
        for text in ["", " \n", "\"\"", "http://127.0.0.1:1/callback", "#xyz", "state=xyz"] {
            assert_eq!(read(text), Err(AuthorizationError::NoCode), "{text}");
        }
    }

    #[test]
    fn a_pasted_answer_must_name_a_promised_issuer_too() {
        let issuer = Issuer::parse("https://as.example").unwrap();
        let expected = Expected { state: &Secret::new("xyz"), issuer: Some(&issuer), issuer_required: true };
        assert_eq!(
            AuthorizationResponse::read_pasted("abc#xyz", &expected),
            Err(AuthorizationError::IssuerMissing)
        );
        assert!(
            AuthorizationResponse::read_pasted("code=abc&state=xyz&iss=https://as.example", &expected)
                .is_ok()
        );
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_panic(text in ".{0,100}") {
            // The only way to a code is to know the state.
            prop_assert!(text.contains("xyz") || read(&text).is_err());
        }
    }
}
