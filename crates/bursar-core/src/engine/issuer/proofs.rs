//! Proofs that a sender has a key (RFC 9449): judged here, and each of them counts once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::AuthorizationServer;
use super::refusal::{IssueError, Refusal};
use super::rules::ProofNonces;
use crate::oauth::error::ErrorCode;
use crate::oauth::jose::Thumbprint;
use crate::oauth::server::dpop::{self, NoncePolicy};
use crate::secret::Secret;

/// The request that a proof must have been made for.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProvenRequest<'a> {
    /// The method, in upper case.
    pub(super) method: &'a str,
    /// The address as the world knows it.
    pub(super) url: &'a str,
    /// The access token that is presented with it.
    pub(super) access_token: Option<&'a Secret>,
}

impl AuthorizationServer {
    /// What to send along as `DPoP-Nonce` with every answer to a request that had a proof or needed one (RFC 9449 §8.2).
    pub async fn proof_nonce(&self) -> Result<String, IssueError> {
        Ok(self.secrets().await?.proof_nonces.current(self.now()))
    }

    /// The key that `proofs`, the `DPoP` headers of a request, prove; `None`: there is no proof.
    ///
    /// A proof that was seen before proves nothing. A copy that comes first is not told from the original: that is what
    /// the short time, the address and the nonce in it are for.
    pub(super) async fn key_proven_by(
        &self,
        proofs: &[String],
        request: &ProvenRequest<'_>,
    ) -> Result<Option<Thumbprint>, IssueError> {
        let proof = match proofs {
            [] => return Ok(None),
            [proof] => proof,
            _ => return Err(not_valid("there is more than one proof").into()),
        };
        let url = Url::parse(request.url).map_err(|_| IssueError::Signing)?;
        let secrets = self.secrets().await?;
        let nonces = match self.rules().proof_nonces {
            ProofNonces::Accepted => NoncePolicy::Accepted(&secrets.proof_nonces),
            ProofNonces::Required => NoncePolicy::Required(&secrets.proof_nonces),
        };
        let expected = dpop::Expected {
            method: request.method,
            url: &url,
            now: self.now(),
            nonces,
            access_token: request.access_token,
        };
        let proof =
            dpop::verify(proof, &expected).map_err(|error| Refusal::new(error.code(), error.to_string()))?;
        let name = format!("proof:{}", URL_SAFE_NO_PAD.encode(format!("{}\0{}", proof.thumbprint, proof.id)));
        // Remembered beyond the last moment at which it would count.
        let until = proof.ends_at().saturating_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX);
        if !self.spend(&name, until).await? {
            return Err(not_valid("the proof was used before").into());
        }
        Ok(Some(proof.thumbprint))
    }
}

fn not_valid(description: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidDpopProof, description)
}
