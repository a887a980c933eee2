//! A move of everything from one store to another, which can be interrupted anywhere and goes on when it is begun again.
//!
//! Walk: note the departure (servers answer 503, no refresh begins) → seal the source once no refresh is under way → copy →
//! compare → open the target. Until its last commit the target is a copy that neither spends nor honours anything; from
//! the seal on the source accepts nothing. At no moment do both serve.

use std::collections::BTreeMap;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use super::departure::{DEPARTURE, Departure, departure};
use super::inventory::{Difference, Inventory};
use super::under_way::Quick;
use super::{Backup, BackupError};
use crate::engine::Engine;
use crate::engine::records::KINDS;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::random::unguessable;
use crate::ports::store::{
    Batch, Commit, Expected, Group, INCARNATION, Incarnation, Origin, Page, SandboxId, Scope, Space, Store,
    StoreError,
};

/// What a move is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Refreshes are under way, whose answers must not be lost: at least so many.
    Waiting(usize),
    /// The source is sealed, and its records are read.
    Reading,
    /// They are written to the target.
    Writing,
    /// Both are compared.
    Comparing,
    /// Servers on the source have not heard of it yet.
    LettingOthersHear,
}

/// A move that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The life the source lived.
    pub from: String,
    /// The life the target lives.
    pub incarnation: String,
    /// How many records there are of each kind, and events; empty if it was complete before.
    pub counts: BTreeMap<String, u64>,
}

