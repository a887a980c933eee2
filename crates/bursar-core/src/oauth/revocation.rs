//! Token revocation (RFC 7009) and what providers offer in its place.
//!
//! Writes the request and reads the answer. Whether and when to try again is not decided here.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderValue};
use jiff::Timestamp;
use serde_json::Value;
use zeroize::Zeroizing;

use super::client_authentication::{Client, ClientAuthentication};
use super::error::{ErrorCode, OAuthError};
use super::form::Parameters;
use super::token::read_document;
use super::token::request::{RequestError, Signature, add_fixed, assemble, authenticate, fixed_headers};
use crate::ports::random::Random;
use crate::ports::upstream::{Request, Response};
use crate::provider::{AnswerFormat, AuthenticationRule, BodyFormat, Provider, RequestMethod, RevokeForm};
use crate::secret::Secret;

/// Which kind of token is to end (RFC 7009 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenHint {
    /// `access_token`.
    AccessToken,
    /// `refresh_token`.
    RefreshToken,
}

impl TokenHint {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::RefreshToken => "refresh_token",
        }
    }
}

/// The request that ends `token`; `None` if the provider offers no way.
///
/// Which token to send says the provider's `revoke.which`.
pub fn revocation_request(
    provider: &Provider,
    client: &Client,
    token: &Secret,
    hint: TokenHint,
    now: Timestamp,
    random: &dyn Random,
) -> Result<Option<Request>, RequestError> {
    let rules = &provider.revoke;
    let Some(endpoint) = provider.endpoints.revoke.as_ref().filter(|_| rules.form != RevokeForm::None) else {
        return Ok(None);
    };
    let url = endpoint
        .url_with(|name| (name == "client_id").then(|| client.id.clone()))
        .map_err(|source| RequestError::Endpoint { place: "revoke", source })?;
    let plan = Plan::of(provider);
    let mut parameters = Parameters::new();
    let mut headers = fixed_headers(&provider.token_request.accept, &rules.headers)?;
    if let Some(name) = plan.token_parameter {
        parameters.set(name, token.expose());
    }
    if rules.form == RevokeForm::Rfc7009 && rules.hint {
        parameters.set("token_type_hint", hint.as_str());
    }
    add_fixed(&mut parameters, &rules.parameters);
    match plan.credential {
        Credential::Client => {
            let signature = Signature { url: &url, now, random };
            match rules.authentication {
                Some(AuthenticationRule::None) => {}
                Some(rule) => {
                    let client = presented(client, rule);
                    authenticate(provider, &client, &mut parameters, &mut headers, &signature)?;
                }
                None => authenticate(provider, client, &mut parameters, &mut headers, &signature)?,
            }
        }
        Credential::Basic => {
            headers.insert(AUTHORIZATION, basic(client)?);
        }
        Credential::Token => {
            headers.insert(AUTHORIZATION, sensitive(&format!("Bearer {}", token.expose()))?);
        }
    }
    assemble(&url, plan.method, plan.format, &parameters, headers).map(Some)
}

/// What each form means before the entry's own changes.
struct Plan<'a> {
    method: RequestMethod,
    format: BodyFormat,
    token_parameter: Option<&'a str>,
    credential: Credential,
}

enum Credential {
    Client,
    Basic,
    Token,
}

impl<'a> Plan<'a> {
    fn of(provider: &'a Provider) -> Self {
        let rules = &provider.revoke;
        let own = rules.token_parameter.as_deref();
        match rules.form {
            RevokeForm::Rfc7009 | RevokeForm::None => Self {
                method: rules.method.unwrap_or(RequestMethod::Post),
                format: rules.format.unwrap_or(BodyFormat::Form),
                token_parameter: own.or(Some("token")),
                credential: Credential::Client,
            },
            RevokeForm::DeletePath => Self {
                method: rules.method.unwrap_or(RequestMethod::Delete),
                format: rules.format.unwrap_or(BodyFormat::Json),
                token_parameter: own.or(Some("access_token")),
                credential: Credential::Basic,
            },
            RevokeForm::Bearer => Self {
                method: rules.method.unwrap_or(RequestMethod::Post),
                format: rules.format.unwrap_or(BodyFormat::Form),
                token_parameter: own,
                credential: Credential::Token,
            },
        }
    }
}

/// The client with its secret where `rule` wants it.
fn presented(client: &Client, rule: AuthenticationRule) -> Client {
    let authentication = match (&client.authentication, rule) {
        (
            ClientAuthentication::Post(secret) | ClientAuthentication::Basic(secret),
            AuthenticationRule::Basic,
        ) => ClientAuthentication::Basic(secret.clone()),
        (
            ClientAuthentication::Post(secret) | ClientAuthentication::Basic(secret),
            AuthenticationRule::Post,
        ) => ClientAuthentication::Post(secret.clone()),
        (other, _) => other.clone(),
    };
    Client { id: client.id.clone(), authentication }
}

