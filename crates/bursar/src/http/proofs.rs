//! Proofs for tokens that are bound to a key.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bursar_core::engine::proving::ProofWish;
use http::{Method, StatusCode};
use url::Url;

use super::Api;
use super::extract::{Body, Named};
use super::failures::OpensTokens;
use super::refusal::Refusal;
use super::tokens::nowhere;
use super::wire::{ProofDocument, ProofRequest};

/// Make a proof for a token that is bound to a key (RFC 9449)
///
/// It is good for one request. The key itself stays where it is.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/proof",
    operation_id = "make_proof",
    tag = "tokens",
    params(("account" = String, Path, description = "A reference, provider, nickname or identity")),
    request_body = ProofRequest,
    responses((status = 200, description = "The proof", body = ProofDocument<'_>), OpensTokens)
)]
pub(super) async fn make(
    State(api): State<Api>,
    Named(account): Named,
    Body(request): Body<ProofRequest>,
) -> Result<Response, Refusal> {
    let unusable = |what: &str| Refusal::new(StatusCode::BAD_REQUEST, "usage", what);
    let method = Method::from_bytes(request.method.as_bytes());
    let method = method.map_err(|_| unusable("`method` is no method of HTTP"))?;
    let url = Url::parse(&request.url).map_err(|_| unusable("`url` is no URL"))?;
    if request.token_hash.len() != HASH || !request.token_hash.bytes().all(is_base64url) {
        return Err(unusable("`token_hash` is no SHA-256 in base64url"));
    }
    let account = api.desk.resolve(&account, &nowhere()).await?;
    let wish = ProofWish { method: method.as_str(), url: &url, nonce: request.nonce.as_deref() };
    let proof = api.desk.prove(&account.reference, &request.token_hash, &wish).await;
    let proof = proof.map_err(|failure| Refusal::from(failure).of_vault(api.desk.engine().is_locked()))?;
    Ok(Json(ProofDocument::of(proof.as_ref())).into_response())
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_".contains(&byte)
}

/// 256 bits.
const HASH: usize = 43;
