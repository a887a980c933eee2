//! Proofs for tokens that are bound to a key of their login (RFC 9449): made where the key is, which is never handed out.

use url::Url;

use super::Engine;
use super::broker::HandOutError;
use crate::lifecycle::reference::AccountReference;
use crate::oauth::proof::{ProofKey, Proven};
use crate::secret::Secret;

/// The request that a proof is wanted for.
#[derive(Clone, Copy, Debug)]
pub struct ProofWish<'a> {
    /// Its method, in upper case.
    pub method: &'a str,
    /// Where it goes.
    pub url: &'a Url,
    /// What the resource wants to see in the proof (RFC 9449 §9).
    pub nonce: Option<&'a str>,
}

impl Engine {
    /// A proof that goes with an access token of `reference`, of which this is the hash, in one request. `None`: its tokens are
    /// bound to no key.
    ///
    /// # Errors
    /// There is no such account, it is paused, or its key cannot be used now.
    pub async fn prove(
        &self,
        reference: &AccountReference,
        token_hash: &str,
        wish: &ProofWish<'_>,
    ) -> Result<Option<Secret>, HandOutError> {
        let account = self.account(reference).await?.document;
        if account.paused {
            return Err(HandOutError::Paused { reference: reference.clone() });
        }
        let Some(key) = self.credentials(&account).await?.proof_key else { return Ok(None) };
        let proven = Proven {
            method: wish.method,
            url: wish.url,
            at: self.provider_time(&account),
            nonce: wish.nonce,
            token_hash: Some(token_hash),
        };
        let proof = ProofKey::read(&key).and_then(|key| key.prove(&proven, &*self.ports.random));
        proof.map(Some).map_err(|error| HandOutError::Request {
            reference: reference.clone(),
            detail: error.to_string(),
        })
    }
}
