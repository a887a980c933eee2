//! Whether the sender has the key it says (RFC 9449 §4.3, §5, §10.1).

use super::Inquiry;
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::proofs::ProvenRequest;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::server::server_metadata::Endpoint;

/// Judges the proof, if there is one; clients that have said so must have one where tokens come from.
pub(super) async fn check(server: &AuthorizationServer, inquiry: &mut Inquiry<'_>) -> Result<(), IssueError> {
    let url = inquiry.endpoint.url(&server.rules().issuer);
    let request = ProvenRequest { method: "POST", url: &url, access_token: None };
    inquiry.proof = server.key_proven_by(inquiry.proofs, &request).await?;
    let bound =
        inquiry.client.as_ref().is_some_and(|client| client.document.metadata.dpop_bound_access_tokens);
    if inquiry.proof.is_none() && bound && inquiry.endpoint == Endpoint::Token {
        let missing = "the client is registered to prove a key with every request, and the proof is missing";
        return Err(Refusal::new(ErrorCode::InvalidDpopProof, missing).into());
    }
    let asked = inquiry.request.as_ref().and_then(|request| request.dpop_jkt.as_ref());
    if let (Some(asked), Some(proven)) = (asked, &inquiry.proof)
        && asked != proven
    {
        let other = "`dpop_jkt` names another key than the one that was proven";
        return Err(Refusal::new(ErrorCode::InvalidDpopProof, other).into());
    }
    Ok(())
}
