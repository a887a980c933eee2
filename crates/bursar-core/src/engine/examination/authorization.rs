//! The authorization endpoint, as far as it answers before anybody signs in.
//!
//! Each line is one request that differs from a proper one in a single respect.

use url::Url;

use super::Examination;
use super::checks::{
    AUTHORIZE, Check, ERROR_ISSUER, ERROR_STATE, IMPLICIT, LOOPBACK_LOCALHOST, LOOPBACK_NO_PORT,
    LOOPBACK_PORT, PKCE_PLAIN, PKCE_REQUIRED, REDIRECT_EXACT, UNKNOWN_CLIENT,
};
use super::client::TrialClient;
use super::described::Described;
use super::sending::{Shown, shortened, value};
use super::server::ISSUER_PARAMETER;
use crate::oauth::pkce::Verifier;
use crate::oauth::scope::Scope;
use crate::ports::random::unguessable;

/// A code request, whose parts can be spoilt.
#[derive(Clone, Debug)]
pub(super) struct CodeRequest {
    endpoint: Url,
    pairs: Vec<(String, String)>,
    pub(super) verifier: Verifier,
    pub(super) state: String,
    pub(super) redirect_uri: String,
}

impl CodeRequest {
    pub(super) fn url(&self) -> Url {
        let mut url = self.endpoint.clone();
        url.query_pairs_mut().extend_pairs(&self.pairs);
        url
    }

    fn with(&self, name: &str, value: &str) -> Self {
        let mut spoilt = self.without(name);
        spoilt.pairs.push((name.to_owned(), value.to_owned()));
        if name == "redirect_uri" {
            value.clone_into(&mut spoilt.redirect_uri);
        }
        spoilt
    }

    fn without(&self, name: &str) -> Self {
        let mut spoilt = self.clone();
        spoilt.pairs.retain(|(known, _)| known != name);
        spoilt
    }
}

