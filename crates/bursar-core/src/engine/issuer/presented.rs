//! Access tokens that are presented to this server itself, where it is the resource (RFC 6750 §2.1, RFC 9449 §7.1).

use super::AuthorizationServer;
use super::proofs::ProvenRequest;
use super::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::server::access_token::AccessToken;
use crate::secret::Secret;

/// A request with an access token, as it came.
#[derive(Clone, Copy, Debug)]
pub struct PresentedToken<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The address as the world knows it, which is what a proof is made for.
    pub url: &'a str,
    /// The `Authorization` header.
    pub authorization: Option<&'a Secret>,
    /// The `DPoP` headers.
    pub proofs: &'a [String],
}

impl AuthorizationServer {
    /// What the access token says, if it is good now, for this server, and presented as it must be.
    ///
    /// # Errors
    /// `invalid_token`, `invalid_dpop_proof` or `use_dpop_nonce`; all of them are answered with status 401.
    pub async fn presented_access_token(
        &self,
        presented: &PresentedToken<'_>,
    ) -> Result<AccessToken, IssueError> {
        let header = presented.authorization.ok_or_else(|| not_valid("there is no access token"))?;
        let (scheme, token) =
            header.expose().split_once(' ').ok_or_else(|| not_valid("the header cannot be read"))?;
        let with_proof = scheme.eq_ignore_ascii_case("dpop");
        if !with_proof && !scheme.eq_ignore_ascii_case("bearer") {
            return Err(not_valid("the scheme is neither Bearer nor DPoP").into());
        }
        let shown = Secret::new(token.trim());
        let token = self.valid_access_token(&shown).await?;
        let token = token.ok_or_else(|| not_valid("it is none of ours, or has ended"))?;
        if !token.is_for(self.rules().issuer.as_str()) {
            return Err(not_valid("it is for another resource").into());
        }
        let Some(key) = &token.key else {
            return if with_proof { Err(not_valid("it is bound to no key").into()) } else { Ok(token) };
        };
        // RFC 9449 §7.2: whoever has stolen a bound token must not get by as its mere bearer.
        if !with_proof {
            return Err(not_valid("it is bound to a key and was presented without proof").into());
        }
        let request =
            ProvenRequest { method: presented.method, url: presented.url, access_token: Some(&shown) };
        match self.key_proven_by(presented.proofs, &request).await? {
            None => Err(Refusal::new(ErrorCode::InvalidDpopProof, "the DPoP proof is missing").into()),
            Some(proven) if proven == *key => Ok(token),
            Some(_) => Err(not_valid("it is bound to another key than the one that was proven").into()),
        }
    }
}

/// The peer learns that the token opens nothing, and not what it would have taken.
pub(in crate::engine::issuer) fn not_valid(reason: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidToken, "the access token is not valid here").because(reason)
}
