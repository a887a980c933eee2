//! A minimal, correct OAuth client with which the tests look at the provider.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use misbehaving_provider::{Behaviour, MisbehavingProvider, PUBLIC_CLIENT};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use url::Url;

pub(crate) const REDIRECT: &str = "http://127.0.0.1:54321/callback";
pub(crate) const VERIFIER: &str = "a-verifier-of-sufficient-length-0123456789-abcdef";

/// A provider and somebody who talks to it.
pub(crate) struct Scene {
    pub(crate) provider: MisbehavingProvider,
    pub(crate) http: reqwest::Client,
}

impl Scene {
    pub(crate) async fn new(behaviour: Behaviour) -> Self {
        Self { provider: MisbehavingProvider::start(behaviour).await, http: http() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.provider.issuer())
    }

    pub(crate) async fn fetch(&self, path: &str) -> Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    /// Parameters of the redirect that answers a good authorization request with these changes (empty: left out).
    pub(crate) async fn authorize(&self, changes: &[(&str, &str)]) -> HashMap<String, String> {
        let answer = self.authorize_raw(changes).await;
        assert_eq!(answer.status(), StatusCode::FOUND);
        let location = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        assert!(location.as_str().starts_with(REDIRECT));
        location.query_pairs().into_owned().collect()
    }

    pub(crate) async fn authorize_raw(&self, changes: &[(&str, &str)]) -> Response {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        let mut parameters = vec![
            ("client_id", PUBLIC_CLIENT),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", "openid read"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        parameters.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        parameters.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        let url = Url::parse_with_params(&self.url("/authorize"), parameters).unwrap();
        self.http.get(url).send().await.unwrap()
    }

    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> Result<Response, reqwest::Error> {
        self.http.post(self.url("/token")).form(form).send().await
    }

    pub(crate) async fn token_json(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let answer = self.token(form).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn redeem(&self, code: &str) -> (u16, Value) {
        self.token_json(&[
            ("grant_type", "authorization_code"),
            ("client_id", PUBLIC_CLIENT),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    /// A whole login; the members of the token answer.
    pub(crate) async fn login(&self) -> Value {
        let code = self.authorize(&[]).await.remove("code").unwrap();
        let (status, tokens) = self.redeem(&code).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> (u16, Value) {
        self.token_json(&refresh_form(refresh_token)).await
    }

    pub(crate) async fn resource(&self, access_token: &str) -> u16 {
        self.http.get(self.url("/resource")).bearer_auth(access_token).send().await.unwrap().status().as_u16()
    }

    pub(crate) fn outcomes(&self) -> Vec<String> {
        self.provider.calls().into_iter().map(|call| call.outcome).collect()
    }
}

pub(crate) fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

pub(crate) fn refresh_form(refresh_token: &str) -> [(&str, &str); 3] {
    [("grant_type", "refresh_token"), ("client_id", PUBLIC_CLIENT), ("refresh_token", refresh_token)]
}

/// A member that must be text.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text member {name} in {value}"))
}

/// The claims of a JWT.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
