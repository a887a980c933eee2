//! What a protected resource says about itself, read by a client that wants tokens for it (RFC 9728).
//!
//! Says where the document may be and whether it may be believed. Writing the document is for
//! `oauth::server::resource_metadata`; fetching it is for `engine::login`.

use serde_json::Value;

use super::server::resource::ResourceIndicator;
use super::server::resource_metadata::well_known_url;
use super::server::server_metadata::WellKnown;
use super::url::{EndpointUrl, Issuer};
use crate::oauth::scope::Scope;

/// Where the metadata of the resource at `url` may be, in the order to try: with its path inserted (RFC 9728 §3.1), and at
/// the root of its host, where servers with one resource put it.
pub fn well_known_urls(url: &EndpointUrl) -> Vec<EndpointUrl> {
    let inserted = ResourceIndicator::parse(url.as_str()).ok().map(|resource| well_known_url(&resource));
    let mut root = url.as_url().clone();
    root.set_path(WellKnown::ProtectedResource.path());
    root.set_query(None);
    let mut urls: Vec<EndpointUrl> = Vec::with_capacity(2);
    for candidate in inserted.as_deref().into_iter().chain([root.as_str()]) {
        let Ok(candidate) = EndpointUrl::parse(candidate) else { continue };
        if !urls.contains(&candidate) {
            urls.push(candidate);
        }
    }
    urls
}

/// The parts of the metadata that a client uses (RFC 9728 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceMetadata {
    /// What the resource calls itself, as it is written: tokens are asked for by this name (RFC 8707 §2).
    pub resource: String,
    /// Who issues tokens for it; may be empty.
    pub authorization_servers: Vec<Issuer>,
    /// The scopes to ask for when nothing else says which; `None` if it does not say.
    pub scopes_supported: Option<Scope>,
    /// Whether it takes only tokens that are bound to a key (RFC 9449).
    pub wants_bound_tokens: bool,
}

impl ResourceMetadata {
    /// Reads the document that was found for the resource at `url`.
    ///
    /// # Errors
    /// It is no metadata, speaks of another resource, or names an issuer that no token may be asked from.
    pub fn read(body: &[u8], url: &EndpointUrl) -> Result<Self, ResourceMetadataError> {
        if body.len() > MAXIMUM_BYTES {
            return Err(ResourceMetadataError::TooLarge);
        }
        let Ok(Value::Object(document)) = serde_json::from_slice(body) else {
            return Err(ResourceMetadataError::NotMetadata);
        };
        let Some(resource) = document.get("resource").and_then(Value::as_str) else {
            return Err(ResourceMetadataError::NotMetadata);
        };
        // RFC 9728 §3.3: otherwise somebody else's document would decide who gets to see this user's consent, and tokens for
        // another resource would be sent to this one.
        if !covers(resource, url) {
            let found = resource.chars().filter(|letter| !letter.is_control()).take(SHOWN).collect();
            return Err(ResourceMetadataError::OtherResource { expected: url.to_string(), found });
        }
        let servers = texts(document.get("authorization_servers"));
        let authorization_servers =
            servers.unwrap_or_default().into_iter().map(issuer).collect::<Result<_, _>>()?;
        let scopes_supported =
            texts(document.get("scopes_supported")).map(|scopes| Scope::from_answer(&scopes.join(" ")));
        let wants_bound_tokens =
            document.get("dpop_bound_access_tokens_required") == Some(&Value::Bool(true));
        let resource = resource.to_owned();
        Ok(Self { resource, authorization_servers, scopes_supported, wants_bound_tokens })
    }
}

/// Whether the resource that is called `resource` contains what is at `url`: the same place, or the beginning of its path
/// (MCP authorization specification, "canonical server URI"; one document may stand for all resources of a host).
fn covers(resource: &str, url: &EndpointUrl) -> bool {
    let Ok(resource) = EndpointUrl::parse(resource) else { return false };
    let (resource, url) = (resource.as_url(), url.as_url());
    if resource.origin() != url.origin() || (resource.query().is_some() && resource.query() != url.query()) {
        return false;
    }
    let within = resource.path().trim_end_matches('/');
    url.path().trim_end_matches('/') == within
        || url.path().strip_prefix(within).is_some_and(|after| after.starts_with('/'))
}

fn issuer(text: &str) -> Result<Issuer, ResourceMetadataError> {
    let shown = || text.chars().filter(|letter| !letter.is_control()).take(SHOWN).collect();
    Issuer::parse(text)
        .ok()
        .filter(|issuer| issuer.as_str().len() <= LONGEST_ISSUER)
        .ok_or_else(|| ResourceMetadataError::AuthorizationServer { found: shown() })
}

