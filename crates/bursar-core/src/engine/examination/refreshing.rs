//! How refresh tokens behave (RFC 6749 §6, RFC 9700 §4.14).

use std::time::Duration;

use serde_json::Value;

use super::Examination;
use super::checks::{OLD_REFRESH_TOKEN, REFRESH_AT_ONCE, REFRESH_PLAIN, ROTATION};
use super::sending::{json_of, told};
use super::sign_in::claims;
use crate::oauth::scope::Scope;
use crate::ports::upstream::Response;
use crate::secret::Secret;

/// What the sign-in brought.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) access: Secret,
    pub(super) refresh: Secret,
    pub(super) scope: Option<String>,
    /// The refresh token that began, once two others have followed it.
    pub(super) first: Option<Secret>,
}

impl Examination<'_> {
    pub(super) async fn examine_refreshing(&mut self) {
        let Some(tokens) = self.tokens.take() else { return };
        // As a client does that found its clock ahead, or restarts.
        self.tools.clock.sleep(AT_ONCE).await;
        let resource = self.indicator().map(str::to_owned);
        let at_once = self.refresh(&tokens.refresh, resource.as_deref()).await;
        let Some((_, second)) =
            self.noted(at_once, |own, good, what| own.judge(&REFRESH_AT_ONCE, good, what))
        else {
            return;
        };
        let second = second.unwrap_or_else(|| tokens.refresh.clone());
        let rotates = second != tokens.refresh;
        let is_public = self.client.as_ref().is_some_and(|client| client.secret.is_none());
        let what = if rotates { "each refresh brings a new one" } else { "the refresh token stays the same" };
        if is_public {
            self.judge(&ROTATION, rotates, what);
        } else {
            self.untried(&ROTATION, "the client has a secret");
        }
        let plain = self.refresh(&second, None).await;
        let Ok(answer) = plain else { return self.broken(&REFRESH_PLAIN, "there is no answer") };
        let document = json_of(&answer);
        let loss = loss(&tokens, &document);
        let works = answer.status().is_success();
        let what = match (works, loss) {
            (false, _) => format!("without `scope` and `resource` it got {}", told(&answer)),
            (true, Some(loss)) => format!("without `scope` and `resource` {loss}"),
            (true, None) => "without `scope` and `resource` it stays what it was".to_owned(),
        };
        self.judge(&REFRESH_PLAIN, works && loss.is_none(), what);
        let Some(access) = document["access_token"].as_str().map(Secret::new) else { return };
        let refresh = document["refresh_token"].as_str().map_or(second, Secret::new);
        let first = Some(tokens.refresh).filter(|first| rotates && *first != refresh);
        self.tokens = Some(Tokens { access, refresh, scope: tokens.scope, first });
    }

    /// Comes last: a server that does right ends the whole grant.
    pub(super) async fn examine_old_refresh_token(&mut self) {
        let Some(tokens) = self.tokens.take() else { return };
        match &tokens.first {
            None => self.untried(&OLD_REFRESH_TOKEN, "refresh tokens are not rotated"),
            Some(first) => {
                if let Ok(answer) = self.refresh(first, None).await {
                    let what = format!("the token before the one before got {}", told(&answer));
                    self.judge(&OLD_REFRESH_TOKEN, answer.status().is_client_error(), what);
                }
            }
        }
        self.revoke(&tokens).await;
    }

    async fn refresh(&self, token: &Secret, resource: Option<&str>) -> Result<Response, String> {
        let endpoint = self.server.as_ref().and_then(|server| server.endpoint("token_endpoint"));
        let (Some(endpoint), Some(client)) = (endpoint, &self.client) else { return Err(String::new()) };
        let mut pairs = vec![("grant_type", "refresh_token"), ("refresh_token", token.expose())];
        pairs.extend(client.credentials());
        pairs.extend(resource.map(|resource| ("resource", resource)));
        self.tools.post(endpoint.as_url(), &pairs).await
    }

    /// Writes down a refresh; returns its tokens.
    fn noted(
        &mut self,
        answer: Result<Response, String>,
        note: impl Fn(&mut Self, bool, String),
    ) -> Option<(Secret, Option<Secret>)> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => {
                note(self, false, why);
                return None;
            }
        };
        let document = json_of(&answer);
        let token = |name: &str| document[name].as_str().map(Secret::new);
        let access = token("access_token").filter(|_| answer.status().is_success());
        let what = match access {
            Some(_) => "a second after its issue it works".to_owned(),
            None => format!("a second after its issue it got {}", told(&answer)),
        };
        note(self, access.is_some(), what);
        Some((access?, token("refresh_token")))
    }

    /// Leaves nothing behind, as far as the server lets it.
    async fn revoke(&self, tokens: &Tokens) {
        let endpoint = self.server.as_ref().and_then(|server| server.endpoint("revocation_endpoint"));
        let (Some(endpoint), Some(client)) = (endpoint, &self.client) else { return };
        for token in [&tokens.refresh, &tokens.access] {
            let pairs = [&[("token", token.expose())][..], &client.credentials()].concat();
            if let Err(why) = self.tools.post(endpoint.as_url(), &pairs).await {
                tracing::debug!(why, "a token of the examination lives on");
            }
        }
    }
}

/// What a refresh that asked for nothing has lost; `None`: nothing.
fn loss(before: &Tokens, after: &Value) -> Option<&'static str> {
    let audience =
        |token: Option<Secret>| token.and_then(|token| claims(&token)).map(|claims| claims["aud"].clone());
    let now = after["access_token"].as_str().map(Secret::new);
    if let (Some(was), Some(is)) = (audience(Some(before.access.clone())), audience(now))
        && was != is
    {
        return Some("the token is for another audience");
    }
    // No scope in the answer means the same scope (RFC 6749 §5.1).
    let (was, is) = (before.scope.as_deref()?, after["scope"].as_str()?);
    let lost = !Scope::from_answer(was).is_subset_of(&Scope::from_answer(is));
    lost.then_some("the token has less scope")
}

const AT_ONCE: Duration = Duration::from_secs(1);
