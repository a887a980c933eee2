//! The authorization code flow (RFC 6749 §4.1) with proof key (RFC 7636), for the browser and for pasting.

use jiff::SignedDuration;
use url::Url;

use super::{LoggedIn, LoginError, LoginPlan};
use crate::engine::Engine;
use crate::lifecycle::account::LoginMethod;
use crate::oauth::authorization::{AuthorizationRequest, AuthorizationResponse, Expected};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::pkce::Verifier;
use crate::oauth::token::Grant;
use crate::oauth::url::Issuer;
use crate::ports::random::unguessable;
use crate::ports::upstream::{Body, Response};
use crate::secret::Secret;

/// A login whose redirect is awaited. Lives in this process only: its secrets are stored nowhere.
#[derive(Debug)]
pub struct PendingAuthorization {
    url: Url,
    redirect_uri: String,
    state: Secret,
    nonce: Option<Secret>,
    verifier: Option<Verifier>,
    issuer: Option<Issuer>,
    issuer_required: bool,
}

impl PendingAuthorization {
    /// Where to send the person.
    pub fn url(&self) -> &Url {
        &self.url
    }

    fn expected(&self) -> Expected<'_> {
        Expected { state: &self.state, issuer: self.issuer.as_ref(), issuer_required: self.issuer_required }
    }
}

impl Engine {
    /// Begins a login whose answer comes back to `redirect_uri`.
    pub async fn begin_authorization(
        &self,
        plan: &LoginPlan,
        redirect_uri: &str,
    ) -> Result<PendingAuthorization, LoginError> {
        let pending = self.authorization(plan, redirect_uri)?;
        let until = self.now().saturating_add(LONGEST_LOGIN).unwrap_or(jiff::Timestamp::MAX);
        self.prove_storable(until).await?;
        Ok(pending)
    }

    /// Whether the server still knows the client of `plan`, as far as it tells: it must not send anybody back for a client it
    /// does not know (RFC 6749 §4.1.2.1), so all that people would see is a page of its own.
    pub async fn is_client_known(&self, plan: &LoginPlan, redirect_uri: &str) -> bool {
        // Nothing of it is used again.
        let Ok(pending) = self.authorization(plan, redirect_uri) else { return true };
        let request = http::Request::get(pending.url.as_str())
            .header(http::header::ACCEPT, "text/html")
            .body(Body::default());
        let Ok(request) = request else { return true };
        let Ok(response) = self.ports.upstream.send(request, self.limits(&plan.provider)).await else {
            return true;
        };
        match response.status().as_u16() {
            400 | 401 | 403 | 404 => false,
            300..400 => !sends_unknown_client(&response),
            _ => true,
        }
    }

    fn authorization(
        &self,
        plan: &LoginPlan,
        redirect_uri: &str,
    ) -> Result<PendingAuthorization, LoginError> {
        let provider = &plan.provider;
        let not_offered = || LoginError::NotOffered { provider: provider.id.to_string(), way: "browser" };
        let request = |detail: String| LoginError::Request { detail };
        let endpoint = provider.endpoints.authorize.as_ref().ok_or_else(not_offered)?;
        let endpoint = endpoint.url().map_err(|error| request(error.to_string()))?;
        let random = &*self.ports.random;
        let authorize = &provider.authorize;
        let scopes = authorize.scopes(&plan.scopes);
        let openid = scopes.iter().any(|scope| scope == "openid");
        let scope_text = scopes.join(&authorize.scope_separator.to_string());
        let verifier = authorize.proof_key.is_sent().then(|| Verifier::generate(random));
        let challenge = verifier.as_ref().map(Verifier::challenge);
        let state = unguessable(random);
        let nonce = openid.then(|| unguessable(random));
        let extra = authorize.extra();
        let url = AuthorizationRequest {
            endpoint: &endpoint,
            client_id: &plan.client_id,
            redirect_uri,
            scope: (!scope_text.is_empty())
                .then_some((authorize.scope_parameter.as_str(), scope_text.as_str())),
            state: &state,
            challenge: challenge.as_ref(),
            nonce: nonce.as_ref(),
            resource: &plan.resource,
            extra: &extra,
        }
        .url();
        let url = renamed(url, authorize);
        let issuer =
            provider.endpoints.issuer.as_ref().and_then(|issuer| Issuer::parse(issuer.as_str()).ok());
        Ok(PendingAuthorization {
            url,
            redirect_uri: redirect_uri.to_owned(),
            state,
            nonce,
            verifier,
            issuer,
            issuer_required: provider.authorize.issuer_in_answer,
        })
    }

    /// Completes a login from the query of the redirect.
    pub async fn finish_authorization(
        &self,
        plan: &LoginPlan,
        pending: PendingAuthorization,
        query: &str,
    ) -> Result<LoggedIn, LoginError> {
        let code = AuthorizationResponse::read(query, &pending.expected())?;
        self.redeem(plan, pending, &code, LoginMethod::Browser).await
    }

    /// Completes a login from what a person copied: the redirect URL, its query, or `code#state`.
    pub async fn finish_pasted(
        &self,
        plan: &LoginPlan,
        pending: PendingAuthorization,
        pasted: &str,
    ) -> Result<LoggedIn, LoginError> {
        let code = AuthorizationResponse::read_pasted(pasted, &pending.expected())?;
        self.redeem(plan, pending, &code, LoginMethod::Paste).await
    }

    async fn redeem(
        &self,
        plan: &LoginPlan,
        pending: PendingAuthorization,
        code: &Secret,
        method: LoginMethod,
    ) -> Result<LoggedIn, LoginError> {
        let grant = Grant::AuthorizationCode {
            code,
            redirect_uri: &pending.redirect_uri,
            verifier: pending.verifier.as_ref(),
            state: Some(&pending.state),
        };
        let exchanged = match self.exchange(plan, &grant).await {
            Err(
                refused @ LoginError::Refused {
                    error: OAuthError { code: ErrorCode::InvalidClient, .. }, ..
                },
            ) => {
                let issuer = plan.issuer.as_deref().unwrap_or_default();
                self.forget_registered_client(issuer, &plan.client_id).await?;
                return Err(refused);
            }
            exchanged => exchanged?,
        };
        self.record(plan, method, exchanged, Some(pending.redirect_uri), pending.nonce.as_ref()).await
    }
}

/// Some servers send everybody back, with the reason in the address.
fn sends_unknown_client(response: &Response) -> bool {
    let location = response.headers().get(http::header::LOCATION).and_then(|value| value.to_str().ok());
    let query = location.and_then(|location| location.split_once('?')).map_or("", |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, value)| {
        name == "error" && matches!(value.as_ref(), "invalid_client" | "unauthorized_client")
    })
}

/// Applies the provider's own names for standard parameters; an empty name leaves one out.
fn renamed(mut url: Url, authorize: &crate::provider::Authorize) -> Url {
    if authorize.rename.is_empty() {
        return url;
    }
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .filter_map(|(name, value)| match authorize.rename.get(name.as_ref()) {
            Some(other) if other.is_empty() => None,
            Some(other) => Some((other.clone(), value.into_owned())),
            None => Some((name.into_owned(), value.into_owned())),
        })
        .collect();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url
}

/// Longer than anybody looks for a second factor.
const LONGEST_LOGIN: SignedDuration = SignedDuration::from_hours(1);
