//! What an authorization server says about itself (RFC 8414, OIDC Discovery 1.0).
//!
//! Says where the document may be and whether it may be believed. Fetching it, and what is done with it, is elsewhere.

use serde_json::{Map, Value};

use crate::oauth::pkce::Challenge;
use crate::oauth::url::{EndpointUrl, Issuer, UrlError};

/// Where the metadata of `issuer` may be, in the order to try: RFC 8414 §3.1, the same place for OIDC
/// (RFC 8414 §5), and the place OIDC Discovery §4 prescribes.
pub fn well_known_urls(issuer: &Issuer) -> Vec<EndpointUrl> {
    // Both documents remove a slash at the end before anything is inserted or appended.
    let path = issuer.as_url().path().trim_end_matches('/');
    let mut urls: Vec<EndpointUrl> = Vec::with_capacity(3);
    for candidate in [
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
        format!("{path}/.well-known/openid-configuration"),
    ] {
        let mut url = issuer.as_url().clone();
        url.set_path(&candidate);
        // Another path breaks no rule for endpoints, so every candidate is kept.
        let Ok(url) = EndpointUrl::parse(url.as_str()) else { continue };
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

/// The parts of the metadata that a client uses (RFC 8414 §2 unless said otherwise).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerMetadata {
    /// The server's name, equal to the one that was asked for.
    pub issuer: Issuer,
    /// Where logins begin.
    pub authorization_endpoint: Option<EndpointUrl>,
    /// Where tokens come from.
    pub token_endpoint: Option<EndpointUrl>,
    /// Where device logins begin (RFC 8628 §4).
    pub device_authorization_endpoint: Option<EndpointUrl>,
    /// Where tokens are revoked.
    pub revocation_endpoint: Option<EndpointUrl>,
    /// Where tokens are examined.
    pub introspection_endpoint: Option<EndpointUrl>,
    /// Where the user is described (OIDC Discovery §3).
    pub userinfo_endpoint: Option<EndpointUrl>,
    /// Where clients register themselves.
    pub registration_endpoint: Option<EndpointUrl>,
    /// Where the server's public keys are.
    pub jwks_uri: Option<EndpointUrl>,
    /// Where requests are pushed (RFC 9126 §5).
    pub pushed_authorization_request_endpoint: Option<EndpointUrl>,
    /// Scopes that may be asked for; not said is not the same as none.
    pub scopes_supported: Option<Vec<String>>,
    /// Ways to prove the client at the token endpoint; when not said, `client_secret_basic`.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Grants; when not said, `authorization_code` and `implicit`.
    pub grant_types_supported: Option<Vec<String>>,
    /// PKCE methods; when not said, none.
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Whether every authorization response carries `iss` (RFC 9207 §3).
    pub authorization_response_iss_parameter_supported: bool,
    /// Whether a client may be named by the URL of its metadata (draft-ietf-oauth-client-id-metadata-document §5).
    pub client_id_metadata_document_supported: bool,
}

impl ServerMetadata {
    /// Reads the document that was found for `issuer`.
    ///
    /// # Errors
    /// It is not metadata, speaks of another issuer (RFC 8414 §3.3) or names an endpoint that no token may be sent to.
    pub fn read(body: &[u8], issuer: &Issuer) -> Result<Self, MetadataError> {
        if body.len() > MAXIMUM_BYTES {
            return Err(MetadataError::TooLarge);
        }
        let Ok(Value::Object(document)) = serde_json::from_slice(body) else {
            return Err(MetadataError::NotMetadata);
        };
        // RFC 8414 §3.3: without this check a document of another server, or of an attacker, could stand in.
        match document.get("issuer").and_then(Value::as_str) {
            Some(found) if found == issuer.as_str() => {}
            Some(found) => {
                let found = found.chars().filter(|character| !character.is_control()).take(SHOWN).collect();
                return Err(MetadataError::IssuerMismatch { expected: issuer.to_string(), found });
            }
            None => return Err(MetadataError::NotMetadata),
        }
        let endpoint = |name| endpoint(&document, name);
        let list = |name| list(&document, name);
        let flag = |name| document.get(name).and_then(Value::as_bool).unwrap_or(false);
        Ok(Self {
            issuer: issuer.clone(),
            authorization_endpoint: endpoint("authorization_endpoint")?,
            token_endpoint: endpoint("token_endpoint")?,
            device_authorization_endpoint: endpoint("device_authorization_endpoint")?,
            revocation_endpoint: endpoint("revocation_endpoint")?,
            introspection_endpoint: endpoint("introspection_endpoint")?,
            userinfo_endpoint: endpoint("userinfo_endpoint")?,
            registration_endpoint: endpoint("registration_endpoint")?,
            jwks_uri: endpoint("jwks_uri")?,
            pushed_authorization_request_endpoint: endpoint("pushed_authorization_request_endpoint")?,
            scopes_supported: list("scopes_supported")?,
            token_endpoint_auth_methods_supported: list("token_endpoint_auth_methods_supported")?,
            grant_types_supported: list("grant_types_supported")?,
            code_challenge_methods_supported: list("code_challenge_methods_supported")?,
            authorization_response_iss_parameter_supported: flag(
                "authorization_response_iss_parameter_supported",
            ),
            client_id_metadata_document_supported: flag("client_id_metadata_document_supported"),
        })
    }

    /// What is supposed of a server that publishes nothing: the usual places at the root of its host
    /// (MCP 2025-03-26, "Fallbacks for Servers without Metadata Discovery"). `None` for an issuer that no URL can be made of.
    pub fn unpublished(issuer: Issuer) -> Option<Self> {
        let at = |path| issuer.as_url().join(path).ok().and_then(|url| EndpointUrl::parse(url.as_str()).ok());
        let (authorize, token, register) = (at("/authorize")?, at("/token")?, at("/register")?);
        Some(Self {
            issuer,
            authorization_endpoint: Some(authorize),
            token_endpoint: Some(token),
            device_authorization_endpoint: None,
            revocation_endpoint: None,
            introspection_endpoint: None,
            userinfo_endpoint: None,
            registration_endpoint: Some(register),
            jwks_uri: None,
            pushed_authorization_request_endpoint: None,
            scopes_supported: None,
            token_endpoint_auth_methods_supported: None,
            grant_types_supported: None,
            code_challenge_methods_supported: None,
            authorization_response_iss_parameter_supported: false,
            client_id_metadata_document_supported: false,
        })
    }

    /// Checks that the server promises PKCE with `S256`. A server that says nothing may ignore the challenge
    /// (RFC 9700 §2.1.1).
    ///
    /// # Errors
    /// It does not promise it.
    pub fn require_pkce(&self) -> Result<(), MetadataError> {
        match &self.code_challenge_methods_supported {
            Some(methods) if methods.iter().any(|method| method == Challenge::METHOD) => Ok(()),
            _ => Err(MetadataError::PkceUnsupported),
        }
    }
}

/// Metadata that must not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// More than any honest document.
    #[error("the server metadata has more than {MAXIMUM_BYTES} bytes")]
    TooLarge,
    /// Not a JSON object with an issuer.
    #[error("the answer is not server metadata")]
    NotMetadata,
    /// It speaks of somebody else (RFC 8414 §3.3).
    #[error("the server metadata is for `{found}`, but `{expected}` was asked")]
    IssuerMismatch {
        /// Who was asked.
        expected: String,
        /// Whom it speaks of, shortened and free of control characters.
        found: String,
    },
    /// A value has another type than RFC 8414 §2 says.
    #[error("`{name}` in the server metadata has the wrong type")]
    WrongType {
        /// The member's name.
        name: &'static str,
    },
    /// No token may be sent to this URL.
    #[error("`{name}` in the server metadata is not acceptable")]
    Endpoint {
        /// The member's name.
        name: &'static str,
        /// The rule it breaks.
        source: UrlError,
    },
    /// The server does not promise PKCE with `S256`.
    #[error("the server does not announce PKCE with S256")]
    PkceUnsupported,
}

