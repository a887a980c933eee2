//! Tokens that are bound to a key (RFC 9449): each request carries a proof of its own beside them.

use std::sync::{Mutex, PoisonError};

use bursar_core::engine::broker::HandOut;
use bursar_core::engine::proving::ProofWish;
use bursar_core::oauth::proof::{FIELD, TOKEN_TYPE, nonce, token_hash};
use bursar_core::secret::Secret;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, Uri};
use url::Url;

use super::injection::{Injection, TOKEN};
use super::target::Target;
use crate::desk::Desk;
use crate::exit::Failure;

/// What the upstream wants to see in proofs (§8.2): the last that it said.
#[derive(Debug, Default)]
pub(super) struct Nonce(Mutex<Option<String>>);

impl Nonce {
    /// Notes what an answer says.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        if let Some(said) = nonce(headers) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
        }
    }

    fn last(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether a token is bound to a key, and carried as such tokens are: a route that says otherwise is obeyed.
pub(super) fn is_bound(target: &Target, handed: &HandOut) -> bool {
    let is_usual = match &target.injection {
        Injection::Header { name, template } => {
            *name == AUTHORIZATION && template.eq_ignore_ascii_case(&format!("Bearer {TOKEN}"))
        }
        Injection::Query { .. } | Injection::Basic { .. } => false,
    };
    is_usual && handed.token_type.eq_ignore_ascii_case(TOKEN_TYPE)
}

/// The proof for one request, if its token needs one.
pub(super) async fn proof(
    desk: &Desk,
    target: &Target,
    handed: &HandOut,
    method: &Method,
    address: &Uri,
) -> Result<Option<Secret>, Failure> {
    if !is_bound(target, handed) {
        return Ok(None);
    }
    let Ok(url) = Url::parse(&target.absolute(address)) else { return Ok(None) };
    let nonce = target.nonce.last();
    let wish = ProofWish { method: method.as_str(), url: &url, nonce: nonce.as_deref() };
    desk.prove(&target.reference, &token_hash(&handed.token), &wish).await
}

/// Puts token and proof into a request; `None`: they fit no header.
pub(super) fn equip(headers: &mut HeaderMap, handed: &HandOut, proof: &Secret) -> Option<()> {
    let text = Secret::new(format!("{TOKEN_TYPE} {}", handed.token.expose()));
    let mut token = HeaderValue::from_str(text.expose()).ok()?;
    // Kept out of debug output, and of HTTP/2's compression tables (RFC 7541 §7.1.3).
    token.set_sensitive(true);
    headers.insert(AUTHORIZATION, token);
    headers.insert(FIELD, HeaderValue::from_str(proof.expose()).ok()?);
    Some(())
}
