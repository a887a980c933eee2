//! A new data key in the place of an old one, for the installation and for every sandbox: all that was sealed is sealed again,
//! while everybody goes on.
//!
//! A change goes by steps, each of which is one commit or one page of records, so that whoever is interrupted loses nothing,
//! and anybody can go on: `succession` tells the stages, `record` how far it is, `resealing` what happens to records. The key
//! before goes when a whole look at all records, begun when nobody could still have sealed with it, has found none that
//! needs it.

mod announcing;
mod record;
mod resealing;
mod ring;

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

pub(in crate::engine) use self::record::REKEYING;
use self::record::Worker;
pub use self::record::{Pass, Progress, Rekeying};
use self::resealing::Resealing;
use self::ring::Ring;
use super::census::SealedKind;
use super::derivation::{MadeLives, Purpose, derived};
use super::door::LATEST_LOOK;
use super::succession::{FormerKey, KeyChange, Stage, Succession};
use super::{OTHER_KEY, VaultError};
use crate::engine::Engine;
use crate::engine::sandboxes::SandboxName;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::random::unguessable;
use crate::ports::store::{Batch, Commit, Expected, Page, Space, StoreError};
use crate::secret::Sealed;

/// Somebody who goes on with changes of data keys. Clones are the same.
#[derive(Clone, Debug)]
pub struct Rekeyer {
    engine: Engine,
    /// Tells this worker from others.
    name: String,
    lives: MadeLives,
    rate: NonZeroU32,
}

/// What one step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something was done, and there is more to do after a pause.
    Worked {
        /// So that others have the store too.
        pause: Duration,
    },
    /// There is nothing to do until then, by the store's clock.
    Waits {
        /// When there is.
        until: Timestamp,
        /// What it is waited for.
        reason: Waiting,
    },
    /// Another process is at it, at least until then.
    Elsewhere {
        /// By the store's clock.
        until: Timestamp,
    },
    /// The key before is gone.
    Done,
}

/// What a change of keys waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// All processes get to know the next key.
    Announced,
    /// The key before stays for a while, for those who were held up.
    Kept,
    /// Something still needs the key before.
    HeldBack,
    /// The keys of sandboxes are not done.
    Others,
}

impl Engine {
    /// The changes of data keys that are under way.
    pub async fn rekeyings(&self) -> Result<Vec<Rekeying>, StoreError> {
        let stored = document::list::<Rekeying>(&*self.ports.store, &Space::System).await?;
        Ok(stored.into_iter().map(|stored| stored.document).collect())
    }

    fn rekeying_batch(&self, what: &str, ring: &Ring, to: u32, actor: Option<&str>) -> Batch {
        let subject = ring.sandbox().map_or("vault", SandboxName::as_str);
        let mut event = Event::new(self.now(), what, subject).with("key", to);
        if let Some(actor) = actor {
            event = event.with("actor", actor);
        }
        Batch::new(Space::System, self.commit_id()).event(event)
    }
}

impl Rekeyer {
    /// Somebody who seals at most `rate` records a second again. What is made with keys derived from the one that makes way
    /// lives as long as `lives` says, or whoever else had to do with the change.
    pub fn new(engine: Engine, lives: MadeLives, rate: NonZeroU32) -> Self {
        let name = unguessable(&*engine.ports.random).expose().to_owned();
        Self { engine, name, lives, rate }
    }

    /// Goes one step on with the change of one data key: that of `sandbox`, or of the installation.
    ///
    /// # Errors
    /// The vault or the store cannot be used; what was done stays done.
    pub async fn step(&self, sandbox: Option<&SandboxName>) -> Result<Step, RekeyError> {
        let store = &*self.engine.ports.store;
        let key = Rekeying::key_of(sandbox);
        let answer = document::get::<Rekeying>(store, &Space::System, &key).await?;
        let Some(stored) = answer.value else { return Ok(Step::Done) };
        let now = answer.time;
        let ring = Ring::read(&self.engine, sandbox).await?;
        // Before anything else: whoever finishes it may know of shorter lives only.
        if let Some(ring) = &ring
            && self.prolong(ring, &stored).await?
        {
            return Ok(Step::Worked { pause: Duration::ZERO });
        }
        if let Some(worker) = &stored.document.worker
            && worker.name != self.name
            && worker.until > now
        {
            return Ok(Step::Elsewhere { until: worker.until });
        }
        let change = ring.as_ref().and_then(Ring::change);
        let (Some(ring), Some(change)) = (&ring, change.filter(|change| change.from == stored.document.from))
        else {
            // The sandbox has ended or was emptied.
            return self.forget(&stored).await;
        };
        match &change.stage {
            Stage::Announced { .. } => {
                let until = later(change.since, SETTLED_AFTER);
                if now < until {
                    return Ok(Step::Waits { until, reason: Waiting::Announced });
                }
                self.promote(ring.clone(), now).await?;
                Ok(Step::Worked { pause: Duration::ZERO })
            }
            Stage::Resealing { .. } => self.look(ring, change, stored, now).await,
        }
    }

