//! Where tokens are handed out, whoever asks: commands, the API, the gateway.
//!
//! With an agent its vault is open already and it answers; without one, or when it is silent, the engine of this process
//! does the same on the same store. Why a hand-out fails, and what to do then, reads the same either way.

use std::time::Duration;

use bursar_core::engine::Engine;
use bursar_core::engine::broker::HandOut;
use bursar_core::lifecycle::account::{Account, Generation, Identity};
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::oauth::scope::Scope;
use bursar_core::secret::Secret;
use jiff::{SignedDuration, Timestamp};

use crate::exit::Failure;

/// A token on its way to a caller, with what the caller may want to know about it.
#[derive(Clone, Debug)]
pub struct HandedOut {
    /// The access token.
    pub token: Secret,
    /// The identity token that came with it, if any.
    pub identity_token: Option<Secret>,
    /// The account.
    pub reference: AccountReference,
    /// Who the account is at its provider.
    pub identity: Option<Identity>,
    /// How the token is presented; nearly always `Bearer`.
    pub token_type: String,
    /// What it is good for.
    pub scope: Scope,
    /// When it came, by our clock.
    pub issued_at: Option<Timestamp>,
    /// When it ends, by our clock.
    pub expires_at: Option<Timestamp>,
    /// Fields of the provider's answer that its tools need.
    pub kept: serde_json::Map<String, serde_json::Value>,
    /// Which change of the account's tokens brought it.
    pub generation: Generation,
}

impl HandedOut {
    /// What is left of the token; never more than its lifetime, whatever the clock was set to. `None`: no known end.
    pub fn remaining(&self, now: Timestamp) -> Option<SignedDuration> {
        let (issued, end) = (self.issued_at?, self.expires_at?);
        let lifetime = end.duration_since(issued).max(SignedDuration::ZERO);
        Some(end.duration_since(now).clamp(SignedDuration::ZERO, lifetime))
    }
}

/// Hands out by the agent or by the engine at hand. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Desk {
    engine: Engine,
}

impl Desk {
    /// Hands out by `engine`.
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// The engine at hand, for everything that is the same with and without an agent: reading records.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Hands out an access token as `ask` wants it, waiting at most `wait`; see [`Engine::hand_out`].
    pub async fn hand_out(
        &self,
        reference: &AccountReference,
        ask: &Ask,
        wait: Duration,
    ) -> Result<HandedOut, Failure> {
        Ok(self.engine.hand_out(reference, ask, wait).await?.into())
    }

    /// Hands out the stored token without a look at its end.
    pub async fn hand_out_unchecked(&self, reference: &AccountReference) -> Result<HandedOut, Failure> {
        Ok(self.engine.hand_out_unchecked(reference).await?.into())
    }

    /// Refreshes now, whatever the windows say.
    pub async fn refresh(&self, reference: &AccountReference, wait: Duration) -> Result<Account, Failure> {
        Ok(self.engine.refresh(reference, wait).await?)
    }
}

impl From<HandOut> for HandedOut {
    fn from(handed: HandOut) -> Self {
        let HandOut { token, identity_token, account } = handed;
        let access = account.access.as_ref();
        Self {
            token,
            identity_token,
            issued_at: access.map(|access| access.issued_at),
            expires_at: access.and_then(|access| access.expires_at),
            generation: account.generation,
            reference: account.reference,
            identity: account.identity,
            token_type: account.token_type,
            scope: account.scope,
            kept: account.kept,
        }
    }
}