impl Examination<'_> {
    pub(super) async fn examine_authorization(&mut self) {
        let (Some(server), Some(client)) = (self.server.clone(), self.client.clone()) else { return };
        let Some(request) = self.code_request(&server, &client) else { return };
        let proper = self.shown(&request).await;
        let goes_on = |shown: &Shown| shown.refusal().is_none();
        self.note(&AUTHORIZE, &proper, goes_on);
        let other = request.with("redirect_uri", &with_port(&request.redirect_uri, 1));
        self.note(&LOOPBACK_PORT, &self.shown(&other).await, goes_on);
        if !proper.as_ref().is_ok_and(goes_on) {
            // Whatever it refuses now, it may refuse for the same reason.
            let reason = "it refuses proper requests too";
            for check in [
                &LOOPBACK_NO_PORT,
                &LOOPBACK_LOCALHOST,
                &REDIRECT_EXACT,
                &PKCE_REQUIRED,
                &PKCE_PLAIN,
                &IMPLICIT,
            ] {
                self.untried(check, reason);
            }
            return;
        }
        self.examine_without_port(&server, &client).await;
        let nowhere = request.with("redirect_uri", &format!("{}/further", request.redirect_uri));
        self.note(&REDIRECT_EXACT, &self.shown(&nowhere).await, |shown| matches!(shown, Shown::Refused(_)));
        let stranger = request.with("client_id", "nobody-registered-this");
        self.note(&UNKNOWN_CLIENT, &self.shown(&stranger).await, |shown| matches!(shown, Shown::Refused(_)));
        let refuses = |shown: &Shown| shown.refusal().is_some();
        let bare = request.without("code_challenge").without("code_challenge_method");
        let without_proof = self.shown(&bare).await;
        self.note(&PKCE_REQUIRED, &without_proof, refuses);
        let plain = request.with("code_challenge_method", "plain");
        self.note(&PKCE_PLAIN, &self.shown(&plain).await, refuses);
        let implicit = self.shown(&request.with("response_type", "token")).await;
        self.note(&IMPLICIT, &implicit, refuses);
        let answers: Vec<_> = [without_proof, implicit].into_iter().flatten().collect();
        self.examine_errors(&server, &request.state, &answers);
    }

    /// Programs that know their port only when somebody logs in register without one, by either name of this computer.
    async fn examine_without_port(&mut self, server: &Described, client: &TrialClient) {
        for (check, host) in [(&LOOPBACK_NO_PORT, "127.0.0.1"), (&LOOPBACK_LOCALHOST, "localhost")] {
            let Some(endpoint) = server.endpoint("registration_endpoint") else {
                self.untried(check, "it registers no clients");
                continue;
            };
            let (registered, used) = without_port(&client.redirect_uri, host);
            let other = match self.registered(endpoint.as_url(), &registered, &used).await {
                Ok(other) => other,
                Err(why) => {
                    self.broken(check, format!("registering {registered} got {why}"));
                    continue;
                }
            };
            if let Some(request) = self.code_request(server, &other) {
                let shown = self.shown(&request).await;
                self.note(check, &shown, |shown| shown.refusal().is_none());
            }
            self.forget(other).await;
        }
    }

    /// Errors that went to the client must say to which request, and from whom.
    fn examine_errors(&mut self, server: &Described, state: &str, answers: &[Shown]) {
        let sent = answers.iter().find_map(|shown| match shown {
            Shown::Back(pairs) if value(pairs, "error").is_some() => Some(pairs),
            _ => None,
        });
        let Some(pairs) = sent else { return };
        let is_same = value(pairs, "state") == Some(state);
        self.judge(
            &ERROR_STATE,
            is_same,
            if is_same { "`state` comes back" } else { "`state` is missing or changed" },
        );
        if !server.says(ISSUER_PARAMETER) {
            return self.untried(&ERROR_ISSUER, "it does not announce `iss`");
        }
        let issuer = value(pairs, "iss");
        let what = issuer.map_or("no `iss`".to_owned(), |issuer| format!("`iss` is {}", shortened(issuer)));
        self.judge(&ERROR_ISSUER, issuer == Some(&server.issuer), what);
    }

    /// A proper request; `None` without an endpoint to send it to.
    pub(super) fn code_request(&self, server: &Described, client: &TrialClient) -> Option<CodeRequest> {
        let endpoint = server.endpoint("authorization_endpoint")?.as_url().clone();
        let verifier = Verifier::generate(self.tools.random);
        let state = unguessable(self.tools.random).expose().to_owned();
        let mut scope = self.resource.as_ref().map(|resource| resource.scope.clone()).unwrap_or_default();
        let is_offline = server.lists("scopes_supported", OFFLINE);
        if is_offline {
            scope = scope.union(&Scope::from_answer(OFFLINE));
        }
        let text = scope.iter().collect::<Vec<_>>().join(" ");
        let challenge = verifier.challenge();
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", &client.id),
            ("redirect_uri", &client.redirect_uri),
            ("state", &state),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        if !scope.is_empty() {
            pairs.push(("scope", &text));
        }
        // OpenID Connect §11: asking for it needs the person's word.
        if is_offline {
            pairs.push(("prompt", "consent"));
        }
        if let Some(resource) = self.resource.as_ref().and_then(|resource| resource.indicator.as_deref()) {
            pairs.push(("resource", resource));
        }
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(CodeRequest {
            endpoint,
            pairs,
            verifier,
            state: state.clone(),
            redirect_uri: client.redirect_uri.clone(),
        })
    }

    async fn shown(&self, request: &CodeRequest) -> Result<Shown, String> {
        let answer = self.tools.open(&request.url()).await?;
        Ok(Shown::of(&answer, &request.redirect_uri))
    }

    fn note(&mut self, check: &'static Check, shown: &Result<Shown, String>, good: impl Fn(&Shown) -> bool) {
        match shown {
            Ok(shown) => self.judge(check, good(shown), shown.words()),
            Err(why) => self.broken(check, why.clone()),
        }
    }
}

/// The same address at `host`, without a port and with it.
fn without_port(redirect_uri: &str, host: &str) -> (String, String) {
    let Ok(mut url) = Url::parse(redirect_uri) else {
        return (redirect_uri.to_owned(), redirect_uri.to_owned());
    };
    // Only URLs without a host have none to change, and no port.
    let _ = url.set_host(Some(host));
    let used = url.to_string();
    let _ = url.set_port(None);
    (url.to_string(), used)
}

/// The same address with another port; `step` tells several apart.
pub(super) fn with_port(redirect_uri: &str, step: u16) -> String {
    let Ok(mut url) = Url::parse(redirect_uri) else { return redirect_uri.to_owned() };
    let port = url.port().unwrap_or(49_152);
    let other = if port < 60_000 { port.saturating_add(step) } else { port.saturating_sub(step) };
    // Only URLs without a host have no port.
    let _ = url.set_port(Some(other));
    url.to_string()
}

const OFFLINE: &str = "offline_access";
