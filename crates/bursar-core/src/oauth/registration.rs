//! Registering oneself as a client (RFC 7591; OIDC Registration §2).
//!
//! Builds the request and reads the answer. What a server makes of such requests is in `oauth::server::client_metadata`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::client_authentication::Method;
use super::error::OAuthError;
use super::url::EndpointUrl;
use crate::oauth::scope::Scope;
use crate::ports::upstream::{Body, Request, Response};
use crate::secret::Secret;

/// What a native program says about itself.
#[derive(Clone, Copy, Debug)]
pub struct RegistrationRequest<'a> {
    /// Where answers go.
    pub redirect_uri: &'a str,
    /// How it will prove who it is.
    pub method: Method,
    /// What it may ask for; empty leaves that to the server.
    pub scope: &'a Scope,
    /// The grants it uses.
    pub grant_types: &'a [&'a str],
}

impl RegistrationRequest<'_> {
    /// The request to send to `endpoint` (RFC 7591 §3.1).
    ///
    /// # Errors
    /// The URL is none that HTTP can address.
    pub fn to(&self, endpoint: &EndpointUrl) -> Result<Request, http::Error> {
        let mut metadata = json!({
            "client_name": "bursar",
            "redirect_uris": [self.redirect_uri],
            "grant_types": self.grant_types,
            "response_types": ["code"],
            "token_endpoint_auth_method": self.method.registered_name(),
            // OIDC Registration §2: without it, a server may take the client for a web site and refuse loopback.
            "application_type": "native",
        });
        if !self.scope.is_empty() {
            metadata["scope"] = json!(self.scope.to_string());
        }
        http::Request::post(endpoint.as_str())
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::ACCEPT, "application/json")
            .body(Body::new(metadata.to_string()))
    }
}

/// A client that the server has just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClient {
    /// Its identifier.
    pub id: String,
    /// How the server expects it to prove who it is.
    pub method: Method,
    /// Its secret.
    pub secret: Option<Secret>,
    /// When the secret ends; `None`: never.
    pub secret_expires_at: Option<Timestamp>,
}

impl NewClient {
    /// Reads the answer (RFC 7591 §3.2).
    ///
    /// # Errors
    /// The server refuses, or the answer is of no use.
    pub fn read(response: &Response) -> Result<Self, RegistrationError> {
        let status = response.status();
        let document = serde_json::from_slice::<Value>(response.body().expose()).ok();
        if !status.is_success() {
            let error = document.as_ref().and_then(OAuthError::from_json);
            return Err(match error {
                Some(error) => RegistrationError::Refused(error),
                None => RegistrationError::Status(status.as_u16()),
            });
        }
        let document = document.ok_or(RegistrationError::Unreadable)?;
        let text = |name| document.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let id = text("client_id").ok_or(RegistrationError::Unreadable)?.to_owned();
        let secret = text("client_secret").map(Secret::new);
        let method = match text("token_endpoint_auth_method") {
            Some(name) => Method::from_registered_name(name).ok_or_else(|| RegistrationError::Method {
                name: name.chars().filter(|letter| !letter.is_control()).take(SHOWN).collect(),
            })?,
            // RFC 7591 §2: not said is HTTP Basic, but without a secret there is nothing to say.
            None if secret.is_some() => Method::Basic,
            None => Method::None,
        };
        if matches!(method, Method::Basic | Method::Post) && secret.is_none()
            || method == Method::PrivateKeyJwt
        {
            return Err(RegistrationError::Method { name: method.registered_name().to_owned() });
        }
        // RFC 7591 §3.2.1: zero means that it does not end.
        let ends = document.get("client_secret_expires_at").and_then(Value::as_i64).filter(|end| *end != 0);
        let secret_expires_at = ends.map(|end| Timestamp::from_second(end).unwrap_or(Timestamp::MAX));
        Ok(Self { id, method, secret: secret.filter(|_| method != Method::None), secret_expires_at })
    }
}

