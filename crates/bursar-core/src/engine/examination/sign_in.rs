//! What a person has to sign in for: the answer, the tokens, and what the resource makes of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde_json::Value;
use url::Url;

use super::Examination;
use super::authorization::CodeRequest;
use super::checks::{
    ALTERED_TOKEN, ANSWER_ISSUER, ANSWER_STATE, AUDIENCE, CODE_ONCE, REFRESH_TOKEN, RESOURCE_ACCEPTS, Stage,
    TOKEN_ANSWER, TOKEN_IN_ADDRESS, WRONG_VERIFIER,
};
use super::refreshing::Tokens;
use super::sending::{json_of, shortened, told, value};
use super::server::ISSUER_PARAMETER;
use crate::oauth::pkce::Verifier;
use crate::ports::upstream::Response;
use crate::secret::Secret;

/// A person on the way through the authorization endpoint.
#[derive(Debug)]
pub struct Trip {
    request: CodeRequest,
}

impl Trip {
    /// Where to send the person. The answer comes to the redirect address that was given.
    pub fn url(&self) -> Url {
        self.request.url()
    }
}

impl Examination<'_> {
    /// Begins a sign-in; `None` if nothing speaks for its success.
    pub fn trip(&mut self) -> Option<Trip> {
        let (server, client) = (self.server.as_ref()?, self.client.as_ref()?);
        let request = self.code_request(server, client)?;
        Some(Trip { request })
    }

    /// Everything that the query of the first answer leads to.
    pub async fn answered(&mut self, trip: Trip, query: &Secret) {
        let Some(code) = self.examine_answer(&trip, query) else {
            return self.skip(Stage::SignIn, "the answer carried no code");
        };
        let Some(answer) = self.redeem(&trip, &code, trip.request.verifier.expose()).await else { return };
        let document = json_of(&answer);
        let (access, kind) = (document["access_token"].as_str(), document["token_type"].as_str());
        let stored = answer.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
        let is_private = stored.is_some_and(|value| value.contains("no-store"));
        let what = match (access, kind, is_private) {
            (Some(_), Some(kind), true) => format!("a token of the type `{}`", shortened(kind)),
            (Some(_), None, _) => "`token_type` is missing".to_owned(),
            (Some(_), Some(_), false) => "a token, without `Cache-Control: no-store`".to_owned(),
            (None, ..) => format!("the code was answered with {}", told(&answer)),
        };
        self.judge(&TOKEN_ANSWER, access.is_some() && kind.is_some() && is_private, what);
        let Some(access) = access.map(Secret::new) else {
            return self.skip(Stage::SignIn, "there is no token");
        };
        let refresh = document["refresh_token"].as_str().map(Secret::new);
        let has_one = refresh.is_some();
        self.judge(&REFRESH_TOKEN, has_one, if has_one { "there is one" } else { "there is none" });
        self.examine_use(&access).await;
        if let Some(refresh) = refresh {
            let scope = document["scope"].as_str().map(str::to_owned);
            self.tokens = Some(Tokens { access, refresh, scope, first: None });
            self.examine_refreshing().await;
        }
    }

    /// A second answer, whose code is presented as a thief would.
    pub async fn answered_again(&mut self, trip: Trip, query: &Secret) {
        let Some(code) = code_of(query) else { return };
        let other = Verifier::generate(self.tools.random);
        let Some(answer) = self.redeem(&trip, &code, other.expose()).await else { return };
        let refused = answer.status().is_client_error();
        self.judge(&WRONG_VERIFIER, refused, format!("another verifier got {}", told(&answer)));
        let Some(first) = self.redeem(&trip, &code, trip.request.verifier.expose()).await else { return };
        let Some(again) = self.redeem(&trip, &code, trip.request.verifier.expose()).await else { return };
        let what = if first.status().is_success() {
            format!("the second time it got {}", told(&again))
        } else {
            format!("after a wrong verifier it is spent: {}", told(&again))
        };
        self.judge(&CODE_ONCE, again.status().is_client_error(), what);
    }

    fn examine_answer(&mut self, trip: &Trip, query: &Secret) -> Option<Secret> {
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(query.expose().as_bytes()).into_owned().collect();
        let is_same = value(&pairs, "state") == Some(&trip.request.state);
        let what = if is_same { "`state` comes back" } else { "`state` is missing or changed" };
        self.judge(&ANSWER_STATE, is_same, what);
        let server = self.server.clone()?;
        let issuer = value(&pairs, "iss");
        let what = issuer.map_or("no `iss`".to_owned(), |issuer| format!("`iss` is {}", shortened(issuer)));
        match (issuer, server.says(ISSUER_PARAMETER)) {
            (None, false) => self.untried(&ANSWER_ISSUER, "it does not announce `iss`, and sends none"),
            (issuer, _) => self.judge(&ANSWER_ISSUER, issuer == Some(&server.issuer), what),
        }
        if let Some(error) = value(&pairs, "error") {
            self.skip(Stage::SignIn, &format!("the answer was `{}`", shortened(error)));
        }
        code_of(query)
    }

    async fn redeem(&self, trip: &Trip, code: &Secret, verifier: &str) -> Option<Response> {
        let endpoint = self.server.as_ref()?.endpoint("token_endpoint")?;
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &trip.request.redirect_uri),
            ("code_verifier", verifier),
        ];
        pairs.extend(self.client.as_ref()?.credentials());
        if let Some(resource) = self.indicator() {
            pairs.push(("resource", resource));
        }
        self.tools.post(endpoint.as_url(), &pairs).await.ok()
    }

    pub(super) fn indicator(&self) -> Option<&str> {
        self.resource.as_ref()?.indicator.as_deref()
    }

    /// What the token is good for, and how it must not be used.
    async fn examine_use(&mut self, access: &Secret) {
        let Some(indicator) = self.indicator().map(str::to_owned) else {
            let reason = "the URL is no MCP server with metadata";
            for check in [&RESOURCE_ACCEPTS, &AUDIENCE, &ALTERED_TOKEN, &TOKEN_IN_ADDRESS] {
                self.untried(check, reason);
            }
            return;
        };
        match claims(access) {
            Some(claims) => {
                let audience = &claims["aud"];
                let names_it = |value: &Value| value == indicator.as_str();
                let is_for_it =
                    names_it(audience) || audience.as_array().is_some_and(|list| list.iter().any(names_it));
                let what = format!("`aud` is {}", shortened(&audience.to_string()));
                self.judge(&AUDIENCE, is_for_it, what);
            }
            None => self.untried(&AUDIENCE, "the token is not readable by its client, which is as well"),
        }
        let url = self.url.as_url().clone();
        let accepts = match self.greet(&url, Some(access.expose())).await {
            Ok(answer) => {
                let status = answer.status();
                let good = !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
                self.judge(
                    &RESOURCE_ACCEPTS,
                    good,
                    format!("with the token it answers HTTP {}", status.as_u16()),
                );
                good
            }
            Err(why) => {
                self.broken(&RESOURCE_ACCEPTS, why);
                false
            }
        };
        if !accepts {
            for check in [&ALTERED_TOKEN, &TOKEN_IN_ADDRESS] {
                self.untried(check, "it refuses the true token too");
            }
            return;
        }
        let refused = |answer: &Response| answer.status() == StatusCode::UNAUTHORIZED;
        if let Ok(answer) = self.greet(&url, Some(&altered(access))).await {
            let what = format!("an altered token got HTTP {}", answer.status().as_u16());
            self.judge(&ALTERED_TOKEN, refused(&answer), what);
        }
        let mut address = url;
        address.query_pairs_mut().append_pair("access_token", access.expose());
        if let Ok(answer) = self.greet(&address, None).await {
            let what = format!("a token in the address got HTTP {}", answer.status().as_u16());
            self.judge(&TOKEN_IN_ADDRESS, !answer.status().is_success(), what);
        }
    }
}

fn code_of(query: &Secret) -> Option<Secret> {
    let mut pairs = url::form_urlencoded::parse(query.expose().as_bytes());
    pairs.find(|(name, _)| name == "code").map(|(_, code)| Secret::new(code))
}

/// What a JWT says, without belief in it; `None` if the token is something else.
pub(super) fn claims(token: &Secret) -> Option<Value> {
    let mut parts = token.expose().split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    claims.is_object().then_some(claims)
}

/// The same token with another letter in the middle of its last part: never only in bits that decoding drops.
fn altered(token: &Secret) -> String {
    let mut letters: Vec<char> = token.expose().chars().collect();
    let last = token.expose().rfind('.').map_or(0, |dot| dot + 1);
    let middle = last + (letters.len() - last) / 2;
    if let Some(letter) = letters.get_mut(middle) {
        *letter = if *letter == 'A' { 'B' } else { 'A' };
    }
    letters.into_iter().collect()
}
