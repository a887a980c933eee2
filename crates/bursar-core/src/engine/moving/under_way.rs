//! Refreshes that are under way: an answer that cannot be stored any more would be lost.
//!
//! All accounts are looked through while everybody goes on, however many there are. What must be quick is the look at a
//! sealed store, because answers are tried to be saved for some seconds only: it is about what the last look cannot have seen.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::engine::Engine;
use crate::lifecycle::account::Account;
use crate::lifecycle::journal::Journal;
use crate::ports::document::Document as _;
use crate::ports::store::{Page, Record, Sequence, Space, StoreError};

/// What a look at all accounts has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// How many calls may be under way.
    pub(super) calls: usize,
    /// What there was in each space.
    spaces: BTreeMap<Space, Seen>,
}

/// The accounts of one space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    accounts: usize,
    /// Where the changes begin that the look may not have seen.
    settled: Sequence,
}

/// What a quick look has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quick {
    /// No call is under way.
    Idle,
    /// At least one may be.
    Busy,
    /// The time was over before all was looked at.
    Slow,
}

impl Engine {
    /// Looks through all accounts.
    pub(super) async fn look_for_calls(&self) -> Result<Look, StoreError> {
        let mut look = Look::default();
        for space in self.inhabited_spaces().await? {
            let settled = self.ports.store.changes(&space, Sequence::MAX, 0).await?.value.until;
            let seen = look.spaces.entry(space.clone()).or_insert(Seen { accounts: 0, settled });
            let mut page = Page::first(PAGE);
            loop {
                let records = self.ports.store.list(&space, Account::KIND, page.clone()).await?.value;
                for record in &records {
                    seen.accounts += 1;
                    look.calls += usize::from(self.may_be_under_way(record)?);
                }
                match records.last().filter(|_| records.len() >= page.limit) {
                    Some(last) => page.after = Some(last.key.clone()),
                    None => break,
                }
            }
        }
        Ok(look)
    }

    /// Looks for calls in a store where nothing is written, up to the first one. `before`: a look that had ended before one
    /// began that found none. Where there are more than `few` accounts, only those are looked at that were written since.
    pub(super) async fn look_quickly(
        &self,
        before: &Look,
        few: usize,
        limit: Duration,
    ) -> Result<Quick, StoreError> {
        let began = self.ports.clock.stopwatch();
        for space in self.inhabited_spaces().await? {
            let seen = before.spaces.get(&space).copied().unwrap_or_default();
            let mut place =
                if seen.accounts > few { Place::Change(seen.settled) } else { Place::Account(None) };
            loop {
                if self.ports.clock.stopwatch().saturating_sub(began) >= limit {
                    return Ok(Quick::Slow);
                }
                let (is_busy, next) = self.look_at_page(&space, place).await?;
                if is_busy {
                    return Ok(Quick::Busy);
                }
                let Some(next) = next else { break };
                place = next;
            }
        }
        Ok(Quick::Idle)
    }

    /// Whether there is a call on the page that begins after `place`, and where it ends; `None`: it is the last one.
    async fn look_at_page(&self, space: &Space, place: Place) -> Result<(bool, Option<Place>), StoreError> {
        let store = &*self.ports.store;
        match place {
            Place::Account(after) => {
                let records = store.list(space, Account::KIND, Page { after, limit: PAGE }).await?.value;
                for record in &records {
                    if self.may_be_under_way(record)? {
                        return Ok((true, None));
                    }
                }
                let last = records.last().filter(|_| records.len() >= PAGE);
                Ok((false, last.map(|last| Place::Account(Some(last.key.clone())))))
            }
            Place::Change(after) => {
                let changes = store.changes(space, after, PAGE).await?.value;
                for change in changes.list.iter().filter(|change| change.kind == Account::KIND.name) {
                    let record = store.get(space, Account::KIND, &change.key).await?.value;
                    if let Some(record) = record
                        && self.may_be_under_way(&record)?
                    {
                        return Ok((true, None));
                    }
                }
                Ok((false, (!changes.is_all).then_some(Place::Change(changes.until))))
            }
        }
    }

    fn may_be_under_way(&self, record: &Record) -> Result<bool, StoreError> {
        let read = serde_json::from_slice::<Journaled>(&record.body).map_err(|error| {
            StoreError::Damaged(format!("the account {} cannot be read: {error}", record.key))
        })?;
        Ok(read.journal.is_some_and(|journal| journal.in_flight(self.now())))
    }
}

/// Where a quick look goes on.
enum Place {
    Account(Option<String>),
    Change(Sequence),
}

/// As much of an account as is looked at: millions are read.
#[derive(Deserialize)]
struct Journaled {
    journal: Option<Journal>,
}

const PAGE: usize = 500;

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::engine::test_world::{World, tokens};
    use crate::lifecycle::transition::open_journal;
    use crate::ports::document;
    use crate::ports::store::Expected;
    use crate::secret::Secret;

    const LIMIT: Duration = Duration::from_secs(5);

    fn quick(world: &World, before: &Look, few: usize, limit: Duration) -> Quick {
        block_on(world.engine.look_quickly(before, few, limit)).unwrap()
    }

    fn begin_a_call(world: &World) {
        let account = world.log_in();
        let stored = block_on(world.engine.account(&account.reference)).unwrap();
        let open = open_journal(stored.document, Secret::new("r1").fingerprint(), world.now());
        let batch = document::put(world.engine.batch(), &open, Expected::Version(stored.version)).unwrap();
        block_on(world.store.commit(batch)).unwrap();
    }

    #[test]
    fn a_call_that_begins_between_two_looks_is_found_by_all_accounts_and_by_what_has_changed() {
        for few in [0, 100] {
            let world = World::new("", |_| tokens("a1", Some("r1")));
            world.log_in();
            let before = block_on(world.engine.look_for_calls()).unwrap();
            assert_eq!(before.calls, 0);
            assert_eq!(quick(&world, &before, few, LIMIT), Quick::Idle);
            begin_a_call(&world);
            assert_eq!(quick(&world, &before, few, LIMIT), Quick::Busy, "{few}");
            assert_eq!(block_on(world.engine.look_for_calls()).unwrap().calls, 1);
            world.clock.advance(Duration::from_mins(1));
            assert_eq!(quick(&world, &before, few, LIMIT), Quick::Idle, "no call takes so long");
        }
    }

    #[test]
    fn a_quick_look_has_an_end() {
        let world = World::new("", |_| tokens("a1", Some("r1")));
        begin_a_call(&world);
        assert_eq!(quick(&world, &Look::default(), 100, Duration::ZERO), Quick::Slow);
    }
}
