//! Writes token requests (RFC 6749 §4.1.3, §4.4.2, §6; RFC 8628 §3.4; RFC 7523 §2.1, RFC 8707 §2.2).

use std::collections::BTreeMap;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::Grant;
use crate::oauth::client_authentication::{Client, ClientAuthentication};
use crate::oauth::form::Parameters;
use crate::oauth::signing::SigningError;
use crate::oauth::url::EndpointUrl;
use crate::ports::random::Random;
use crate::ports::upstream::{Body, Request};
use crate::provider::{
    AuthenticationRule, BodyFormat, Endpoint, EndpointError, Provider, RequestMethod, SecretWithPublic,
};

/// The request that exchanges `grant` for tokens, the way `provider` wants it.
///
/// `provider` has its variables filled in. Every entry of `resource` is sent (RFC 8707 §2.2).
pub fn token_request(
    provider: &Provider,
    client: &Client,
    grant: &Grant<'_>,
    resource: &[String],
    now: Timestamp,
    random: &dyn Random,
) -> Result<Request, RequestError> {
    let url = match grant {
        Grant::RefreshToken { .. } if provider.endpoints.refresh.is_some() => {
            complete("refresh", provider.endpoints.refresh.as_ref())?
        }
        _ => complete("token", provider.endpoints.token.as_ref())?,
    };
    let rules = &provider.token_request;
    let mut parameters = Parameters::new();
    write_grant(&mut parameters, provider, grant);
    for indicator in resource {
        parameters.append("resource", indicator);
    }
    add_fixed(&mut parameters, &rules.parameters);
    if matches!(grant, Grant::RefreshToken { .. }) {
        add_fixed(&mut parameters, &provider.refresh.parameters);
    }
    let mut headers = fixed_headers(&rules.accept, &rules.headers)?;
    authenticate(provider, client, &mut parameters, &mut headers, &Signature { url: &url, now, random })?;
    if matches!(grant, Grant::JwtBearer { .. }) && client.id.is_empty() {
        // RFC 7523 §3.1: the assertion says enough, and there may be no client at all.
        parameters.remove("client_id");
    }
    rename(&mut parameters, &rules.rename);
    assemble(&url, rules.method, rules.format, &parameters, headers)
}

fn write_grant(parameters: &mut Parameters, provider: &Provider, grant: &Grant<'_>) {
    let separator = provider.authorize.scope_separator;
    match grant {
        Grant::AuthorizationCode { code, redirect_uri, verifier, state } => {
            parameters.set("grant_type", "authorization_code");
            parameters.set("code", code.expose());
            if provider.token_request.include_redirect_uri {
                parameters.set("redirect_uri", redirect_uri);
            }
            if let Some(verifier) = verifier {
                parameters.set("code_verifier", verifier.expose());
            }
            if let Some(state) = state.filter(|_| provider.token_request.include_state) {
                parameters.set("state", state.expose());
            }
        }
        Grant::RefreshToken { token, scope, redirect_uri } => {
            parameters.set("grant_type", "refresh_token");
            parameters.set("refresh_token", token.expose());
            if let Some(scope) = scope.filter(|scope| provider.refresh.resend_scope && !scope.is_empty()) {
                parameters.set("scope", &scope.joined(separator));
            }
            if let Some(redirect_uri) = redirect_uri.filter(|_| provider.refresh.needs_redirect_uri) {
                parameters.set("redirect_uri", redirect_uri);
            }
        }
        Grant::ClientCredentials { scope } => {
            parameters.set("grant_type", "client_credentials");
            if let Some(scope) = scope.filter(|scope| !scope.is_empty()) {
                parameters.set("scope", &scope.joined(separator));
            }
        }
        Grant::DeviceCode { device_code } => {
            parameters.set("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
            parameters.set("device_code", device_code.expose());
        }
        Grant::JwtBearer { assertion, scope } => {
            parameters.set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
            parameters.set("assertion", assertion.expose());
            if let Some(scope) = scope.filter(|scope| !scope.is_empty()) {
                parameters.set("scope", &scope.joined(separator));
            }
        }
    }
}

/// What a signed client assertion is made of besides the client.
pub(in crate::oauth) struct Signature<'a> {
    pub(in crate::oauth) url: &'a EndpointUrl,
    pub(in crate::oauth) now: Timestamp,
    pub(in crate::oauth) random: &'a dyn Random,
}

