//! Asking the userinfo endpoint of a provider (OIDC Core §5.3), the way its tokens are carried there.

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use super::Engine;
use crate::oauth::proof::{ProofKey, nonce_of_resource};
use crate::oauth::signing::SigningError;
use crate::ports::upstream::{Body, Request, Response, SendError};
use crate::provider::Provider;
use crate::secret::Secret;

/// An access token, and what is needed to show it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    /// The token.
    pub(super) token: &'a Secret,
    /// The key it is bound to, as it is kept (RFC 9449); `None`: it is a bearer's.
    pub(super) proof_key: Option<&'a Secret>,
    /// Now, by the provider's clock.
    pub(super) at: Timestamp,
}

/// Why userinfo says nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum UserinfoError {
    /// It did not answer.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The key cannot prove the token.
    #[error(transparent)]
    Key(#[from] SigningError),
}

impl Engine {
    /// What userinfo answers to whoever shows this token. `None`: there is nothing to ask.
    pub(super) async fn ask_userinfo(
        &self,
        provider: &Provider,
        shown: &Shown<'_>,
    ) -> Option<Result<Response, UserinfoError>> {
        let request = request(provider)?;
        let Some(key) = shown.proof_key else {
            return Some(self.sent(provider, request, bearer(provider, shown.token)?).await);
        };
        Some(match ProofKey::read(key) {
            Ok(key) => self.ask_with_proof(provider, &request, &key, shown).await,
            Err(error) => Err(error.into()),
        })
    }

    async fn ask_with_proof(
        &self,
        provider: &Provider,
        request: &Request,
        key: &ProofKey,
        shown: &Shown<'_>,
    ) -> Result<Response, UserinfoError> {
        let mut nonce = None;
        loop {
            let fields = key.carry(shown.token, request, shown.at, nonce.as_deref(), &*self.ports.random)?;
            let answer = self.sent(provider, request.clone(), fields).await?;
            // RFC 9449 §9: once more with what it wants to see.
            match nonce_of_resource(answer.status(), answer.headers()).filter(|_| nonce.is_none()) {
                Some(wanted) => nonce = Some(wanted),
                None => return Ok(answer),
            }
        }
    }

    async fn sent(
        &self,
        provider: &Provider,
        mut request: Request,
        fields: HeaderMap,
    ) -> Result<Response, UserinfoError> {
        request.headers_mut().extend(fields);
        Ok(self.ports.upstream.send(request, self.limits(provider)).await?)
    }
}

/// The request, without a token.
fn request(provider: &Provider) -> Option<Request> {
    let url = provider.endpoints.userinfo.as_ref()?.url().ok()?;
    let request = http::Request::get(url.to_string()).header(ACCEPT, "application/json");
    let headers = provider.api.extra_headers.iter();
    let request =
        headers.fold(request, |request, (name, value)| request.header(name.as_str(), value.as_str()));
    request.body(Body::default()).ok()
}

/// The field that carries a bearer's token the way the provider wants.
fn bearer(provider: &Provider, token: &Secret) -> Option<HeaderMap> {
    let text = Secret::new(provider.api.header_template.replace("{token}", token.expose()));
    let mut value = HeaderValue::from_str(text.expose()).ok()?;
    value.set_sensitive(true);
    let name = http::HeaderName::from_bytes(provider.api.header.as_bytes()).ok()?;
    Some(HeaderMap::from_iter([(name, value)]))
}

#[cfg(test)]
mod tests;
