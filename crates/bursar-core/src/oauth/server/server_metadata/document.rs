//! The document itself.

use serde::Serialize;

use super::endpoint::Endpoint;
use crate::oauth::client_authentication::Method;
use crate::oauth::pkce::Challenge;
use crate::oauth::scope::Scope;
use crate::oauth::server::authorization_request::Prompt;
use crate::oauth::url::Issuer;

/// What can be switched on and off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    /// Clients register themselves (RFC 7591).
    Registration,
    /// Clients are named by the address of their metadata.
    ClientIdMetadataDocuments,
    /// Devices without a browser (RFC 8628).
    Device,
    /// Clients that act for themselves (RFC 6749 §4.4).
    ClientCredentials,
    /// Requests are pushed (RFC 9126).
    PushedRequests,
    /// No request is taken that was not pushed (RFC 9126 §5).
    OnlyPushedRequests,
    /// Tokens are bound to keys (RFC 9449).
    Dpop,
    /// Clients sign users out (OIDC RP-Initiated Logout).
    EndSession,
    /// Clients are told when sessions end, and which (OIDC Back-Channel Logout §2.1).
    BackChannelLogout,
}

/// What the document is made of.
#[derive(Clone, Copy, Debug)]
pub struct ServerDescription<'a> {
    /// The server's name; every endpoint is beneath it.
    pub issuer: &'a Issuer,
    /// What is switched on.
    pub features: &'a [Feature],
    /// The scopes that may be asked for.
    pub scopes: &'a Scope,
    /// The claims about users that the server can give.
    pub claims: &'a [&'a str],
    /// Names of algorithms that sign ID tokens. OIDC Discovery §3 wants `RS256` among them.
    pub id_token_algorithms: &'a [&'a str],
    /// Names of algorithms that are accepted in client assertions and proofs of possession.
    pub accepted_algorithms: &'a [&'a str],
    /// Where people read about the server.
    pub documentation: Option<&'a str>,
}

impl<'a> ServerDescription<'a> {
    /// The document to serve at every well-known place of the issuer.
    pub fn document(&self) -> AuthorizationServerMetadata<'a> {
        let has = |feature| self.features.contains(&feature);
        let url = |endpoint: Endpoint| endpoint.url(self.issuer);
        let when = |feature, endpoint| has(feature).then(|| url(endpoint));
        let confidential = [Method::Basic, Method::Post, Method::PrivateKeyJwt].map(Method::registered_name);
        // `none` first: a client that finds its metadata document supported looks for it here.
        let anybody: Vec<_> = [Method::None.registered_name()].into_iter().chain(confidential).collect();
        let grants = [
            Some("authorization_code"),
            Some("refresh_token"),
            has(Feature::ClientCredentials).then_some("client_credentials"),
            has(Feature::Device).then_some("urn:ietf:params:oauth:grant-type:device_code"),
        ];
        AuthorizationServerMetadata {
            issuer: self.issuer.as_str(),
            authorization_endpoint: url(Endpoint::Authorization),
            token_endpoint: url(Endpoint::Token),
            jwks_uri: url(Endpoint::Keys),
            userinfo_endpoint: url(Endpoint::UserInfo),
            introspection_endpoint: url(Endpoint::Introspection),
            revocation_endpoint: url(Endpoint::Revocation),
            registration_endpoint: when(Feature::Registration, Endpoint::Registration),
            device_authorization_endpoint: when(Feature::Device, Endpoint::DeviceAuthorization),
            pushed_authorization_request_endpoint: when(
                Feature::PushedRequests,
                Endpoint::PushedAuthorizationRequest,
            ),
            end_session_endpoint: when(Feature::EndSession, Endpoint::EndSession),
            backchannel_logout_supported: has(Feature::BackChannelLogout),
            backchannel_logout_session_supported: has(Feature::BackChannelLogout),
            scopes_supported: self.scopes.iter().map(str::to_owned).collect(),
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: grants.into_iter().flatten().collect(),
            code_challenge_methods_supported: [Challenge::METHOD],
            token_endpoint_auth_methods_supported: anybody.clone(),
            token_endpoint_auth_signing_alg_values_supported: self.accepted_algorithms,
            introspection_endpoint_auth_methods_supported: confidential,
            introspection_endpoint_auth_signing_alg_values_supported: self.accepted_algorithms,
            revocation_endpoint_auth_methods_supported: anybody,
            revocation_endpoint_auth_signing_alg_values_supported: self.accepted_algorithms,
            dpop_signing_alg_values_supported: has(Feature::Dpop).then_some(self.accepted_algorithms),
            authorization_response_iss_parameter_supported: true,
            client_id_metadata_document_supported: has(Feature::ClientIdMetadataDocuments),
            require_pushed_authorization_requests: has(Feature::OnlyPushedRequests),
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
            claims_parameter_supported: false,
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: self.id_token_algorithms,
            claims_supported: self.claims,
            prompt_values_supported: Prompt::ALL.map(Prompt::as_str),
            service_documentation: self.documentation,
        }
    }
}