/// Why a move did not come to its end. The source is sealed unless it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// Both are one.
    #[error("source and target are the same store")]
    SameStore,
    /// The target is in use. The source is not sealed.
    #[error("the target holds records already")]
    NotEmpty,
    /// A move to elsewhere was begun. Nothing has changed.
    #[error("a move to {to} was begun and is not complete")]
    OtherTarget {
        /// Where to.
        to: String,
    },
    /// What arrived is not what was sent.
    #[error("the target does not hold what the source holds: {0}")]
    Differs(Difference),
    /// The target is in service: there is nothing to go back to.
    #[error("the move is complete, and the target is in service")]
    Complete,
    /// Somebody has called it off meanwhile. The source serves.
    #[error("the move was called off")]
    CalledOff,
    /// The sealed source did not say in time whether a refresh is under way. It serves as before, but for the note of the move.
    #[error("the source is too slow to be sealed: it did not tell in time whether a refresh is under way")]
    Slow,
    /// Nothing was begun that could be called off.
    #[error("no move was begun")]
    NotBegun,
    /// The records cannot be kept between reading and writing.
    #[error(transparent)]
    Copy(#[from] BackupError),
    /// The source cannot be used.
    #[error("the source cannot be used")]
    Source(#[source] StoreError),
    /// The target cannot be used.
    #[error("the target cannot be used")]
    Target(#[source] StoreError),
}

impl Engine {
    /// Moves everything to the store of `target`, which is told as `to`; `spool` holds the encrypted records meanwhile.
    ///
    /// # Errors
    /// See [`MigrationError`]. Begun again, it goes on where it was.
    pub async fn migrate(
        &self,
        target: &Self,
        to: &str,
        spool: &mut (impl Read + Write + Seek + Send),
        progress: &mut dyn FnMut(Step),
    ) -> Result<Moved, MigrationError> {
        let from = self.incarnation().await.map_err(MigrationError::Source)?;
        let begun = departure(&*self.ports.store).await.map_err(MigrationError::Source)?;
        let there = target.incarnation().await.map_err(MigrationError::Target)?;
        if from.id == there.id {
            return Err(MigrationError::SameStore);
        }
        if let Some(begun) = begun.iter().find(|begun| begun.document.to != to) {
            return Err(MigrationError::OtherTarget { to: begun.document.to.clone() });
        }
        let is_copied = begun.as_ref().is_some_and(|begun| begun.document.incarnation == there.id);
        if !is_copied && is_inhabited(&*target.ports.store).await.map_err(MigrationError::Target)? {
            return Err(MigrationError::NotEmpty);
        }
        if is_copied && departure(&*target.ports.store).await.map_err(MigrationError::Target)?.is_none() {
            return Ok(Moved { from: from.id, incarnation: there.id, counts: BTreeMap::new() });
        }
        // What cannot be read must not be sealed first.
        self.portable_data_key().await.map_err(BackupError::from)?.ok_or(BackupError::NoVault)?;
        let noted = match begun {
            Some(begun) => begun.document,
            None => self.depart(to).await.map_err(MigrationError::Source)?,
        };
        let hearing = self.ports.clock.stopwatch();
        if is_copied {
            // Sealed since before it was copied: nothing can have begun, and nothing may change any more.
            self.ports.store.seal(to).await.map_err(MigrationError::Source)?;
        } else {
            self.seal_when_idle(to, progress).await?;
            self.copy(target, &noted.incarnation, spool, progress).await?;
        }
        progress(Step::Comparing);
        let here = Inventory::of(&*self.ports.store).await.map_err(MigrationError::Source)?;
        let arrived = Inventory::of(&*target.ports.store).await.map_err(MigrationError::Target)?;
        let time = self.ports.store.get(&Space::System, &INCARNATION, Incarnation::CURRENT).await;
        let time = time.map_err(MigrationError::Source)?.time.max(self.now());
        if let Some(difference) = here.difference(&arrived, time) {
            return Err(MigrationError::Differs(difference));
        }
        let heard = HEARD_AFTER.saturating_sub(self.ports.clock.stopwatch().saturating_sub(hearing));
        if !heard.is_zero() {
            progress(Step::LettingOthersHear);
            self.ports.clock.sleep(heard).await;
        }
        self.still_departs(&noted).await?;
        if !target.arrive(&from, &noted).await.map_err(MigrationError::Target)? {
            return Err(MigrationError::CalledOff);
        }
        Ok(Moved { from: from.id, incarnation: noted.incarnation, counts: here.counts() })
    }

    /// Makes sure that nobody has called the move off meanwhile, or does so from now on without looking at the target.
    async fn still_departs(&self, noted: &Departure) -> Result<(), MigrationError> {
        let store = &*self.ports.store;
        // Sealed again first: whoever has lifted the seal and not yet removed the note cannot remove it any more.
        store.seal(&noted.to).await.map_err(MigrationError::Source)?;
        let now = departure(store).await.map_err(MigrationError::Source)?;
        if now.is_some_and(|now| now.document == *noted) {
            return Ok(());
        }
        store.unseal().await.map_err(MigrationError::Source)?;
        Err(MigrationError::CalledOff)
    }

    /// Calls the move to `to`, the store of `target`, off, if it is not complete: the source serves again. What was copied
    /// stays where it is, and serves nobody.
    ///
    /// # Errors
    /// There is none, it goes elsewhere, or it is complete.
    pub async fn cancel_migration(&self, target: &Self, to: &str) -> Result<(), MigrationError> {
        let begun = departure(&*self.ports.store).await.map_err(MigrationError::Source)?;
        let begun = begun.ok_or(MigrationError::NotBegun)?.document;
        if begun.to != to {
            return Err(MigrationError::OtherTarget { to: begun.to });
        }
        target.forbid_arrival(&begun).await?;
        self.ports.store.unseal().await.map_err(MigrationError::Source)?;
        // Somebody may have copied it just now. The note is still there, so nobody is served meanwhile.
        if let Err(error) = target.forbid_arrival(&begun).await {
            self.ports.store.seal(&begun.to).await.map_err(MigrationError::Source)?;
            return Err(error);
        }
        self.forget_departure().await.map_err(MigrationError::Source)
    }

    /// Sees to it that the copy here, if it is one of that move, is never put into service.
    async fn forbid_arrival(&self, begun: &Departure) -> Result<(), MigrationError> {
        let store = &*self.ports.store;
        loop {
            let here = self.incarnation().await.map_err(MigrationError::Target)?;
            if here.id != begun.incarnation {
                return Ok(());
            }
            let noted = departure(store).await.map_err(MigrationError::Target)?;
            // No note: it is in service. Another: it was, and has gone on from here.
            let noted = noted.ok_or(MigrationError::Complete)?;
            if noted.document.incarnation == CALLED_OFF {
                return Ok(());
            }
            if noted.document.incarnation != begun.incarnation {
                return Err(MigrationError::Complete);
            }
            let void = Departure { incarnation: CALLED_OFF.to_owned(), ..noted.document };
            let batch = Batch::new(Space::System, self.commit_id());
            let batch = document::put(batch, &void, Expected::Version(noted.version));
            let commit = store.commit(batch.map_err(MigrationError::Target)?).await;
            if let Commit::Done(_) = commit.map_err(MigrationError::Target)?.value {
                return Ok(());
            }
        }
    }

    /// Removes the note of a departure, if there is one.
    pub(super) async fn forget_departure(&self) -> Result<(), StoreError> {
        while let Some(noted) = departure(&*self.ports.store).await? {
            let event = Event::new(self.now(), "store.departure_called_off", noted.document.to);
            let batch = Batch::new(Space::System, self.commit_id()).event(event);
            let batch = batch.delete(&DEPARTURE, Departure::CURRENT, noted.version);
            self.ports.store.commit(batch).await?;
        }
        Ok(())
    }

    async fn depart(&self, to: &str) -> Result<Departure, StoreError> {
        loop {
            let now = self.now();
            let incarnation = unguessable(&*self.ports.random).expose().to_owned();
            let noted = Departure { to: to.to_owned(), incarnation, since: now };
            let event = Event::new(now, "store.departs", to);
            let batch = Batch::new(Space::System, self.commit_id()).event(event);
            let batch = document::put(batch, &noted, Expected::Absent)?;
            if let Commit::Done(_) = self.ports.store.commit(batch).await?.value {
                return Ok(noted);
            }
            // Somebody else has begun the same.
            if let Some(noted) = departure(&*self.ports.store).await? {
                return Ok(noted.document);
            }
        }
    }

    /// Seals the store at a moment when no refresh is under way: an answer that cannot be stored any more would be lost.
    async fn seal_when_idle(&self, to: &str, progress: &mut dyn FnMut(Step)) -> Result<(), MigrationError> {
        let store = &*self.ports.store;
        let mut before = self.look_for_calls().await.map_err(MigrationError::Source)?;
        loop {
            let latest = self.look_for_calls().await.map_err(MigrationError::Source)?;
            let mut calls = latest.calls;
            if calls == 0 {
                store.seal(to).await.map_err(MigrationError::Source)?;
                // A call that is not noted by now cannot be begun any more.
                match self.look_quickly(&before, FEW_ACCOUNTS, LONGEST_LOOK).await {
                    Ok(Quick::Idle) => return Ok(()),
                    Ok(Quick::Busy) => calls = 1,
                    Ok(Quick::Slow) => {
                        store.unseal().await.map_err(MigrationError::Source)?;
                        return Err(MigrationError::Slow);
                    }
                    Err(error) => {
                        store.unseal().await.map_err(MigrationError::Source)?;
                        return Err(MigrationError::Source(error));
                    }
                }
                store.unseal().await.map_err(MigrationError::Source)?;
            }
            progress(Step::Waiting(calls));
            self.ports.clock.sleep(UNTIL_NEXT_LOOK).await;
            before = latest;
        }
    }

    async fn copy(
        &self,
        target: &Self,
        incarnation: &str,
        spool: &mut (impl Read + Write + Seek + Send),
        progress: &mut dyn FnMut(Step),
    ) -> Result<Backup, BackupError> {
        let io = |act| move |source| BackupError::Io { act, source };
        progress(Step::Reading);
        spool.seek(SeekFrom::Start(0)).map_err(io("written"))?;
        let mut writer = BufWriter::new(&mut *spool);
        self.back_up(&mut writer).await?;
        writer.flush().map_err(io("written"))?;
        drop(writer);
        spool.seek(SeekFrom::Start(0)).map_err(io("read"))?;
        progress(Step::Writing);
        target.restore_as(&mut BufReader::new(spool), incarnation.to_owned()).await
    }

    /// Puts a copy into service whose source is sealed: nobody else spends or honours anything that is in it. `false`: it was
    /// called off.
    async fn arrive(&self, from: &Incarnation, begun: &Departure) -> Result<bool, StoreError> {
        let store = &*self.ports.store;
        loop {
            let life = document::get::<Incarnation>(store, &Space::System, Incarnation::CURRENT).await?.value;
            // Without a note, somebody else has just done this.
            let (Some(life), Some(noted)) = (life, departure(store).await?) else { return Ok(true) };
            if noted.document.incarnation != begun.incarnation {
                return Ok(false);
            }
            let Stored { document: Incarnation { id, .. }, version } = life;
            // What waited for somebody's word there waits for it here.
            let origin = Origin::Restored {
                from: from.id.clone(),
                source_is_dead: !from.may_have_living_source(),
                grants_stand: !from.suspends_grants(),
                honours_from: from.honours_from(),
            };
            let event = Event::new(self.now(), "store.arrived", id.clone()).with("from", from.id.clone());
            let batch = Batch::new(Space::System, self.commit_id()).event(event);
            let batch = document::put(batch, &Incarnation { id, origin }, Expected::Version(version))?;
            let batch = batch.delete(&DEPARTURE, Departure::CURRENT, noted.version);
            if let Commit::Done(_) = store.commit(batch).await?.value {
                return Ok(true);
            }
        }
    }
}

/// Whether a store holds anything, by a look at where something must be if it does.
async fn is_inhabited(store: &dyn Store) -> Result<bool, StoreError> {
    let own = Space::Sandbox(SandboxId::personal());
    let kept = KINDS.iter().copied().filter(|kind| kind.group == Group::Durable && **kind != INCARNATION);
    for kind in kept {
        let space = if kind.scope == Scope::System { &Space::System } else { &own };
        if !store.list(space, kind, Page::first(1)).await?.value.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Servers hear of a change within a second, and know within five that they cannot hear.
const HEARD_AFTER: Duration = Duration::from_secs(6);
/// The life of no store: a copy that is noted to be this one is never put into service.
const CALLED_OFF: &str = "called off";
/// Calls take a second or so.
const UNTIL_NEXT_LOOK: Duration = Duration::from_millis(500);
/// Half of the time for which whoever has an answer tries to save it.
const LONGEST_LOOK: Duration = Duration::from_secs(5);
/// As many as any store lists within a second.
const FEW_ACCOUNTS: usize = 5_000;