fn texts(value: Option<&Value>) -> Option<Vec<&str>> {
    Some(value?.as_array()?.iter().filter_map(Value::as_str).collect())
}

/// Metadata of a resource that must not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceMetadataError {
    /// More than any honest document.
    #[error("the resource metadata has more than {MAXIMUM_BYTES} bytes")]
    TooLarge,
    /// Not a JSON object with a resource.
    #[error("the answer is not resource metadata")]
    NotMetadata,
    /// It speaks of another resource (RFC 9728 §3.3).
    #[error("the resource metadata is for `{found}`, but `{expected}` was asked")]
    OtherResource {
        /// What was asked about.
        expected: String,
        /// What it speaks of, shortened and free of control characters.
        found: String,
    },
    /// Who issues the tokens is not somebody they may be asked from.
    #[error("the resource metadata names `{found}` as authorization server, which is no issuer")]
    AuthorizationServer {
        /// What it names, shortened and free of control characters.
        found: String,
    },
}

/// Honest documents stay below 4 KiB.
const MAXIMUM_BYTES: usize = 64 * 1024;
/// Characters of a stranger's text that are shown: enough to recognise it, and one line of a terminal.
const SHOWN: usize = 120;
/// It becomes part of keys in the store.
const LONGEST_ISSUER: usize = 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn url(text: &str) -> EndpointUrl {
        EndpointUrl::parse(text).unwrap()
    }

    fn read(document: &Value) -> Result<ResourceMetadata, ResourceMetadataError> {
        ResourceMetadata::read(document.to_string().as_bytes(), &url("https://resource.example.com/mcp"))
    }

    #[test]
    fn the_path_is_inserted_first_and_the_root_comes_next() {
        let texts = |text| well_known_urls(&url(text)).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            texts("https://a.example/public/mcp?key=1"),
            [
                "https://a.example/.well-known/oauth-protected-resource/public/mcp?key=1",
                "https://a.example/.well-known/oauth-protected-resource",
            ]
        );
        assert_eq!(texts("https://a.example/"), ["https://a.example/.well-known/oauth-protected-resource"]);
    }

    #[test]
    fn the_document_must_speak_of_the_resource_that_was_asked() {
        let table = [
            ("https://resource.example.com/mcp", true),
            ("https://resource.example.com/mcp/", true),
            ("https://resource.example.com", true),
            ("https://RESOURCE.example.com/", true),
            ("https://resource.example.com/mc", false),
            ("https://resource.example.com/mcp/tools", false),
            ("https://resource.example.com/mcp?tenant=1", false),
            ("https://resource.example.com:8443/mcp", false),
            ("http://resource.example.com/mcp", false),
            ("https://evil.example/mcp", false),
            ("mcp", false),
        ];
        for (resource, accepted) in table {
            assert_eq!(read(&json!({ "resource": resource })).is_ok(), accepted, "{resource}");
        }
        let error = read(&json!({ "resource": "https://evil.example/\u{1b}[2Jmcp" })).unwrap_err();
        assert!(!error.to_string().contains('\u{1b}'), "{error}");
        for document in [json!({}), json!({ "resource": 1 }), json!([])] {
            assert_eq!(read(&document), Err(ResourceMetadataError::NotMetadata), "{document}");
        }
    }

    #[test]
    fn the_example_of_rfc_9728_is_read() {
        // RFC 9728 §3.2.
        let metadata = ResourceMetadata::read(
            json!({
                "resource": "https://resource.example.com",
                "authorization_servers": ["https://as1.example.com", "https://as2.example.net"],
                "bearer_methods_supported": ["header", "body"],
                "scopes_supported": ["profile", "email", "phone"],
                "resource_documentation": "https://resource.example.com/resource_documentation.html"
            })
            .to_string()
            .as_bytes(),
            &url("https://resource.example.com"),
        )
        .unwrap();
        assert_eq!(metadata.authorization_servers.len(), 2);
        assert_eq!(metadata.scopes_supported, Some(Scope::parse("profile email phone").unwrap()));
        assert_eq!(metadata.resource, "https://resource.example.com");
    }

    #[test]
    fn an_authorization_server_that_no_token_may_be_asked_from_is_refused() {
        for server in [
            "http://as.example.com",
            "as.example.com",
            "https://u:p@as.example.com",
            "https://as.example.com/?a",
        ] {
            let document =
                json!({ "resource": "https://resource.example.com/mcp", "authorization_servers": [server] });
            assert!(
                matches!(read(&document), Err(ResourceMetadataError::AuthorizationServer { .. })),
                "{server}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(ResourceMetadata::read(&bytes, &url("https://a.example/mcp")).is_err());
        }
    }
}
