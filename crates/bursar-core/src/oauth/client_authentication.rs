//! How we prove to a server which client we are (RFC 6749 §2.3, RFC 7523 §3).
//!
//! Adds the proof to a request that is being built; which proof a provider wants is said by its catalogue entry or
//! its metadata.

use ::url::form_urlencoded::byte_serialize;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use crate::oauth::form::Parameters;
use crate::oauth::signing::{SigningError, SigningKey};
use crate::ports::random::{Random, unguessable};
use crate::secret::Secret;

/// Who we are at one provider.
#[derive(Clone, Debug)]
pub struct Client {
    /// The identifier the provider knows us by; not a secret (RFC 6749 §2.2).
    pub id: String,
    /// How we prove it.
    pub authentication: ClientAuthentication,
}

/// The proof, with what it needs.
#[derive(Clone, Debug)]
pub enum ClientAuthentication {
    /// A public client only names itself (RFC 6749 §2.1, OIDC Core §9 `none`).
    None,
    /// The secret in the `Authorization` header (RFC 6749 §2.3.1).
    Basic(Secret),
    /// The secret in the body (RFC 6749 §2.3.1).
    Post(Secret),
    /// A short-lived assertion signed with the client's key (RFC 7523 §2.2).
    PrivateKeyJwt(Box<SigningKey>),
}

impl ClientAuthentication {
    /// The kind of proof.
    pub fn method(&self) -> Method {
        match self {
            Self::None => Method::None,
            Self::Basic(_) => Method::Basic,
            Self::Post(_) => Method::Post,
            Self::PrivateKeyJwt(_) => Method::PrivateKeyJwt,
        }
    }
}

/// The kinds of proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Only the client identifier.
    None,
    /// Secret in the header.
    Basic,
    /// Secret in the body.
    Post,
    /// Signed assertion.
    PrivateKeyJwt,
}

impl Method {
    /// The name in server metadata (RFC 7591 §2, RFC 8414 §2, OIDC Core §9).
    pub fn registered_name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// The method with this name in server metadata, if it is one we know.
    pub fn from_registered_name(name: &str) -> Option<Self> {
        [Self::None, Self::Basic, Self::Post, Self::PrivateKeyJwt]
            .into_iter()
            .find(|method| method.registered_name() == name)
    }
}