/// The largest documents in use (with signed metadata and all algorithms) stay below 40 KiB.
const MAXIMUM_BYTES: usize = 256 * 1024;

/// Characters of a stranger's issuer that are shown: enough to recognise it, and one line of a terminal.
const SHOWN: usize = 120;

fn endpoint(document: &Map<String, Value>, name: &'static str) -> Result<Option<EndpointUrl>, MetadataError> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        // Some servers write an empty text for what they do not have.
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => {
            EndpointUrl::parse(text).map(Some).map_err(|source| MetadataError::Endpoint { name, source })
        }
        Some(_) => Err(MetadataError::WrongType { name }),
    }
}

fn list(document: &Map<String, Value>, name: &'static str) -> Result<Option<Vec<String>>, MetadataError> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(values)) => {
            // A value that is no text is a method or scope nobody can ask for.
            Ok(Some(values.iter().filter_map(Value::as_str).map(str::to_owned).collect()))
        }
        Some(_) => Err(MetadataError::WrongType { name }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::oauth::url::UrlRule;

    fn urls(issuer: &str) -> Vec<String> {
        well_known_urls(&Issuer::parse(issuer).unwrap()).iter().map(ToString::to_string).collect()
    }

    fn read(document: &Value) -> Result<ServerMetadata, MetadataError> {
        let issuer = Issuer::parse("https://server.example.com").unwrap();
        ServerMetadata::read(document.to_string().as_bytes(), &issuer)
    }

    #[test]
    fn locations_follow_rfc_8414_and_openid_connect_discovery() {
        // RFC 8414 §3.1 and §5, OIDC Discovery §4.1.
        for issuer in ["https://example.com", "https://example.com/"] {
            assert_eq!(
                urls(issuer),
                [
                    "https://example.com/.well-known/oauth-authorization-server",
                    "https://example.com/.well-known/openid-configuration",
                ]
            );
        }
        for issuer in ["https://example.com/issuer1", "https://example.com/issuer1/"] {
            assert_eq!(
                urls(issuer),
                [
                    "https://example.com/.well-known/oauth-authorization-server/issuer1",
                    "https://example.com/.well-known/openid-configuration/issuer1",
                    "https://example.com/issuer1/.well-known/openid-configuration",
                ]
            );
        }
        assert_eq!(
            urls("http://localhost:8790/s/a%20b")[2],
            "http://localhost:8790/s/a%20b/.well-known/openid-configuration"
        );
    }

    #[test]
    fn the_example_of_rfc_8414_is_read() {
        // RFC 8414 §3.2.
        let metadata = read(&json!({
            "issuer": "https://server.example.com",
            "authorization_endpoint": "https://server.example.com/authorize",
            "token_endpoint": "https://server.example.com/token",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
            "userinfo_endpoint": "https://server.example.com/userinfo",
            "jwks_uri": "https://server.example.com/jwks.json",
            "registration_endpoint": "https://server.example.com/register",
            "scopes_supported": ["openid", "profile", "email", "address", "phone", "offline_access"],
            "response_types_supported": ["code", "code token"],
            "service_documentation": "http://server.example.com/service_documentation.html",
            "ui_locales_supported": ["en-US", "en-GB", "en-CA", "fr-FR", "fr-CA"]
        }))
        .unwrap();
        let text = |endpoint: &Option<EndpointUrl>| endpoint.as_ref().map(ToString::to_string);
        assert_eq!(text(&metadata.token_endpoint).as_deref(), Some("https://server.example.com/token"));
        assert_eq!(text(&metadata.jwks_uri).as_deref(), Some("https://server.example.com/jwks.json"));
        assert_eq!(metadata.revocation_endpoint, None);
        assert_eq!(metadata.scopes_supported.as_ref().map(Vec::len), Some(6));
        assert_eq!(metadata.grant_types_supported, None);
        assert!(!metadata.authorization_response_iss_parameter_supported);
        assert_eq!(metadata.require_pkce(), Err(MetadataError::PkceUnsupported));
    }

    #[test]
    fn the_issuer_must_be_the_same_byte_for_byte() {
        for found in ["https://server.example.com/", "https://Server.example.com", "https://evil.example"] {
            assert_eq!(
                read(&json!({"issuer": found})),
                Err(MetadataError::IssuerMismatch {
                    expected: "https://server.example.com".to_owned(),
                    found: found.to_owned()
                })
            );
        }
        for document in [json!({}), json!({"issuer": 1}), json!([]), json!("https://server.example.com")] {
            assert_eq!(read(&document), Err(MetadataError::NotMetadata), "{document}");
        }
    }

    #[test]
    fn endpoints_that_would_leak_tokens_are_refused() {
        let error = read(&json!({"issuer": "https://server.example.com", "token_endpoint": "http://server.example.com/token"}))
            .unwrap_err();
        assert!(
            matches!(&error, MetadataError::Endpoint { name: "token_endpoint", source } if source.rule == UrlRule::Encrypted)
        );
        assert_eq!(
            read(&json!({"issuer": "https://server.example.com", "jwks_uri": 1})),
            Err(MetadataError::WrongType { name: "jwks_uri" })
        );
        assert_eq!(
            read(&json!({"issuer": "https://server.example.com", "scopes_supported": "openid"})),
            Err(MetadataError::WrongType { name: "scopes_supported" })
        );
        let absent =
            read(&json!({"issuer": "https://server.example.com", "jwks_uri": null, "userinfo_endpoint": ""}));
        assert_eq!(absent.unwrap().userinfo_endpoint, None);
    }

    #[test]
    fn pkce_is_required_with_s256() {
        let with = |methods: Value| {
            read(
                &json!({"issuer": "https://server.example.com", "code_challenge_methods_supported": methods}),
            )
            .unwrap()
            .require_pkce()
        };
        assert_eq!(with(json!(["plain", "S256"])), Ok(()));
        assert_eq!(with(json!(["plain"])), Err(MetadataError::PkceUnsupported));
        assert_eq!(with(json!([])), Err(MetadataError::PkceUnsupported));
        assert_eq!(with(json!(null)), Err(MetadataError::PkceUnsupported));
    }

    #[test]
    fn the_size_is_bounded() {
        let issuer = Issuer::parse("https://server.example.com").unwrap();
        assert_eq!(
            ServerMetadata::read(&vec![b' '; MAXIMUM_BYTES + 1], &issuer),
            Err(MetadataError::TooLarge)
        );
        assert_eq!(ServerMetadata::read(b"<html>", &issuer), Err(MetadataError::NotMetadata));
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let issuer = Issuer::parse("https://server.example.com").unwrap();
            prop_assert!(ServerMetadata::read(&bytes, &issuer).is_err());
        }

        #[test]
        fn every_issuer_has_locations(path in "(/[ -~]{0,12}){0,3}") {
            if let Ok(issuer) = Issuer::parse(&format!("https://a.example{path}")) {
                let hosts: Vec<String> = well_known_urls(&issuer).iter().map(|url| url.host().to_owned()).collect();
                prop_assert!(hosts.len() >= 2 && hosts.iter().all(|host| host == "a.example"));
            }
        }
    }
}
