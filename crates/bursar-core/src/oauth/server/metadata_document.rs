//! Clients that are named by the address of their metadata (draft-ietf-oauth-client-id-metadata-document-02).
//!
//! Says which identifiers are such addresses and which documents may be believed. Fetching them, with the guard against
//! private addresses, and remembering them, is elsewhere; what is refused here must not be remembered.

use std::fmt;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client_metadata::{ClientMetadata, ClientMetadataError, MemberFault};
use super::uri_text::{UriFault, UriText};
use crate::oauth::client_authentication::Method;
use crate::oauth::jose::read_object;

/// A client identifier that is the address of a document; compared as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientIdUrl(String);

impl ClientIdUrl {
    /// Whether `client_id` is meant to be an address, acceptable or not: no other identifier begins so.
    pub fn looks_like_one(client_id: &str) -> bool {
        client_id.starts_with("https://") || client_id.starts_with("http://")
    }

    /// Reads an address: `https` with a path, or `http` to this machine. The latter is for a server that runs for a
    /// developer and is itself reached on this machine; any other one refuses what [is local](Self::is_loopback).
    ///
    /// # Errors
    /// The rule that `text` breaks.
    pub fn parse(text: &str) -> Result<Self, ClientIdUrlError> {
        let uri = UriText::parse(text)?;
        if uri.scheme != "https" && !uri.is_loopback_http() {
            return Err(ClientIdUrlError::Encrypted);
        }
        if uri.path.is_empty() {
            return Err(ClientIdUrlError::NoPath);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host without its port: who answers for this client.
    pub fn host(&self) -> &str {
        UriText::parse(&self.0).map_or("", |uri| uri.host())
    }

    /// Whether it is reached on this machine without encryption.
    pub fn is_loopback(&self) -> bool {
        UriText::parse(&self.0).is_ok_and(|uri| uri.is_loopback_http())
    }
}

impl fmt::Display for ClientIdUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for ClientIdUrl {
    type Error = ClientIdUrlError;

    fn try_from(text: String) -> Result<Self, ClientIdUrlError> {
        Self::parse(&text)
    }
}

impl From<ClientIdUrl> for String {
    fn from(url: ClientIdUrl) -> Self {
        url.0
    }
}

/// A client identifier that begins like an address and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientIdUrlError {
    /// It cannot be compared as text.
    #[error("the client identifier is not an acceptable address")]
    Address(#[from] UriFault),
    /// A document that travels in the clear proves nothing.
    #[error("a client identifier that is an address must start with https://")]
    Encrypted,
    /// A bare host is an origin, not a document.
    #[error("a client identifier that is an address must have a path")]
    NoPath,
}

/// Reads what was found at `url`.
///
/// What a document may ask for is what [any stranger may](ClientMetadata::for_anonymous).
///
/// # Errors
/// The answer is no such document, or one that may not be believed.
pub fn read_metadata_document(
    url: &ClientIdUrl,
    status: StatusCode,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<ClientMetadata, MetadataDocumentError> {
    // A part of a document (206), or a redirect, is not the document.
    if status != StatusCode::OK {
        return Err(MetadataDocumentError::Status { status: status.as_u16() });
    }
    if !content_type.is_some_and(is_json) {
        return Err(MetadataDocumentError::ContentType);
    }
    if body.len() > MAXIMUM_BYTES {
        return Err(ClientMetadataError::TooLarge { maximum: MAXIMUM_BYTES }.into());
    }
    let mut document = read_object(body).map_err(ClientMetadataError::from)?;
    let refused = |name, fault| Err(ClientMetadataError::member(name, fault).into());
    match document.get("client_id").and_then(Value::as_str) {
        Some(named) if named == url.as_str() => {}
        Some(_) => return refused("client_id", MemberFault::OtherClient),
        None => return refused("client_id", MemberFault::Missing),
    }
    for secret in ["client_secret", "client_secret_expires_at"] {
        if document.contains_key(secret) {
            return refused(secret, MemberFault::Forbidden);
        }
    }
    // Everybody reads the document, so whoever says nothing has no secret, whatever RFC 7591 §2 presumes.
    let method = "token_endpoint_auth_method";
    if is_silent(&document, method) {
        document.insert(method.to_owned(), Method::None.registered_name().into());
    }
    let metadata = ClientMetadata::from_object(&document)?;
    if matches!(metadata.token_endpoint_auth_method, Method::Basic | Method::Post) {
        return refused(method, MemberFault::Unsupported("none and private_key_jwt"));
    }
    if metadata.client_name.is_none() {
        return refused("client_name", MemberFault::Missing);
    }
    if metadata.redirect_uris.is_empty() {
        return Err(ClientMetadataError::NoRedirectUri.into());
    }
    Ok(metadata.for_anonymous()?)
}

/// An answer that makes no client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataDocumentError {
    /// Something else than the document was answered.
    #[error("the client's metadata document was answered with status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// A page that happens to hold JSON was not meant as a document.
    #[error("the client's metadata document is not of the type application/json")]
    ContentType,
    /// Its content is not acceptable.
    #[error("the client's metadata document is not acceptable")]
    Metadata(#[from] ClientMetadataError),
}

/// The limit that the draft recommends (§6.6), in bytes.
pub const MAXIMUM_BYTES: usize = 5 * 1024;

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let suffixed = |rest: &str| rest.strip_suffix("+json").is_some_and(|name| !name.is_empty());
    kind.strip_prefix("application/").is_some_and(|rest| rest == "json" || suffixed(rest))
}

fn is_silent(document: &Map<String, Value>, name: &str) -> bool {
    document.get(name).is_none_or(|value| value.is_null() || value == "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oauth::server::client_metadata::GrantType;

    const URL: &str = "https://app.example.com/oauth/client.json";

    fn document() -> Value {
        json!({
            "client_id": URL,
            "client_name": "Example",
            "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        })
    }

    fn read(document: &Value) -> Result<ClientMetadata, MetadataDocumentError> {
        let url = ClientIdUrl::parse(URL).unwrap();
        read_metadata_document(
            &url,
            StatusCode::OK,
            Some("application/json"),
            document.to_string().as_bytes(),
        )
    }

    fn with(name: &str, value: Value) -> Result<ClientMetadata, MetadataDocumentError> {
        let mut document = document();
        document[name] = value;
        read(&document)
    }

    #[test]
    fn a_document_makes_a_public_client_that_asks_users() {
        let metadata = read(&document()).unwrap();
        assert_eq!(metadata.client_name.as_deref(), Some("Example"));
        assert_eq!(metadata.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
        assert!(metadata.is_public());
        let silent = with("token_endpoint_auth_method", Value::Null).unwrap();
        assert!(silent.is_public());
    }

    #[test]
    fn only_plain_https_addresses_with_a_path_are_identifiers() {
        for text in [URL, "https://a.example/", "https://a.example:8443/c?v=1", "http://localhost:3000/c"] {
            assert_eq!(ClientIdUrl::parse(text).unwrap().as_str(), text);
        }
        let table = [
            ("https://a.example", ClientIdUrlError::NoPath),
            ("http://a.example/c", ClientIdUrlError::Encrypted),
            ("ftp://a.example/c", ClientIdUrlError::Encrypted),
            ("https://a.example/c#d", ClientIdUrlError::Address(UriFault::Fragment)),
            ("https://user@a.example/c", ClientIdUrlError::Address(UriFault::UserInformation)),
            ("https://a.example/a/../c", ClientIdUrlError::Address(UriFault::DotSegment)),
            ("https://a.example/%2e/c", ClientIdUrlError::Address(UriFault::DotSegment)),
            ("https://0x7f000001/c", ClientIdUrlError::Address(UriFault::Host)),
            ("https://2130706433/c", ClientIdUrlError::Address(UriFault::Host)),
        ];
        for (text, error) in table {
            assert_eq!(ClientIdUrl::parse(text), Err(error), "{text}");
        }
        assert!(ClientIdUrl::parse("http://localhost/c").unwrap().is_loopback());
        assert_eq!(ClientIdUrl::parse(URL).unwrap().host(), "app.example.com");
        assert!(ClientIdUrl::looks_like_one("http://a") && !ClientIdUrl::looks_like_one("s6BhdRkqt3"));
    }

    #[test]
    fn another_answer_than_the_document_is_refused() {
        let url = ClientIdUrl::parse(URL).unwrap();
        let body = document().to_string();
        let answer = |status: u16, kind| {
            read_metadata_document(&url, StatusCode::from_u16(status).unwrap(), kind, body.as_bytes())
        };
        for status in [201, 204, 206, 301, 302, 304, 307, 404, 500] {
            assert_eq!(
                answer(status, Some("application/json")),
                Err(MetadataDocumentError::Status { status })
            );
        }
        for kind in
            [None, Some("text/html"), Some("text/json"), Some("application/+json"), Some("application/jsonp")]
        {
            assert_eq!(answer(200, kind), Err(MetadataDocumentError::ContentType), "{kind:?}");
        }
        for kind in ["application/json; charset=utf-8", "Application/JSON", "application/client+json"] {
            assert!(answer(200, Some(kind)).is_ok(), "{kind}");
        }
    }

    #[test]
    fn documents_that_may_not_be_believed_are_refused() {
        let member = |name, source| Err(ClientMetadataError::Member { name, source }.into());
        let named = |name: &str| json!(name);
        assert_eq!(
            with("client_id", named("https://app.example.com/oauth/client.jsoN")),
            member("client_id", MemberFault::OtherClient)
        );
        assert_eq!(
            with("client_id", named("https://app.example.com:443/oauth/client.json")),
            member("client_id", MemberFault::OtherClient)
        );
        assert_eq!(with("client_id", json!(1)), member("client_id", MemberFault::Missing));
        assert_eq!(with("client_secret", json!(null)), member("client_secret", MemberFault::Forbidden));
        assert_eq!(
            with("client_secret_expires_at", json!(0)),
            member("client_secret_expires_at", MemberFault::Forbidden)
        );
        assert_eq!(with("client_name", json!("")), member("client_name", MemberFault::Missing));
        assert_eq!(with("redirect_uris", json!([])), Err(ClientMetadataError::NoRedirectUri.into()));
        for method in ["client_secret_basic", "client_secret_post", "client_secret_jwt"] {
            let refusal = with("token_endpoint_auth_method", named(method)).unwrap_err();
            let MetadataDocumentError::Metadata(error) = refusal else { panic!("{method}") };
            assert!(matches!(error, ClientMetadataError::Member { source: MemberFault::Unsupported(_), .. }));
        }
        for key in [
            json!({"kty": "EC", "crv": "P-256", "x": "a", "y": "b", "d": "c"}),
            json!({"kty": "oct", "k": "c2VjcmV0"}),
        ] {
            let refusal = with("jwks", json!({"keys": [key]})).unwrap_err();
            let MetadataDocumentError::Metadata(error) = refusal else { panic!("{key}") };
            assert_eq!(error.description(), "`jwks` is not acceptable: the key set holds a private key");
        }
    }

    #[test]
    fn documents_are_small_and_unambiguous() {
        let error = with("client_uri", json!("x".repeat(MAXIMUM_BYTES))).unwrap_err();
        assert_eq!(error, ClientMetadataError::TooLarge { maximum: MAXIMUM_BYTES }.into());
        let url = ClientIdUrl::parse(URL).unwrap();
        for body in
            ["", "[]", "{", "<html>", &document().to_string().replacen('{', "{\"client_id\":\"x\",", 1)]
        {
            let read =
                read_metadata_document(&url, StatusCode::OK, Some("application/json"), body.as_bytes());
            let Err(MetadataDocumentError::Metadata(error)) = read else { panic!("{body}") };
            assert!(matches!(error, ClientMetadataError::Unreadable(_)), "{body}");
        }
    }
}
