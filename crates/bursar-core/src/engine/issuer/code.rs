//! The authorization code grant: a code once, for whoever knows what its challenge is the digest of (RFC 6749 §4.1.3,
//! RFC 7636 §4.6).

use subtle::ConstantTimeEq as _;

use super::AuthorizationServer;
use super::answer::TokenAnswer;
use super::exchange::TokenRequest;
use super::family_start::Start;
use super::records::code::Code;
use super::records::family::EndCause;
use super::refresh_token::token_digest;
use super::refusal::{IssueError, Refusal};
use crate::identifier::Identifier;
use crate::oauth::error::ErrorCode;
use crate::oauth::pkce::Verifier;
use crate::ports::document::{self, Stored};
use crate::ports::store::Expected;

/// What every code begins with.
pub(super) const CODE_PREFIX: &str = "bac_";

impl AuthorizationServer {
    /// Redeems a code for the first tokens of a family.
    pub(super) async fn redeem_code(&self, request: &TokenRequest<'_>) -> Result<TokenAnswer, IssueError> {
        let shown = request.required_secret("code")?;
        let digest = token_digest(&shown).0;
        loop {
            let code = document::get::<Code>(self.store(), self.space(), &digest).await?.value;
            let code = code.ok_or_else(|| dead("it was never made, or it is long over"))?;
            check_ownership(request, &code.document)?;
            if let Some(family) = code.document.redeemed {
                if self.end_replayed(family).await? {
                    return Err(dead("it was redeemed before: what that brought is ended").into());
                }
                continue;
            }
            let now = self.now();
            if code.document.expires_at <= now {
                return Err(dead(&format!("it ended at {}", code.document.expires_at)).into());
            }
            let Stored { document: code, version } = code;
            let id = Identifier::new(now, self.random());
            let start = Start {
                id,
                user: &code.user,
                grant: &code.grant,
                scope: &code.scope,
                resources: &code.resources,
                sign_in: &code.sign_in,
                nonce: code.nonce.as_deref(),
                sender_key: code.sender_key.as_ref(),
                dead,
                now,
            };
            let redeemed = Code { redeemed: Some(id), ..code.clone() };
            let spending = document::put(self.engine().batch(), &redeemed, Expected::Version(version))?;
            if let Some(answer) = self.begin_family(request, &start, spending).await? {
                return Ok(answer);
            }
        }
    }

    /// Ends what a code was redeemed for. `false`: it has changed meanwhile.
    async fn end_replayed(&self, family: Identifier) -> Result<bool, IssueError> {
        let Some(family) = self.family(&family.to_string()).await? else { return Ok(true) };
        if family.document.ended.is_some() {
            return Ok(true);
        }
        self.end_family(&family, EndCause::CodeReplayed, "its code was shown a second time").await
    }
}

/// Only the client that asked, at the address it asked from, with the verifier only it knows. Whoever fails here changes
/// nothing: a code that leaked is no means to end somebody's login.
fn check_ownership(request: &TokenRequest<'_>, code: &Code) -> Result<(), Refusal> {
    if code.client != request.client().id {
        return Err(dead("it was made for another client"));
    }
    match request.parameters.value("redirect_uri") {
        Some(uri) if uri != code.redirect_uri => {
            return Err(dead("`redirect_uri` differs from that of the authorization request"));
        }
        None if code.redirect_uri_was_sent => {
            return Err(dead("`redirect_uri` is missing, and the authorization request had it"));
        }
        Some(_) | None => {}
    }
    let verifier = request.required("code_verifier")?;
    let verifier =
        Verifier::parse(verifier).map_err(|_| dead("`code_verifier` breaks the form of RFC 7636 §4.1"))?;
    let challenge = verifier.challenge();
    if bool::from(challenge.as_str().as_bytes().ct_eq(code.challenge.as_bytes())) {
        Ok(())
    } else {
        Err(dead("`code_verifier` does not fit the challenge"))
    }
}

/// A code that brings nothing. The peer learns that and no more.
fn dead(reason: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidGrant, "the authorization code is not valid").because(reason)
}
