//! What everybody may know: the server's metadata, its public keys, and the metadata of resources.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::keys::KEYS_MAX_AGE;
use bursar_core::engine::issuer::records::resource::Resource;
use bursar_core::engine::issuer::scopes::SIGN_IN_SCOPES;
use bursar_core::oauth::jose::Algorithm;
use bursar_core::oauth::scope::Scope;
use bursar_core::oauth::server::resource::ResourceIndicator;
use bursar_core::oauth::server::resource_metadata::ResourceDescription;
use bursar_core::oauth::server::server_metadata::{Feature, ServerDescription};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode, Uri};
use serde::Serialize;

use super::Issuing;
use super::failure::failed;

/// The server's metadata (RFC 8414 §3, OIDC Discovery §4).
pub(super) async fn server(State(issuing): State<Issuing>) -> Response {
    let rules = issuing.server.rules();
    let mut features = vec![
        Feature::ClientCredentials,
        Feature::Dpop,
        Feature::Device,
        Feature::PushedRequests,
        Feature::EndSession,
        Feature::BackChannelLogout,
    ];
    if rules.open_registration {
        features.push(Feature::Registration);
    }
    if rules.metadata_documents {
        features.push(Feature::ClientIdMetadataDocuments);
    }
    let names = Algorithm::ASYMMETRIC.map(Algorithm::name);
    let scopes = Scope::parse(&SIGN_IN_SCOPES.join(" ")).unwrap_or_default();
    let description = ServerDescription {
        issuer: &rules.issuer,
        features: &features,
        scopes: &scopes,
        claims: &[
            "sub",
            "name",
            "preferred_username",
            "picture",
            "email",
            "email_verified",
            "auth_time",
            "sid",
        ],
        id_token_algorithms: &names,
        accepted_algorithms: &names,
        documentation: None,
    };
    kept(&description.document(), METADATA_AGE)
}

/// The public keys (RFC 7517 §5).
pub(super) async fn keys(State(issuing): State<Issuing>) -> Response {
    match issuing.server.published_keys().await {
        Ok(keys) => kept(&keys, KEYS_MAX_AGE.as_secs()),
        Err(error) => failed(&issuing, &error, false),
    }
}

/// The metadata of a resource (RFC 9728 §3), for the ones that live at this origin or are served from here by a proxy.
pub(super) async fn resource(State(issuing): State<Issuing>, uri: Uri) -> Response {
    let found = match issuing.server.resource_described_at(uri.path(), uri.query()).await {
        Ok(found) => found,
        Err(error) => return failed(&issuing, &error, false),
    };
    let Some(resource) = found else { return StatusCode::NOT_FOUND.into_response() };
    described(&issuing, &resource)
}

fn described(issuing: &Issuing, resource: &Arc<Resource>) -> Response {
    let Ok(indicator) = ResourceIndicator::parse(&resource.url) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let scopes: Vec<&str> = resource.scopes.keys().map(String::as_str).collect();
    let names = Algorithm::ASYMMETRIC.map(Algorithm::name);
    let description = ResourceDescription {
        resource: &indicator,
        authorization_servers: std::slice::from_ref(&issuing.server.rules().issuer),
        scopes: &Scope::parse(&scopes.join(" ")).unwrap_or_default(),
        name: resource.name.as_deref(),
        documentation: None,
        dpop_algorithms: &names,
        dpop_required: resource.requires_proof,
    };
    kept(&description.document(), METADATA_AGE)
}

/// A document that may be kept for a while.
fn kept(document: &impl Serialize, seconds: i64) -> Response {
    let text = serde_json::to_vec(document).unwrap_or_default();
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::try_from(format!("public, max-age={seconds}")) {
        headers.insert(CACHE_CONTROL, value);
    }
    response
}

/// Seconds. Changes of it are rare, and nobody should wait for one long.
const METADATA_AGE: i64 = 300;
