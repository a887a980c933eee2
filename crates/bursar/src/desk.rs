//! Where tokens are handed out, whoever asks: commands, the API, the gateway.
//!
//! With an agent its vault is open already and it answers; without one, or when it is silent, the engine of this process
//! does the same on the same store. Why a hand-out fails, and what to do then, reads the same either way.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bursar_core::engine::Engine;
use bursar_core::engine::broker::HandOut;
use bursar_core::engine::proving::ProofWish;
use bursar_core::engine::selection::{Choice, SelectionError};
use bursar_core::lifecycle::account::{Account, Generation};
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::secret::Secret;
use jiff::Timestamp;

use crate::agent::client::{CallError, Client};
use crate::config::meaning::RuleConfig;
use crate::context::{Surroundings, choose};
use crate::exit::{Exit, Failure};

/// Hands out by the agent or by the engine at hand. Cheap to clone; clones see a new configuration together.
#[derive(Clone, Debug)]
pub struct Desk(Arc<RwLock<Arc<Within>>>);

#[derive(Debug)]
struct Within {
    engine: Engine,
    rules: Vec<RuleConfig>,
    agent: Option<Client>,
}

impl Desk {
    /// Hands out by `agent` if there is one, else by `engine`; `rules` choose accounts.
    pub fn new(engine: Engine, rules: Vec<RuleConfig>, agent: Option<Client>) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(Within { engine, rules, agent }))))
    }

    /// From now on works as a new configuration says.
    pub fn reconfigure(&self, engine: Engine, rules: Vec<RuleConfig>) {
        let agent = self.within().agent.clone();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Within { engine, rules, agent });
    }

    /// The engine at hand, for everything that is the same with and without an agent: reading records.
    pub fn engine(&self) -> Engine {
        self.within().engine.clone()
    }

    /// Now, by the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.within().engine.ports().clock.now()
    }

    /// The account a name means in these surroundings; for programs, so the beginning of a name means nothing.
    pub async fn resolve(&self, wanted: &str, surroundings: &Surroundings) -> Result<Account, Failure> {
        let within = self.within();
        let (account, choice) = choose(&within.engine, &within.rules, surroundings, wanted).await?;
        if choice == Choice::Beginning {
            // A program asks for the same again and again. Once the account it means is gone, what is written out in full
            // may be the beginning of another one's name.
            let near = vec![account.reference];
            return Err(SelectionError::NotFound { wanted: wanted.to_owned(), near }.into());
        }
        tracing::debug!(account = %account.reference, reason = choice.describe(), "account chosen");
        Ok(account)
    }

    /// Hands out a token of the account a name means; a reference that is written out is not searched for.
    pub async fn hand_out_named(
        &self,
        wanted: &str,
        surroundings: impl FnOnce() -> Surroundings,
        ask: &Ask,
        wait: Duration,
    ) -> Result<Arc<HandOut>, Failure> {
        if let Some(reference) = AccountReference::parse(wanted) {
            match self.hand_out(&reference, ask, wait).await {
                // It may have a provider's alias in it.
                Err(failure) if failure.exit == Exit::NoSuchAccount => {}
                handed => return handed,
            }
        }
        let account = self.resolve(wanted, &surroundings()).await?;
        self.hand_out(&account.reference, ask, wait).await
    }

    /// Hands out an access token as `ask` wants it, waiting at most `wait`; see [`Engine::hand_out`].
    pub async fn hand_out(
        &self,
        reference: &AccountReference,
        ask: &Ask,
        wait: Duration,
    ) -> Result<Arc<HandOut>, Failure> {
        let within = self.within();
        // What only a process that keeps accounts asks for, it asks for itself.
        if let Some(agent) = within.agent.as_ref().filter(|_| ask.newer_than.is_none() && !ask.keep) {
            match agent.hand_out(reference, ask, wait).await {
                Err(error) if passes_by(&error) => {}
                answer => return Ok(Arc::new(answer?)),
            }
        }
        Ok(within.engine.hand_out(reference, ask, wait).await?)
    }

    /// Hands out the stored token without a look at its end.
    pub async fn hand_out_unchecked(&self, reference: &AccountReference) -> Result<Arc<HandOut>, Failure> {
        let within = self.within();
        if let Some(agent) = &within.agent {
            match agent.hand_out_unchecked(reference).await {
                Err(error) if passes_by(&error) => {}
                answer => return Ok(Arc::new(answer?)),
            }
        }
        Ok(within.engine.hand_out_unchecked(reference).await?)
    }

    /// A proof that goes with a token of `reference`, of which this is the hash, in one request; `None`: its tokens are bound
    /// to no key.
    pub async fn prove(
        &self,
        reference: &AccountReference,
        token_hash: &str,
        wish: &ProofWish<'_>,
    ) -> Result<Option<Secret>, Failure> {
        let within = self.within();
        if let Some(agent) = &within.agent {
            match agent.prove(reference, token_hash, wish).await {
                Err(error) if passes_by(&error) => {}
                answer => return Ok(answer?),
            }
        }
        Ok(within.engine.prove(reference, token_hash, wish).await?)
    }

    /// Refreshes now, whatever the windows say.
    pub async fn refresh(&self, reference: &AccountReference, wait: Duration) -> Result<Account, Failure> {
        // Looked up once: if the agent hears of it late, after it was done without it, it is not done again.
        let generation = self.within().engine.account_of(reference).await?.generation;
        self.refresh_after(reference, generation, wait).await
    }

    /// Refreshes unless the tokens are newer than `generation` already.
    pub async fn refresh_after(
        &self,
        reference: &AccountReference,
        generation: Generation,
        wait: Duration,
    ) -> Result<Account, Failure> {
        let within = self.within();
        if let Some(agent) = &within.agent {
            match agent.refresh(reference, generation, wait).await {
                Err(error) if passes_by(&error) => {}
                answer => {
                    answer?;
                    return Ok(within.engine.account_of(reference).await?);
                }
            }
        }
        Ok(within.engine.refresh_after(reference, generation, wait).await?)
    }

    fn within(&self) -> Arc<Within> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether the engine at hand may do better than the agent: it is not there, or has no way to the key. A vault that a
/// person has locked stays locked.
fn passes_by(error: &CallError) -> bool {
    match error {
        CallError::NoAnswer(_) | CallError::VaultUnavailable(_) => {
            tracing::debug!(?error, "going on without the agent");
            true
        }
        CallError::Refused(_) => false,
    }
}