/// Adds the client's id and credential.
pub(in crate::oauth) fn authenticate(
    provider: &Provider,
    client: &Client,
    parameters: &mut Parameters,
    headers: &mut HeaderMap,
    signature: &Signature<'_>,
) -> Result<(), RequestError> {
    let rules = &provider.client;
    let has_secret =
        matches!(client.authentication, ClientAuthentication::Basic(_) | ClientAuthentication::Post(_));
    match rules.authentication {
        // A public client that sends a secret is refused with an error that names everything but the reason.
        AuthenticationRule::None if has_secret && rules.secret_with_public == SecretWithPublic::Forbid => {
            return Err(RequestError::SecretForbidden);
        }
        AuthenticationRule::Tls => return Err(RequestError::CertificateRequired),
        _ => {}
    }
    client
        .authenticate(
            parameters,
            headers,
            &provider.assertion_audience(signature.url),
            signature.now,
            signature.random,
        )
        .map_err(RequestError::Signing)
}

/// The URL of an endpoint that must be there.
pub(in crate::oauth) fn complete(
    place: &'static str,
    endpoint: Option<&Endpoint>,
) -> Result<EndpointUrl, RequestError> {
    let endpoint = endpoint.ok_or(RequestError::NoEndpoint(place))?;
    endpoint.url().map_err(|source| RequestError::Endpoint { place, source })
}

/// The provider's fixed parameters, over whatever is there.
pub(in crate::oauth) fn add_fixed(parameters: &mut Parameters, fixed: &BTreeMap<String, String>) {
    for (name, value) in fixed {
        parameters.set(name, value);
    }
}

/// Gives parameters the provider's own names; an empty name takes the parameter out.
pub(in crate::oauth) fn rename(parameters: &mut Parameters, names: &BTreeMap<String, String>) {
    for (from, to) in names {
        if to.is_empty() {
            parameters.remove(from);
        } else {
            parameters.rename(from, to);
        }
    }
}

/// The headers of a request before its body is known.
pub(in crate::oauth) fn fixed_headers(
    accept: &str,
    fixed: &BTreeMap<String, String>,
) -> Result<HeaderMap, RequestError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::try_from(accept).map_err(|_| RequestError::Header("Accept".into()))?);
    for (name, value) in fixed {
        let refuse = || RequestError::Header(name.clone());
        let field = HeaderName::try_from(name).map_err(|_| refuse())?;
        headers.insert(field, HeaderValue::try_from(value).map_err(|_| refuse())?);
    }
    Ok(headers)
}

/// Puts parameters where they belong.
pub(in crate::oauth) fn assemble(
    url: &EndpointUrl,
    method: RequestMethod,
    format: BodyFormat,
    parameters: &Parameters,
    mut headers: HeaderMap,
) -> Result<Request, RequestError> {
    let mut target = url.as_url().clone();
    let (body, content_type) = match format {
        // A GET has no body, whatever the entry says about its format.
        _ if method == RequestMethod::Get => (Body::default(), None),
        BodyFormat::Form => (parameters.to_form(), Some("application/x-www-form-urlencoded")),
        BodyFormat::Json => (parameters.to_json(), Some("application/json")),
        BodyFormat::Query => (Body::default(), None),
    };
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    } else {
        let own = target.query().filter(|query| !query.is_empty()).map(|query| format!("{query}&"));
        target.set_query(Some(&format!("{}{}", own.unwrap_or_default(), parameters.to_query())));
    }
    let mut request = Request::new(body);
    *request.method_mut() = method.into();
    *request.headers_mut() = headers;
    *request.uri_mut() = target.as_str().parse().map_err(|_| RequestError::Target)?;
    Ok(request)
}

/// Why a request cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The provider does not offer this.
    #[error("the provider has no {0} endpoint")]
    NoEndpoint(&'static str),
    /// A variable of the endpoint is still open.
    #[error("the {place} endpoint is not complete")]
    Endpoint {
        /// Its name in the catalogue.
        place: &'static str,
        /// What is missing.
        source: EndpointError,
    },
    /// The provider refuses secrets from clients of this kind.
    #[error("the provider accepts no secret from a public client; remove the client secret")]
    SecretForbidden,
    /// The provider does this only for clients with a secret.
    #[error("the provider does this only for clients with a secret")]
    SecretRequired,
    /// The provider wants a client certificate, which is not supported.
    #[error("the provider wants a client certificate, which is not supported")]
    CertificateRequired,
    /// The client's assertion could not be signed.
    #[error("the client's assertion could not be signed")]
    Signing(#[source] SigningError),
    /// The URL cannot be a request's target, for example because a query longer than 64 KiB would be needed.
    #[error("the endpoint with its parameters is not a possible request target")]
    Target,
    /// A header of the provider's entry is not acceptable.
    #[error("the header `{0}` of the provider's entry cannot be sent")]
    Header(String),
}

#[cfg(test)]
mod tests;
