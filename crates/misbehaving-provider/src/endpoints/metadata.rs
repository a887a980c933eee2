//! Discovery: RFC 8414, OIDC Discovery, and the keys (RFC 7517).

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::behaviour::device::VerificationDialect;
use crate::behaviour::token::IdentityTokenSignature;
use crate::behaviour::{Behaviour, ClientAuthentication, MetadataLocation, RevocationStyle};
use crate::fault::Endpoint;
use crate::state::Exchange;

pub(crate) fn answer(exchange: &mut Exchange<'_>) -> Answer {
    let behaviour = &exchange.state.behaviour;
    let is_openid = exchange.request.path().ends_with("/openid-configuration");
    let served = match behaviour.metadata.location {
        MetadataLocation::Both => true,
        MetadataLocation::OauthOnly => !is_openid,
        MetadataLocation::OpenidOnly => is_openid,
        MetadataLocation::Nowhere => false,
    };
    if !served {
        return Answer::empty(404);
    }
    if behaviour.metadata.not_json {
        return Answer::html(200, "Welcome");
    }
    Answer::json(200, &document(exchange.issuer, behaviour))
}

pub(crate) fn jwks(exchange: &mut Exchange<'_>) -> Answer {
    let with_rsa = exchange.state.behaviour.token.id_token_signature == IdentityTokenSignature::Rs256;
    Answer::json(200, &exchange.keys.jwks(with_rsa))
}

fn document(issuer: &str, behaviour: &Behaviour) -> Value {
    let metadata = &behaviour.metadata;
    let mut members = Map::new();
    let named_issuer = if metadata.issuer_mismatch { "https://somebody-else.example" } else { issuer };
    members.insert("issuer".into(), json!(named_issuer));
    let endpoints = [
        (Endpoint::Authorize, "authorization_endpoint", "/authorize"),
        (Endpoint::Token, "token_endpoint", "/token"),
        (Endpoint::DeviceAuthorization, "device_authorization_endpoint", "/device_authorization"),
        (Endpoint::Revoke, "revocation_endpoint", "/revoke"),
        (Endpoint::Introspect, "introspection_endpoint", "/introspect"),
        (Endpoint::Userinfo, "userinfo_endpoint", "/userinfo"),
        (Endpoint::Register, "registration_endpoint", "/register"),
        (Endpoint::Jwks, "jwks_uri", "/jwks"),
    ];
    for (endpoint, member, path) in endpoints {
        let exists = match endpoint {
            // Nobody announces RFC 7009 who does not speak it.
            Endpoint::Revoke => {
                matches!(behaviour.revocation.style, RevocationStyle::Rfc7009 | RevocationStyle::Failing)
            }
            Endpoint::Register => behaviour.registration,
            // Providers that still say `verification_url` are older than RFC 8628 and its metadata.
            Endpoint::DeviceAuthorization => behaviour.device.dialect == VerificationDialect::Rfc8628,
            _ => true,
        };
        if exists && !metadata.missing.contains(&endpoint) {
            members.insert(member.into(), json!(format!("{issuer}{path}")));
        }
    }
    members.insert("response_types_supported".into(), json!(["code"]));
    members.insert("response_modes_supported".into(), json!(["query"]));
    members.insert("grant_types_supported".into(), json!(super::token::GRANT_TYPES));
    members.insert("token_endpoint_auth_methods_supported".into(), authentication_methods(behaviour));
    members.insert(
        "scopes_supported".into(),
        json!(["openid", "email", "profile", "offline_access", "read", "write"]),
    );
    members.insert("subject_types_supported".into(), json!(["public"]));
    members.insert("id_token_signing_alg_values_supported".into(), json!(["ES256", "RS256", "EdDSA"]));
    if !metadata.without_pkce_methods {
        members.insert("code_challenge_methods_supported".into(), json!(["S256"]));
    }
    if !metadata.without_iss_parameter {
        members.insert("authorization_response_iss_parameter_supported".into(), json!(true));
    }
    Value::Object(members)
}

fn authentication_methods(behaviour: &Behaviour) -> Value {
    match behaviour.client_authentication {
        ClientAuthentication::None => json!(["none"]),
        ClientAuthentication::Basic => json!(["none", "client_secret_basic"]),
        ClientAuthentication::Post => json!(["none", "client_secret_post"]),
        ClientAuthentication::PrivateKeyJwt => json!(["none", "private_key_jwt"]),
        ClientAuthentication::Any => {
            json!(["none", "client_secret_basic", "client_secret_post", "private_key_jwt"])
        }
    }
}
