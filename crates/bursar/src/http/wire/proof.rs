//! Proofs for tokens that are bound to a key, over the line.

use bursar_core::secret::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The request a proof is wanted for (RFC 9449).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProofRequest {
    /// The SHA-256 of the access token that goes with it, in base64url.
    pub token_hash: String,
    /// The method, in upper case.
    pub method: String,
    /// Where it goes.
    pub url: String,
    /// What the resource wants to see in the proof, from its `DPoP-Nonce`.
    pub nonce: Option<String>,
}

/// A proof.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProofDocument<'a> {
    /// Version of this document.
    schema: u32,
    /// What stands in the header field `DPoP`; `null`: the account's tokens are bound to no key, and need none.
    proof: Option<&'a str>,
}

impl<'a> ProofDocument<'a> {
    /// Describes a proof.
    pub fn of(proof: Option<&'a Secret>) -> Self {
        Self { schema: 1, proof: proof.map(Secret::expose) }
    }
}

/// A [`ProofDocument`] on the caller's side.
#[derive(Debug, Deserialize)]
pub struct ReceivedProof {
    /// The proof.
    pub proof: Option<Secret>,
}