    /// Does what can be done now, of all changes that are under way, at the pace that was said.
    ///
    /// # Errors
    /// As for a step.
    pub async fn go_on(&self) -> Result<(), RekeyError> {
        let clock = &*self.engine.ports.clock;
        for rekeying in self.engine.rekeyings().await? {
            while let Step::Worked { pause } = self.step(rekeying.sandbox.as_ref()).await? {
                clock.sleep(pause).await;
            }
        }
        Ok(())
    }

    /// Notes how long what is made here lives, if that is longer than anybody has said. Whether there was something to note.
    async fn prolong(&self, ring: &Ring, stored: &Stored<Rekeying>) -> Result<bool, RekeyError> {
        let said = stored.document.lives;
        let lives = said.or_longer(ring.lives(self.lives));
        if lives == said {
            return Ok(false);
        }
        let rekeying = Rekeying { lives, ..stored.document.clone() };
        let batch = Batch::new(Space::System, self.engine.commit_id());
        let batch = document::put(batch, &rekeying, Expected::Version(stored.version))?;
        // If it was changed meanwhile, the next step tries again.
        self.engine.ports.store.commit(batch).await?;
        Ok(true)
    }

    /// From now on all seal with the next key.
    async fn promote(&self, mut ring: Ring, now: Timestamp) -> Result<(), RekeyError> {
        let engine = &self.engine;
        let random = &*engine.ports.random;
        let vault = ring.vault(engine).await?;
        let Some(change) = ring.change().cloned() else { return Ok(()) };
        let (Some(next), Stage::Announced { wrapped }) = (&vault.other, change.stage) else { return Ok(()) };
        if vault.key.id != change.from {
            return Ok(());
        }
        let kept = next.cipher.seal(OTHER_KEY, vault.key.bytes(), random);
        let former = std::mem::take(&mut ring.succession().former);
        let former = former.into_iter().filter(|former| former.counts(now));
        let former = former.map(|former| -> Result<FormerKey, VaultError> {
            let data = former.associated_data();
            let plain = vault.key.cipher.open(&data, &former.key).ok_or(VaultError::BrokenSuccession)?;
            Ok(FormerKey { key: next.cipher.seal(&data, &plain, random), ..former })
        });
        let former = former.collect::<Result<Vec<_>, VaultError>>()?;
        let stage = Stage::Resealing { kept };
        *ring.succession() = Succession { change: Some(KeyChange { stage, since: now, ..change }), former };
        ring.count(next.id, wrapped);
        let batch = ring.put(engine.rekeying_batch("vault.sealing_anew", &ring, next.id, None))?;
        // Whoever was faster has done the same.
        engine.ports.store.commit(batch).await?;
        engine.look_at_vault_now().await?;
        Ok(())
    }

    /// One page of a look at all records, or what follows from the last look.
    async fn look(
        &self,
        ring: &Ring,
        change: &KeyChange,
        stored: Stored<Rekeying>,
        now: Timestamp,
    ) -> Result<Step, RekeyError> {
        let kept_until = change.since.saturating_add(stored.document.kept_for).unwrap_or(Timestamp::MAX);
        let pass = match &stored.document.pass {
            None => self.new_pass(ring, 1, now).await?,
            Some(pass) => match pass.ended_at {
                None => pass.clone(),
                Some(_) if pass.found == 0 && pass.held_back == 0 && pass.began_at >= kept_until => {
                    // Last, so that who finds it gone knows that everything is.
                    if ring.sandbox().is_none() && self.engine.rekeyings().await?.len() > 1 {
                        return Ok(Step::Waits { until: later(now, OTHERS), reason: Waiting::Others });
                    }
                    return self.finish(ring.clone(), &stored, now).await;
                }
                Some(ended_at) => {
                    let (again, reason) = if ended_at < kept_until {
                        (kept_until, Waiting::Kept)
                    } else if pass.held_back > 0 {
                        (later(ended_at, HELD_BACK), Waiting::HeldBack)
                    } else {
                        (ended_at, Waiting::Kept)
                    };
                    if now < again {
                        return Ok(Step::Waits { until: again, reason });
                    }
                    self.new_pass(ring, pass.number + 1, now).await?
                }
            },
        };
        self.page(ring, change, stored, pass, now).await
    }

    async fn new_pass(&self, ring: &Ring, number: u32, now: Timestamp) -> Result<Pass, RekeyError> {
        let mut records = 0;
        for kind in ring.kinds() {
            let space = ring.space_of(kind, &self.engine);
            let tally = self.engine.ports.store.tally(&space, kind.record()).await?;
            records += tally.value.alive;
        }
        Ok(Pass::beginning(number, SealedKind::ALL[0], records, now))
    }