/// Why there is no new client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// The server says no (RFC 7591 §3.2.2).
    #[error("it answered {0}")]
    Refused(OAuthError),
    /// It says no without a reason.
    #[error("it answered HTTP {0}")]
    Status(u16),
    /// The answer names no client.
    #[error("its answer names no client")]
    Unreadable,
    /// The client is to prove itself in a way it cannot.
    #[error("it wants the client to use `{name}`, for which there is no credential")]
    Method {
        /// The way.
        name: String,
    },
}

/// Names of methods are shorter.
const SHOWN: usize = 60;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answered(status: u16, body: &str) -> Result<NewClient, RegistrationError> {
        NewClient::read(&http::Response::builder().status(status).body(Body::new(body)).unwrap())
    }

    #[test]
    fn a_native_program_says_what_servers_need() {
        let scope = Scope::parse("mcp:read offline_access").unwrap();
        let request = RegistrationRequest {
            redirect_uri: "http://127.0.0.1:4711/callback",
            method: Method::None,
            scope: &scope,
            grant_types: &["authorization_code", "refresh_token"],
        };
        let request = request.to(&EndpointUrl::parse("https://as.example/register").unwrap()).unwrap();
        let body: Value = serde_json::from_slice(request.body().expose()).unwrap();
        assert_eq!(
            body,
            json!({
                "client_name": "bursar",
                "redirect_uris": ["http://127.0.0.1:4711/callback"],
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
                "application_type": "native",
                "scope": "mcp:read offline_access",
            })
        );
    }

    #[test]
    fn the_example_of_rfc_7591_is_read() {
        // RFC 7591 §3.2.1.
        let client = answered(
            201,
            r#"{"client_id": "s6BhdRkqt3", "client_secret": "cf136dc3c1fc93f31185e5885805d",
                "client_id_issued_at": 2893256800, "client_secret_expires_at": 2893276800,
                "grant_types": ["authorization_code", "refresh_token"],
                "token_endpoint_auth_method": "client_secret_basic"}"#,
        )
        .unwrap();
        assert_eq!((client.id.as_str(), client.method), ("s6BhdRkqt3", Method::Basic));
        assert_eq!(client.secret_expires_at, Some(Timestamp::from_second(2_893_276_800).unwrap()));
    }

    #[test]
    fn what_the_answer_leaves_out_has_the_standards_meaning() {
        let table = [
            (r#"{"client_id":"a"}"#, Method::None, false),
            (r#"{"client_id":"a","client_secret":"b","client_secret_expires_at":0}"#, Method::Basic, true),
            (
                r#"{"client_id":"a","client_secret":"b","token_endpoint_auth_method":"none"}"#,
                Method::None,
                false,
            ),
            (
                r#"{"client_id":"a","client_secret":"b","token_endpoint_auth_method":"client_secret_post"}"#,
                Method::Post,
                true,
            ),
        ];
        for (body, method, has_secret) in table {
            let client = answered(200, body).unwrap();
            assert_eq!((client.method, client.secret.is_some()), (method, has_secret), "{body}");
            assert_eq!(client.secret_expires_at, None);
        }
    }

    #[test]
    fn refusals_are_told_in_the_servers_words() {
        let refused = answered(400, r#"{"error":"invalid_redirect_uri","error_description":"no loopback"}"#)
            .unwrap_err();
        assert!(refused.to_string().contains("invalid_redirect_uri"), "{refused}");
        assert_eq!(answered(403, "<html>"), Err(RegistrationError::Status(403)));
        assert_eq!(answered(201, "<html>"), Err(RegistrationError::Unreadable));
        assert_eq!(answered(201, r#"{"client_id":""}"#), Err(RegistrationError::Unreadable));
        for method in ["client_secret_basic", "private_key_jwt", "tls_client_auth"] {
            let body = format!(r#"{{"client_id":"a","token_endpoint_auth_method":"{method}"}}"#);
            assert_eq!(answered(201, &body), Err(RegistrationError::Method { name: method.to_owned() }));
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_judged_without_panic(status in 200_u16..600, body in ".{0,100}") {
            let _ = answered(status, &body);
        }
    }
}
