//! The answer to an authorization request, as an address to redirect to (RFC 6749 §4.1.2; RFC 9207).
//!
//! Only a [`RedirectTarget`] can be answered, so nothing is ever sent to an address that was not registered.

use ::url::form_urlencoded::byte_serialize;

use super::redirect_uri::RedirectTarget;
use crate::oauth::error::ErrorCode;
use crate::oauth::url::Issuer;
use crate::secret::Secret;

/// Where an answer goes and what is in each one.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationResponse<'a> {
    /// The client's own address.
    pub target: &'a RedirectTarget,
    /// Who answers, as in the server's metadata: clients compare it byte for byte (RFC 9207 §2.4).
    pub issuer: &'a Issuer,
    /// What the client sent, if it sent any.
    pub state: Option<&'a Secret>,
}

impl AuthorizationResponse<'_> {
    /// The address that hands over `code` (RFC 6749 §4.1.2). It is as secret as the code.
    pub fn granting(&self, code: &Secret) -> Secret {
        self.address(&[("code", code.expose())])
    }

    /// The address that tells why there is no code (RFC 6749 §4.1.2.1). It is as secret as the state.
    ///
    /// `description` is for the client's developer; characters that the standard does not allow are left out.
    pub fn refusing(&self, code: &ErrorCode, description: Option<&str>) -> Secret {
        let description = description.map(describable).filter(|text| !text.is_empty());
        let description = description.iter().map(|text| ("error_description", text.as_str()));
        let pairs: Vec<_> = std::iter::once(("error", code.as_str())).chain(description).collect();
        self.address(&pairs)
    }

    fn address(&self, pairs: &[(&str, &str)]) -> Secret {
        let target = self.target.as_str();
        let mut separator = match target.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        let ends = self.state.map(|state| ("state", state.expose()));
        let pairs = pairs.iter().copied().chain(ends).chain(std::iter::once(("iss", self.issuer.as_str())));
        let mut address = target.to_owned();
        for (name, value) in pairs {
            address.push_str(separator);
            address.push_str(name);
            address.push('=');
            // Not every client takes `+` for a space, but every one takes `%20`.
            address
                .extend(byte_serialize(value.as_bytes()).map(|part| if part == "+" { "%20" } else { part }));
            separator = "&";
        }
        Secret::new(address)
    }
}

/// What RFC 6749 §4.1.2.1 allows in a description, and no more than a few lines of it.
fn describable(text: &str) -> String {
    const SHOWN: usize = 300;
    let allowed = |character: &char| matches!(character, ' ' | '!' | '#'..='[' | ']'..='~');
    let quoted = text.chars().map(|character| if character == '"' { '\'' } else { character });
    quoted.filter(allowed).take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::server::redirect_uri::RegisteredRedirect;

    fn target(text: &str) -> RedirectTarget {
        RedirectTarget::choose(&[RegisteredRedirect::parse(text).unwrap()], None).unwrap()
    }

    fn issuer() -> Issuer {
        Issuer::parse("https://honest.as.example").unwrap()
    }

    #[test]
    fn examples_of_rfc_9207_are_reproduced() {
        let (target, issuer) = (target("https://client.example/cb"), issuer());
        let state = Secret::new("ZWVlNDBlYzA1NjdkMDNhYjg3ZjUxZjAyNGQzMTM2NzI");
        let response = AuthorizationResponse { target: &target, issuer: &issuer, state: Some(&state) };
        assert_eq!(
            response.granting(&Secret::new("x1848ZT64p4IirMPT0R-X3141MFPTuBX-VFL_cvaplMH58")).expose(),
            "https://client.example/cb?code=x1848ZT64p4IirMPT0R-X3141MFPTuBX-VFL_cvaplMH58\
             &state=ZWVlNDBlYzA1NjdkMDNhYjg3ZjUxZjAyNGQzMTM2NzI&iss=https%3A%2F%2Fhonest.as.example"
        );
        assert_eq!(
            response.refusing(&ErrorCode::AccessDenied, None).expose(),
            "https://client.example/cb?error=access_denied\
             &state=ZWVlNDBlYzA1NjdkMDNhYjg3ZjUxZjAyNGQzMTM2NzI&iss=https%3A%2F%2Fhonest.as.example"
        );
    }

    #[test]
    fn the_targets_own_query_is_not_touched() {
        let issuer = issuer();
        for (text, beginning) in [
            ("https://a.example/cb?", "https://a.example/cb?code=c&"),
            ("https://a.example/cb?b=%2f&c", "https://a.example/cb?b=%2f&c&code=c&"),
            ("https://a.example/cb?b=1&", "https://a.example/cb?b=1&code=c&"),
            ("com.example.app:/cb", "com.example.app:/cb?code=c&"),
        ] {
            let target = target(text);
            let response = AuthorizationResponse { target: &target, issuer: &issuer, state: None };
            let address = response.granting(&Secret::new("c"));
            assert_eq!(address.expose(), format!("{beginning}iss=https%3A%2F%2Fhonest.as.example"));
        }
    }

    #[test]
    fn descriptions_have_only_the_characters_of_the_standard() {
        let (target, issuer) = (target("https://a.example/cb"), issuer());
        let response = AuthorizationResponse { target: &target, issuer: &issuer, state: None };
        let address = response.refusing(&ErrorCode::InvalidRequest, Some("a \"b\"\\\r\nSet-Cookie: é"));
        assert_eq!(
            address.expose(),
            "https://a.example/cb?error=invalid_request&error_description=a%20%27b%27Set-Cookie%3A%20\
             &iss=https%3A%2F%2Fhonest.as.example"
        );
    }

    proptest! {
        #[test]
        fn every_reader_finds_what_was_answered(code in "\\PC{1,30}", state in "\\PC{1,30}", own in "[a-b]=[0-9]") {
            let (target, issuer) = (target(&format!("https://a.example/cb?{own}")), issuer());
            let state = Secret::new(state);
            let response = AuthorizationResponse { target: &target, issuer: &issuer, state: Some(&state) };
            let address = response.granting(&Secret::new(code.as_str()));
            let url = ::url::Url::parse(address.expose()).unwrap();
            let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            let (name, value) = own.split_once('=').unwrap();
            let expected = [(name, value), ("code", &code), ("state", state.expose()), ("iss", issuer.as_str())];
            prop_assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
            prop_assert!(address.expose().starts_with(target.as_str()));
        }
    }
}