impl Client {
    /// Adds the proof to a request: to its `parameters` or to its `headers`.
    ///
    /// `audience` is who an assertion is for: the token endpoint's URL or the issuer (RFC 7523 §3).
    ///
    /// # Errors
    /// Signing the assertion failed; the other methods cannot fail.
    pub fn authenticate(
        &self,
        parameters: &mut Parameters,
        headers: &mut HeaderMap,
        audience: &str,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(), SigningError> {
        match &self.authentication {
            ClientAuthentication::None => parameters.set("client_id", &self.id),
            // RFC 6749 §2.3: never more than one method in a request, so the body stays free of both.
            ClientAuthentication::Basic(secret) => {
                headers.insert(AUTHORIZATION, basic(&self.id, secret));
            }
            ClientAuthentication::Post(secret) => {
                parameters.set("client_id", &self.id);
                parameters.set("client_secret", secret.expose());
            }
            ClientAuthentication::PrivateKeyJwt(key) => {
                let assertion = self.assertion(key, audience, now, random)?;
                parameters.set("client_id", &self.id);
                parameters
                    .set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
                parameters.set("client_assertion", assertion.expose());
            }
        }
        Ok(())
    }

    /// RFC 7523 §3 with a single use identifier, so that a server can refuse a stolen copy.
    fn assertion(
        &self,
        key: &SigningKey,
        audience: &str,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Secret, SigningError> {
        let expires = now.saturating_add(ASSERTION_LIFETIME).unwrap_or(Timestamp::MAX);
        let claims = json!({
            "iss": self.id,
            "sub": self.id,
            "aud": audience,
            "jti": unguessable(random).expose(),
            "iat": now.as_second(),
            "exp": expires.as_second(),
        });
        key.sign("JWT", &claims)
    }
}

/// Servers cap assertions at five to ten minutes; five minutes still pass when our clock is minutes behind theirs.
const ASSERTION_LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// RFC 6749 §2.3.1: both halves are form-encoded before they are joined, so that a colon in either cannot move the
/// border between them.
fn basic(id: &str, secret: &Secret) -> HeaderValue {
    let pieces =
        || byte_serialize(id.as_bytes()).chain([":"]).chain(byte_serialize(secret.expose().as_bytes()));
    // Reserved at once: a buffer that grows leaves unwiped copies behind.
    let mut pair = Zeroizing::new(String::with_capacity(pieces().map(str::len).sum()));
    pieces().for_each(|piece| pair.push_str(piece));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&text).expect("base64 is printable ASCII");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn authenticated(authentication: ClientAuthentication, id: &str) -> (Parameters, HeaderMap) {
        let client = Client { id: id.to_owned(), authentication };
        let (mut parameters, mut headers) = (Parameters::new(), HeaderMap::new());
        let now = Timestamp::from_second(1_300_000_000).unwrap();
        client.authenticate(&mut parameters, &mut headers, "https://as.example/token", now, &Sevens).unwrap();
        (parameters, headers)
    }

    #[test]
    fn basic_header_of_rfc_6749_is_reproduced() {
        // RFC 6749 §2.3.1 shows this client in both forms.
        let secret = Secret::new("7Fjfp0ZBr1KtDRbnfVdmIw");
        let (parameters, headers) = authenticated(ClientAuthentication::Basic(secret), "s6BhdRkqt3");
        assert_eq!(headers[AUTHORIZATION], "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3");
        assert!(headers[AUTHORIZATION].is_sensitive());
        assert_eq!(parameters, Parameters::new());
    }

    #[test]
    fn basic_halves_are_form_encoded() {
        let (_, headers) = authenticated(ClientAuthentication::Basic(Secret::new("p:w d%")), "a:b é");
        let encoded = headers[AUTHORIZATION].to_str().unwrap().strip_prefix("Basic ").unwrap();
        assert_eq!(STANDARD.decode(encoded).unwrap(), b"a%3Ab+%C3%A9:p%3Aw+d%25");
    }

    #[test]
    fn post_puts_both_into_the_body_and_a_public_client_its_name() {
        let secret = Secret::new("7Fjfp0ZBr1KtDRbnfVdmIw");
        let (parameters, headers) = authenticated(ClientAuthentication::Post(secret), "s6BhdRkqt3");
        assert_eq!(parameters.to_query(), "client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw");
        assert!(headers.is_empty());
        let (parameters, headers) = authenticated(ClientAuthentication::None, "s6BhdRkqt3");
        assert_eq!(parameters.to_query(), "client_id=s6BhdRkqt3");
        assert!(headers.is_empty());
    }

    #[test]
    fn the_assertion_has_the_claims_of_rfc_7523() {
        let key = SigningKey::from_jwk(&Secret::new(
            r#"{"kty":"OKP","crv":"Ed25519","kid":"one","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        ))
        .unwrap();
        let (parameters, _) = authenticated(ClientAuthentication::PrivateKeyJwt(Box::new(key)), "client-1");
        assert_eq!(
            parameters.names().collect::<Vec<_>>(),
            ["client_id", "client_assertion_type", "client_assertion"]
        );
        let assertion = parameters.value("client_assertion").unwrap();
        let claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1).unwrap()).unwrap())
                .unwrap();
        assert_eq!(
            claims,
            json!({
                "iss": "client-1", "sub": "client-1", "aud": "https://as.example/token",
                "jti": URL_SAFE_NO_PAD.encode([7; 32]), "iat": 1_300_000_000, "exp": 1_300_000_300,
            })
        );
    }

    #[test]
    fn methods_have_their_registered_and_their_own_names() {
        for (method, own) in [
            (Method::None, "\"none\""),
            (Method::Basic, "\"basic\""),
            (Method::Post, "\"post\""),
            (Method::PrivateKeyJwt, "\"private_key_jwt\""),
        ] {
            assert_eq!(serde_json::to_string(&method).unwrap(), own);
            assert_eq!(Method::from_registered_name(method.registered_name()), Some(method));
        }
        assert_eq!(Method::from_registered_name("tls_client_auth"), None);
    }

    #[test]
    fn debug_output_hides_the_secret() {
        let client =
            Client { id: "a".to_owned(), authentication: ClientAuthentication::Post(Secret::new("hunter2")) };
        assert!(!format!("{client:?}").contains("hunter2"));
    }

    #[derive(Debug)]
    struct Sevens;

    impl Random for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }
}
