//! What is said about a protected resource (RFC 9728), and how it refuses a request (RFC 6750 §3, RFC 9449 §7.1).
//!
//! Builds the document, says where it belongs, and builds `WWW-Authenticate` fields. Which resources exist and what
//! they want is known elsewhere.

mod challenge;

use serde::Serialize;

use super::resource::ResourceIndicator;
use super::server_metadata::WellKnown;
use super::uri_text::UriText;
use crate::oauth::scope::Scope;
use crate::oauth::url::Issuer;

pub use challenge::{ChallengeScheme, Refusal, ResourceChallenge};

/// Where clients look for the metadata of `resource`: its own address with the well-known place inserted after the host
/// (RFC 9728 §3.1).
pub fn well_known_url(resource: &ResourceIndicator) -> String {
    let text = resource.as_str();
    let place = WellKnown::ProtectedResource.path();
    let Ok(uri) = UriText::parse(text) else { return format!("{text}{place}") };
    let query = uri.query.map(|query| format!("?{query}")).unwrap_or_default();
    let end_of_host = text.len() - query.len() - uri.path.len();
    // Only the slash that stands alone after the host goes.
    let path = if uri.path == "/" { "" } else { uri.path };
    format!("{}{place}{path}{query}", &text[..end_of_host])
}

/// What the document is made of.
#[derive(Clone, Copy, Debug)]
pub struct ResourceDescription<'a> {
    /// The resource.
    pub resource: &'a ResourceIndicator,
    /// Who issues tokens for it.
    pub authorization_servers: &'a [Issuer],
    /// The scopes it knows.
    pub scopes: &'a Scope,
    /// What people call it.
    pub name: Option<&'a str>,
    /// Where people read about it.
    pub documentation: Option<&'a str>,
    /// Names of algorithms it accepts in proofs of possession; none if it takes no such tokens.
    pub dpop_algorithms: &'a [&'a str],
    /// Whether it takes no other tokens than those.
    pub dpop_required: bool,
}

impl<'a> ResourceDescription<'a> {
    /// The document to serve at the resource's well-known place.
    pub fn document(&self) -> ProtectedResourceMetadata<'a> {
        let dpop = !self.dpop_algorithms.is_empty();
        ProtectedResourceMetadata {
            resource: self.resource.as_str(),
            authorization_servers: self.authorization_servers.iter().map(Issuer::as_str).collect(),
            scopes_supported: announced(self.scopes),
            bearer_methods_supported: ["header"],
            resource_name: self.name,
            resource_documentation: self.documentation,
            dpop_signing_alg_values_supported: dpop.then_some(self.dpop_algorithms),
            dpop_bound_access_tokens_required: (dpop && self.dpop_required).then_some(true),
        }
    }
}

/// The document, ready to be written as JSON (RFC 9728 §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProtectedResourceMetadata<'a> {
    resource: &'a str,
    authorization_servers: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_documentation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_signing_alg_values_supported: Option<&'a [&'a str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_bound_access_tokens_required: Option<bool>,
}

/// The scopes a resource may name. Whether a client wants to come back without the user is between it and the
/// authorization server, and no business of the resource (MCP authorization specification 2026-07-28).
fn announced(scopes: &Scope) -> Vec<String> {
    scopes.iter().filter(|&scope| scope != "offline_access").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oauth::server::server_metadata::WellKnownRequest;

    #[test]
    fn places_of_rfc_9728_are_reproduced() {
        let table = [
            (
                "https://resource.example.com",
                "https://resource.example.com/.well-known/oauth-protected-resource",
            ),
            (
                "https://resource.example.com/",
                "https://resource.example.com/.well-known/oauth-protected-resource",
            ),
            (
                "https://resource.example.com/resource1",
                "https://resource.example.com/.well-known/oauth-protected-resource/resource1",
            ),
            (
                "http://localhost:3000/mcp/?a=b",
                "http://localhost:3000/.well-known/oauth-protected-resource/mcp/?a=b",
            ),
            ("https://a.example?b", "https://a.example/.well-known/oauth-protected-resource?b"),
        ];
        for (resource, place) in table {
            let resource = ResourceIndicator::parse(resource).unwrap();
            assert_eq!(well_known_url(&resource), place);
            let url = ::url::Url::parse(place).unwrap();
            assert_eq!(WellKnownRequest::of_path(url.path()).unwrap().document, WellKnown::ProtectedResource);
        }
    }

    #[test]
    fn the_document_never_lists_offline_access_and_has_no_empty_members() {
        let resource = ResourceIndicator::parse("https://a.example/mcp").unwrap();
        let issuers = [Issuer::parse("https://as.example").unwrap()];
        let mut description = ResourceDescription {
            resource: &resource,
            authorization_servers: &issuers,
            scopes: &Scope::parse("read offline_access write").unwrap(),
            name: Some("Notes"),
            documentation: None,
            dpop_algorithms: &["ES256", "EdDSA"],
            dpop_required: true,
        };
        assert_eq!(
            serde_json::to_value(description.document()).unwrap(),
            json!({
                "resource": "https://a.example/mcp",
                "authorization_servers": ["https://as.example"],
                "scopes_supported": ["read", "write"],
                "bearer_methods_supported": ["header"],
                "resource_name": "Notes",
                "dpop_signing_alg_values_supported": ["ES256", "EdDSA"],
                "dpop_bound_access_tokens_required": true,
            })
        );
        let none = Scope::parse("offline_access").unwrap();
        description.scopes = &none;
        description.dpop_algorithms = &[];
        description.name = None;
        assert_eq!(
            serde_json::to_value(description.document()).unwrap(),
            json!({
                "resource": "https://a.example/mcp",
                "authorization_servers": ["https://as.example"],
                "bearer_methods_supported": ["header"],
            })
        );
    }
}