    async fn page(
        &self,
        ring: &Ring,
        change: &KeyChange,
        stored: Stored<Rekeying>,
        mut pass: Pass,
        now: Timestamp,
    ) -> Result<Step, RekeyError> {
        let mut rekeying = stored.document;
        rekeying.sealing_since = Some(change.since);
        let vault = ring.vault(&self.engine).await?;
        let mut pause = Duration::ZERO;
        if let Some(kind) = pass.kind {
            let space = ring.space_of(kind, &self.engine);
            let engine = &self.engine;
            let resealing =
                Resealing { engine, vault: &vault, space: &space, from: change.from, since: change.since };
            let limit = (self.rate.get() as usize / PAGES_A_SECOND).clamp(1, LARGEST_PAGE);
            let looked = resealing.page(kind, Page { after: pass.after.take(), limit }).await?;
            pass.looked_at += looked.records;
            pass.found += looked.found;
            pass.held_back += looked.held_back;
            pass.broken += looked.broken;
            rekeying.resealed += looked.resealed;
            pause = self.pause(looked.records, looked.resealed);
            match looked.last {
                Some(last) => pass.after = Some(last),
                None => pass.kind = ring.kinds().skip_while(|other| *other != kind).nth(1),
            }
        }
        if pass.kind.is_none() {
            pass.ended_at = Some(now);
        }
        rekeying.pass = Some(pass);
        let until = later(now, pause + AWAY);
        rekeying.worker = Some(Worker { name: self.name.clone(), until });
        let batch = Batch::new(Space::System, self.engine.commit_id());
        let batch = document::put(batch, &rekeying, Expected::Version(stored.version))?;
        match self.engine.ports.store.commit(batch).await?.value {
            Commit::Done(_) => Ok(Step::Worked { pause }),
            // Somebody else goes on with it.
            Commit::Conflict { .. } => Ok(Step::Worked { pause: Duration::ZERO }),
        }
    }

    /// The key before goes, and leaves behind what was derived from it.
    async fn finish(
        &self,
        mut ring: Ring,
        stored: &Stored<Rekeying>,
        now: Timestamp,
    ) -> Result<Step, RekeyError> {
        let engine = &self.engine;
        let vault = ring.vault(engine).await?;
        let Some(old) = &vault.other else { return Ok(Step::Worked { pause: Duration::ZERO }) };
        let space = ring.own_space(engine)?;
        let former = Purpose::ALL.map(|purpose| {
            let until = purpose.ends(now, &stored.document.lives);
            let empty = Sealed(String::new());
            let mut former = FormerKey { id: old.id, space: space.clone(), purpose, until, key: empty };
            let derived = derived(old, &Space::Sandbox(space.clone()), purpose);
            former.key = vault.key.cipher.seal(&former.associated_data(), &*derived, &*engine.ports.random);
            former
        });
        let succession = ring.succession();
        succession.former.retain(|former| former.counts(now));
        succession.former.extend(former);
        succession.change = None;
        let batch = ring.put(engine.rekeying_batch("vault.rekeyed", &ring, vault.key.id, None))?;
        let batch = batch.delete(&REKEYING, Rekeying::key_of(ring.sandbox()), stored.version);
        match engine.ports.store.commit(batch).await?.value {
            Commit::Done(_) => {
                engine.look_at_vault_now().await?;
                Ok(Step::Done)
            }
            Commit::Conflict { .. } => Ok(Step::Worked { pause: Duration::ZERO }),
        }
    }

    async fn forget(&self, stored: &Stored<Rekeying>) -> Result<Step, RekeyError> {
        let key = Rekeying::key_of(stored.document.sandbox.as_ref());
        let batch = Batch::new(Space::System, self.engine.commit_id()).delete(&REKEYING, key, stored.version);
        self.engine.ports.store.commit(batch).await?;
        Ok(Step::Done)
    }

    fn pause(&self, looked: u64, resealed: u64) -> Duration {
        let rate = f64::from(self.rate.get());
        #[expect(clippy::cast_precision_loss, reason = "a page has some hundred records")]
        let seconds = (resealed as f64 + looked as f64 / CHEAPER_TO_LOOK) / rate;
        Duration::from_secs_f64(seconds)
    }
}

/// Why data keys are not changed, or not further.
#[derive(Debug, thiserror::Error)]
pub enum RekeyError {
    /// There is nothing to change.
    #[error("there is no vault yet")]
    NoVault,
    /// Only one of both at a time.
    #[error("the change of the master key is not finished")]
    MasterKeyChanging,
    /// The vault cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// Twice as long as anybody goes without looking.
const SETTLED_AFTER: Duration = LATEST_LOOK.saturating_mul(2);
/// How long somebody may be quiet before others go on.
const AWAY: Duration = Duration::from_secs(5);
/// Refreshes of which nobody knows how they ended are settled within minutes, most of them.
const HELD_BACK: Duration = Duration::from_mins(1);
/// Progress is told so often.
const PAGES_A_SECOND: usize = 2;
const LARGEST_PAGE: usize = 256;
/// Sandboxes are many, or nearly done.
const OTHERS: Duration = Duration::from_secs(2);
/// So many records are read in the time that one is written.
const CHEAPER_TO_LOOK: f64 = 20.0;

#[cfg(test)]
mod tests;