/// Plain HTTP Basic (RFC 7617): an API, unlike a token endpoint, does not expect the parts form-encoded.
fn basic(client: &Client) -> Result<HeaderValue, RequestError> {
    let (ClientAuthentication::Basic(secret) | ClientAuthentication::Post(secret)) = &client.authentication
    else {
        return Err(RequestError::SecretRequired);
    };
    let pair = Zeroizing::new(format!("{}:{}", client.id, secret.expose()));
    let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
    sensitive(&Zeroizing::new(format!("Basic {}", encoded.as_str())))
}

fn sensitive(text: &str) -> Result<HeaderValue, RequestError> {
    let mut value =
        HeaderValue::try_from(text).map_err(|_| RequestError::Header(AUTHORIZATION.to_string()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What a revocation answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The token is dead (RFC 7009 §2.2: also when it was unknown).
    Yes,
    /// The provider says that there was nothing to end.
    AlreadyGone,
    /// The token may still live.
    Failed {
        /// Whether trying again later makes sense.
        transient: bool,
        /// What the provider said, for the log.
        detail: String,
    },
}

impl fmt::Display for Revoked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes => formatter.write_str("revoked"),
            Self::AlreadyGone => formatter.write_str("already gone"),
            Self::Failed { detail, .. } => write!(formatter, "not revoked: {detail}"),
        }
    }
}

/// Reads a revocation answer (RFC 7009 §2.2).
pub fn read_revocation_answer(response: &Response) -> Revoked {
    let status = response.status();
    let document = read_document(response, AnswerFormat::Auto).ok();
    let error = document.as_ref().and_then(|document| OAuthError::from_json(document.value()));
    let says_no = document.as_ref().and_then(|document| document.at("ok")) == Some(&Value::Bool(false));
    if status.is_success() && error.is_none() && !says_no {
        return Revoked::Yes;
    }
    if let Some(error) = &error {
        return judged(error, status);
    }
    match status {
        // An API says so in JSON; a web server's page means that the endpoint is wrong.
        StatusCode::NOT_FOUND | StatusCode::GONE if document.is_some() => Revoked::AlreadyGone,
        _ => {
            Revoked::Failed { transient: is_transient(status), detail: format!("status {}", status.as_u16()) }
        }
    }
}

fn judged(error: &OAuthError, status: StatusCode) -> Revoked {
    if GONE_CODES.contains(&error.code.as_str()) {
        return Revoked::AlreadyGone;
    }
    let transient = is_transient(status)
        || matches!(error.code, ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable)
        || ["ratelimited", "rate_limited"].contains(&error.code.as_str());
    Revoked::Failed { transient, detail: error.to_string() }
}