/// The document, ready to be written as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the members of a document that others have defined")]
pub struct AuthorizationServerMetadata<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_authorization_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pushed_authorization_request_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_session_endpoint: Option<String>,
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    scopes_supported: Vec<String>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: Vec<&'static str>,
    code_challenge_methods_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    token_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    introspection_endpoint_auth_methods_supported: [&'static str; 3],
    introspection_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_signing_alg_values_supported: Option<&'a [&'a str]>,
    authorization_response_iss_parameter_supported: bool,
    client_id_metadata_document_supported: bool,
    require_pushed_authorization_requests: bool,
    request_parameter_supported: bool,
    // OIDC Discovery §3 takes silence for a yes.
    request_uri_parameter_supported: bool,
    claims_parameter_supported: bool,
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: &'a [&'a str],
    claims_supported: &'a [&'a str],
    prompt_values_supported: [&'static str; 4],
    #[serde(skip_serializing_if = "Option::is_none")]
    service_documentation: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::oauth::metadata::ServerMetadata;

    const EVERYTHING: [Feature; 9] = [
        Feature::Registration,
        Feature::ClientIdMetadataDocuments,
        Feature::Device,
        Feature::ClientCredentials,
        Feature::PushedRequests,
        Feature::OnlyPushedRequests,
        Feature::Dpop,
        Feature::EndSession,
        Feature::BackChannelLogout,
    ];

    fn document(issuer: &str, features: &[Feature]) -> Value {
        let description = ServerDescription {
            issuer: &Issuer::parse(issuer).unwrap(),
            features,
            scopes: &Scope::parse("openid offline_access").unwrap(),
            claims: &["sub", "email"],
            id_token_algorithms: &["RS256"],
            accepted_algorithms: &["ES256", "EdDSA", "RS256"],
            documentation: None,
        };
        serde_json::to_value(description.document()).unwrap()
    }

    #[test]
    fn our_own_client_believes_the_document() {
        for issuer in ["http://localhost:8790", "https://as.example/s/dev"] {
            let body = document(issuer, &EVERYTHING).to_string();
            let issuer = Issuer::parse(issuer).unwrap();
            let read = ServerMetadata::read(body.as_bytes(), &issuer).unwrap();
            read.require_pkce().unwrap();
            assert!(read.authorization_response_iss_parameter_supported);
            assert!(read.client_id_metadata_document_supported);
            assert_eq!(read.token_endpoint.unwrap().as_str(), format!("{issuer}/oauth/token"));
            assert_eq!(
                read.token_endpoint_auth_methods_supported.unwrap(),
                ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
            );
        }
    }

    #[test]
    fn only_what_is_switched_on_is_announced() {
        let bare = document("https://as.example", &[]);
        for name in [
            "registration_endpoint",
            "device_authorization_endpoint",
            "pushed_authorization_request_endpoint",
            "end_session_endpoint",
            "dpop_signing_alg_values_supported",
            "service_documentation",
        ] {
            assert_eq!(bare.get(name), None, "{name}");
        }
        assert_eq!(bare["grant_types_supported"], json!(["authorization_code", "refresh_token"]));
        for name in ["client_id_metadata_document_supported", "backchannel_logout_supported"] {
            assert_eq!(bare[name], json!(false), "{name}");
        }
        let full = document("https://as.example", &EVERYTHING);
        assert!(full.as_object().unwrap().values().all(|value| !value.is_null()));
        assert_eq!(full["grant_types_supported"].as_array().unwrap().len(), 4);
        assert_eq!(full["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(full["response_types_supported"], json!(["code"]));
        assert_eq!(full["backchannel_logout_supported"], json!(true));
        assert_eq!(full["backchannel_logout_session_supported"], json!(true));
        assert_eq!(full["request_uri_parameter_supported"], json!(false));
    }

    #[test]
    fn endpoints_are_beneath_the_issuer_and_each_elsewhere() {
        let issuer = Issuer::parse("https://as.example/s/dev").unwrap();
        let urls: std::collections::BTreeSet<String> =
            Endpoint::ALL.into_iter().map(|endpoint| endpoint.url(&issuer)).collect();
        assert_eq!(urls.len(), Endpoint::ALL.len());
        assert!(urls.iter().all(|url| url.starts_with("https://as.example/s/dev/oauth/")));
        let slash = Issuer::parse("https://as.example/").unwrap();
        assert_eq!(Endpoint::Token.url(&slash), "https://as.example/oauth/token");
        let fallbacks: Vec<_> = Endpoint::ALL.into_iter().filter_map(Endpoint::fallback_path).collect();
        assert_eq!(fallbacks, ["/authorize", "/token", "/register"]);
    }
}
