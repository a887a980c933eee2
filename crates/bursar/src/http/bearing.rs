//! Access tokens that requests bring to this server itself, and what is answered where they open nothing (RFC 6750 §3,
//! RFC 9449 §7.1, §9).

use axum::response::Response;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::presented::PresentedToken;
use bursar_core::oauth::error::ErrorCode;
use bursar_core::oauth::jose::Algorithm;
use bursar_core::oauth::scope::Scope;
use bursar_core::oauth::server::resource_metadata::{ChallengeScheme, Refusal, ResourceChallenge};
use bursar_core::secret::Secret;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// A token and its proofs, as a request brings them.
#[derive(Debug)]
pub(super) struct Bearing {
    method: Method,
    url: String,
    authorization: Option<Secret>,
    was_shown: bool,
    proofs: Vec<String>,
}

impl Bearing {
    /// What is in the headers of a request to `url`, which is the address as the world knows it.
    pub(super) fn of(method: &Method, url: String, headers: &HeaderMap) -> Self {
        let mut shown = headers.get_all(AUTHORIZATION).iter();
        let (first, more) = (shown.next(), shown.next());
        let proofs = headers.get_all("dpop").iter();
        Self {
            method: method.clone(),
            url,
            // Of several nobody knows which one counts.
            authorization: first
                .filter(|_| more.is_none())
                .and_then(|value| value.to_str().ok())
                .map(Secret::new),
            was_shown: first.is_some(),
            proofs: proofs.map(|value| value.to_str().unwrap_or_default().to_owned()).collect(),
        }
    }

    /// As the use cases want it.
    pub(super) fn token(&self) -> PresentedToken<'_> {
        PresentedToken {
            method: self.method.as_str(),
            url: &self.url,
            authorization: self.authorization.as_ref(),
            proofs: &self.proofs,
        }
    }

    /// Whether something was shown at all. Who shows nothing asks how to ask (RFC 6750 §3.1).
    pub(super) fn was_shown(&self) -> bool {
        self.was_shown
    }

    /// `response` with what it takes to get in, and what was wrong if something was shown.
    pub(super) async fn challenged(
        &self,
        server: &AuthorizationServer,
        mut response: Response,
        code: &ErrorCode,
        scope: Option<&Scope>,
    ) -> Response {
        let refusal = self.was_shown.then_some(match code {
            ErrorCode::InsufficientScope => Refusal::InsufficientScope,
            ErrorCode::InvalidDpopProof => Refusal::InvalidDpopProof,
            ErrorCode::UseDpopNonce => Refusal::UseDpopNonce,
            _ => Refusal::InvalidToken,
        });
        let algorithms = Algorithm::ASYMMETRIC.map(Algorithm::name);
        let challenge = |scheme, refusal| {
            ResourceChallenge { scheme, resource_metadata: None, scope, refusal }.to_header()
        };
        let (bearer, dpop) = (ChallengeScheme::Bearer, ChallengeScheme::Dpop(&algorithms));
        // What is wrong is told for the way the token came by, and that way first.
        let challenges = if self.is_with_proof() {
            [challenge(dpop, refusal), challenge(bearer, None)]
        } else {
            [challenge(bearer, refusal), challenge(dpop, None)]
        };
        let headers = response.headers_mut();
        for challenge in challenges {
            headers.append(WWW_AUTHENTICATE, challenge);
        }
        if self.is_with_proof()
            && let Ok(nonce) = server.proof_nonce().await
            && let Ok(nonce) = HeaderValue::try_from(nonce)
        {
            response.headers_mut().insert(HeaderName::from_static("dpop-nonce"), nonce);
        }
        response
    }

    fn is_with_proof(&self) -> bool {
        let scheme = self.authorization.as_ref().and_then(|shown| shown.expose().split_once(' '));
        !self.proofs.is_empty() || scheme.is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("dpop"))
    }
}