/// RFC 7009 §2.2.1 names 503; gateways and limits add the others.
fn is_transient(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

/// Errors that mean that the token is dead already: RFC 6750 §3.1, RFC 6749 §5.2, and Slack's words.
const GONE_CODES: [&str; 6] =
    ["invalid_token", "invalid_grant", "token_revoked", "token_expired", "invalid_auth", "account_inactive"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::upstream::Body;
    use crate::provider::{Catalogue, Endpoint, ProviderId};

    const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

    #[derive(Debug)]
    struct Zeros;

    impl Random for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn generic() -> Provider {
        let mut provider = Provider::new(ProviderId::parse("example").unwrap());
        provider.endpoints.revoke = Some(Endpoint::parse("https://server.example.com/revoke").unwrap());
        provider
    }

    fn client(authentication: ClientAuthentication) -> Client {
        Client { id: "s6BhdRkqt3".to_owned(), authentication }
    }

    fn secret() -> Secret {
        Secret::new("gX1fBat3bV")
    }

    fn request(provider: &Provider, client: &Client, hint: TokenHint) -> Request {
        let token = Secret::new("45ghiukldjahdnhzdauz");
        revocation_request(provider, client, &token, hint, NOW, &Zeros).unwrap().unwrap()
    }

    fn body(request: &Request) -> String {
        String::from_utf8(request.body().expose().to_vec()).unwrap()
    }

    #[test]
    fn the_request_of_the_standard_is_written() {
        // RFC 7009 §2.1.
        let client = client(ClientAuthentication::Basic(secret()));
        let request = request(&generic(), &client, TokenHint::RefreshToken);
        assert_eq!(request.method(), http::Method::POST);
        assert_eq!(request.uri(), "https://server.example.com/revoke");
        assert_eq!(request.headers()["authorization"], "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW");
        assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
        assert_eq!(body(&request), "token=45ghiukldjahdnhzdauz&token_type_hint=refresh_token");
    }

    #[test]
    fn github_deletes_by_path_with_the_clients_secret() {
        let github = Catalogue::embedded().find("github").unwrap().unwrap();
        let client = client(ClientAuthentication::Post(secret()));
        let request = request(&github, &client, TokenHint::AccessToken);
        assert_eq!(request.method(), http::Method::DELETE);
        assert_eq!(request.uri(), "https://api.github.com/applications/s6BhdRkqt3/token");
        assert_eq!(request.headers()["authorization"], "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW");
        assert!(request.headers()["authorization"].is_sensitive());
        assert_eq!(request.headers()["accept"], "application/vnd.github+json");
        assert_eq!(body(&request), r#"{"access_token":"45ghiukldjahdnhzdauz"}"#);
        let public = Client { id: "id".to_owned(), authentication: ClientAuthentication::None };
        let token = Secret::new("t");
        assert!(matches!(
            revocation_request(&github, &public, &token, TokenHint::AccessToken, NOW, &Zeros),
            Err(RequestError::SecretRequired)
        ));
    }

    #[test]
    fn google_wants_the_token_alone() {
        let google = Catalogue::embedded().find("google").unwrap().unwrap();
        let client = client(ClientAuthentication::Post(secret()));
        let request = request(&google, &client, TokenHint::RefreshToken);
        assert_eq!(request.uri(), "https://oauth2.googleapis.com/revoke");
        assert_eq!(body(&request), "token=45ghiukldjahdnhzdauz");
    }

    #[test]
    fn a_token_may_authorize_its_own_end() {
        let mut provider = generic();
        provider.revoke.form = RevokeForm::Bearer;
        let request = request(&provider, &client(ClientAuthentication::None), TokenHint::AccessToken);
        assert_eq!(request.headers()["authorization"], "Bearer 45ghiukldjahdnhzdauz");
        assert!(request.headers()["authorization"].is_sensitive());
        assert!(!request.uri().to_string().contains("45ghi") && body(&request).is_empty());
    }

    #[test]
    fn providers_without_revocation_have_no_request() {
        let client = client(ClientAuthentication::None);
        let token = Secret::new("t");
        let mut provider = generic();
        provider.revoke.form = RevokeForm::None;
        for provider in [provider, Provider::new(ProviderId::parse("example").unwrap())] {
            let request =
                revocation_request(&provider, &client, &token, TokenHint::AccessToken, NOW, &Zeros).unwrap();
            assert!(request.is_none());
        }
    }

    #[test]
    fn answers_are_judged() {
        let failed = |transient, detail: &str| Revoked::Failed { transient, detail: detail.to_owned() };
        for (status, text, expected) in [
            (200, "", Revoked::Yes),
            (200, "{}", Revoked::Yes),
            (204, "", Revoked::Yes),
            (200, r#"{"ok":true,"revoked":true}"#, Revoked::Yes),
            (200, "<html>", Revoked::Yes),
            (400, r#"{"error":"invalid_token"}"#, Revoked::AlreadyGone),
            (200, r#"{"ok":false,"error":"token_revoked"}"#, Revoked::AlreadyGone),
            (404, r#"{"message":"Not Found"}"#, Revoked::AlreadyGone),
            (404, "<html>", failed(false, "status 404")),
            (404, "", failed(false, "status 404")),
            (503, "", failed(true, "status 503")),
            (502, "<html>", failed(true, "status 502")),
            (429, "", failed(true, "status 429")),
            (302, "", failed(false, "status 302")),
            (422, r#"{"message":"Validation Failed"}"#, failed(false, "status 422")),
            (200, r#"{"ok":false}"#, failed(false, "status 200")),
        ] {
            let response = http::Response::builder().status(status).body(Body::new(text)).unwrap();
            assert_eq!(read_revocation_answer(&response), expected, "{status} {text}");
        }
        for (status, code, expected) in [
            (400, "unsupported_token_type", false),
            (401, "invalid_client", false),
            (503, "temporarily_unavailable", true),
            (200, "ratelimited", true),
        ] {
            let text = format!(r#"{{"error":"{code}"}}"#);
            let response = http::Response::builder().status(status).body(Body::new(text)).unwrap();
            let Revoked::Failed { transient, detail } = read_revocation_answer(&response) else {
                panic!("{code}");
            };
            assert_eq!(transient, expected, "{code}");
            assert!(detail.contains(code), "{detail}");
        }
    }
}
