//! Identity tokens that are good for a moment: they come with access tokens, but end by themselves.

use bursar_core::engine::broker::HandOut;
use bursar_core::lifecycle::account::Generation;
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::oauth::identity_token::expiry_of_jwt;
use bursar_core::secret::Secret;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

use crate::cli::app::App;
use crate::exit::{Exit, Failure};
use crate::failure::login_hint;

/// Proof of who an account is, for somebody who trusts its provider.
#[derive(Debug)]
pub(super) struct Proof {
    /// The token.
    pub(super) token: Secret,
    /// When it ends, as far as is known.
    pub(super) expires_at: Option<Timestamp>,
    /// Whose it is, if a person can tell.
    pub(super) label: Option<String>,
    /// Which change of the account's tokens brought it.
    pub(super) generation: Generation,
}

/// The access token as proof, or the identity token, renewed if it has ended.
pub(super) async fn proof(
    app: &App,
    reference: &AccountReference,
    access_token: bool,
) -> Result<Proof, Failure> {
    let handed = hand_out(app, reference, Ask::default()).await?;
    if access_token {
        return Ok(of(&handed, handed.token.clone(), handed.expires_at));
    }
    match identity_token(&handed)? {
        proof if proof.lives(app.now(), SHORTEST_LIFE) => Ok(proof),
        _ => renewed_proof(app, reference, handed.generation).await,
    }
}

/// An identity token that came after `generation`: whoever issued that one is asked again.
pub(super) async fn renewed_proof(
    app: &App,
    reference: &AccountReference,
    generation: Generation,
) -> Result<Proof, Failure> {
    let ask = Ask { newer_than: Some(generation), ..Ask::default() };
    let handed = hand_out(app, reference, ask).await?;
    let proof = identity_token(&handed)?;
    if proof.lives(app.now(), SignedDuration::ZERO) {
        return Ok(proof);
    }
    let ended = format!("the identity token of {reference} has ended, and a refresh brings no other");
    Err(Failure::new(Exit::LoginRequired, ended).hint(login_hint(reference)))
}

fn identity_token(handed: &HandOut) -> Result<Proof, Failure> {
    let reference = &handed.reference;
    let token = handed.identity_token.clone().ok_or_else(|| {
        Failure::new(Exit::Error, format!("{reference} has no identity token"))
            .hint(format!("{} with `--scope openid`, if its provider has such tokens", login_hint(reference)))
    })?;
    let end = expiry_of_jwt(&token);
    Ok(of(handed, token, end))
}

impl Proof {
    /// Whether it is good for longer than `least`, as far as is known.
    fn lives(&self, now: Timestamp, least: SignedDuration) -> bool {
        self.expires_at.is_none_or(|end| end.duration_since(now) > least)
    }
}

fn of(handed: &HandOut, token: Secret, expires_at: Option<Timestamp>) -> Proof {
    let label = handed.identity.as_ref().map(|identity| identity.label.clone());
    Proof { token, expires_at, label, generation: handed.generation }
}

async fn hand_out(app: &App, reference: &AccountReference, ask: Ask) -> Result<Arc<HandOut>, Failure> {
    app.desk.hand_out(reference, &ask, app.config.refresh.wait.unsigned_abs()).await
}

/// Long enough to be shown to somebody across the network, whose clock may be a little ahead.
const SHORTEST_LIFE: SignedDuration = SignedDuration::from_mins(1);
