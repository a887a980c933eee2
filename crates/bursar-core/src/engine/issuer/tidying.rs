//! What has ended leaves by itself, a bounded number of records at a time; on command all of it at once.

use std::time::Duration;

use jiff::Timestamp;

use super::AuthorizationServer;
use super::records::client::CLIENT;
use super::refusal::IssueError;
use crate::engine::records::KINDS;
use crate::ports::store::{EventQuery, Kind, Scope, Space};

/// What has gone, or would.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Records whose time was over, by the name of their kind; kinds without any are left out.
    pub expired: Vec<(&'static str, u64)>,
    /// Clients that brought themselves and were not used for long.
    pub unused_clients: u64,
    /// Events older than they are kept.
    pub events: u64,
    /// Something may be left, because the time was over before the work was done.
    pub unfinished: bool,
}

impl AuthorizationServer {
    /// Removes what has ended: as much as fits into a few seconds, of every kind in turn.
    pub async fn tidy_up(&self) -> Result<Tidied, IssueError> {
        let clock = self.engine().ports().clock.clone();
        let end = clock.stopwatch().saturating_add(LONGEST_ROUND);
        self.within.known.forget_old_marks(self.now());
        self.store_refusals().await;
        let mut tidied = Tidied::default();
        let (mut kinds, mut spaces) = (collected_kinds(), self.tidied_spaces());
        while !spaces.is_empty() || !kinds.is_empty() {
            if clock.stopwatch() > end {
                tidied.unfinished = true;
                break;
            }
            let mut full = Vec::new();
            for kind in kinds {
                let gone = self.store().expire(self.space(), kind, BATCH).await?;
                tidied.count(kind.name, size(gone));
                if gone == BATCH {
                    full.push(kind);
                }
            }
            kinds = full;
            let mut more = Vec::new();
            for space in spaces {
                let forgotten = self.store().forget_events(&space, self.events_end(), BATCH).await?;
                tidied.events += size(forgotten);
                if forgotten == BATCH {
                    more.push(space);
                }
            }
            spaces = more;
        }
        tidied.unused_clients = size(self.reap_clients(BATCH).await?);
        Ok(tidied)
    }

    /// The same until nothing is left, however long that takes. Others get their turn between any two steps of it.
    pub async fn clean_up(&self) -> Result<Tidied, IssueError> {
        let mut tidied = Tidied::default();
        loop {
            let round = self.tidy_up().await?;
            let unfinished = round.unfinished;
            tidied.add(round);
            if !unfinished {
                break;
            }
        }
        // Each round looks at some clients only.
        let clients = self.store().tally(self.space(), &CLIENT).await?.value.alive;
        for _ in 0..clients / size(BATCH) {
            tidied.unused_clients += size(self.reap_clients(BATCH).await?);
        }
        Ok(tidied)
    }

    /// What [`AuthorizationServer::clean_up`] would remove now. Removes nothing.
    pub async fn untidy(&self) -> Result<Tidied, IssueError> {
        let mut untidy = Tidied::default();
        for kind in collected_kinds() {
            untidy.count(kind.name, self.store().tally(self.space(), kind).await?.value.expired);
        }
        untidy.unused_clients = self.unused_clients().await?;
        untidy.events = self.old_events().await?;
        Ok(untidy)
    }

    async fn old_events(&self) -> Result<u64, IssueError> {
        let mut old = 0;
        for space in self.tidied_spaces() {
            old += self.old_events_of(&space).await?;
        }
        Ok(old)
    }

    async fn old_events_of(&self, space: &Space) -> Result<u64, IssueError> {
        let (end, mut old, mut after) = (self.events_end(), 0, 0);
        loop {
            let query = EventQuery { after, subject: None, limit: BATCH };
            let events = self.store().events(space, query).await?.value;
            old += size(events.iter().filter(|stored| stored.event.at < end).count());
            match events.last() {
                Some(last) if events.len() == BATCH && last.event.at < end => after = last.id,
                _ => return Ok(old),
            }
        }
    }

    /// Where events get old: the server around all sandboxes looks after those of the installation too.
    fn tidied_spaces(&self) -> Vec<Space> {
        let is_around = self.rules().sandbox.is_none();
        std::iter::once(self.space().clone()).chain(is_around.then_some(Space::System)).collect()
    }

    fn events_end(&self) -> Timestamp {
        self.now().saturating_sub(self.rules().events_kept).unwrap_or(Timestamp::MIN)
    }
}

impl Tidied {
    fn count(&mut self, kind: &'static str, gone: u64) {
        if gone == 0 {
            return;
        }
        match self.expired.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += gone,
            None => self.expired.push((kind, gone)),
        }
    }

    fn add(&mut self, round: Self) {
        for (kind, gone) in round.expired {
            self.count(kind, gone);
        }
        self.unused_clients += round.unused_clients;
        self.events += round.events;
    }
}

/// Those of the holding side too: a server may have no agent beside it.
fn collected_kinds() -> Vec<&'static Kind> {
    KINDS.iter().copied().filter(|kind| kind.scope == Scope::Sandbox).collect()
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Short enough a transaction that nobody else notices.
pub(super) const BATCH: usize = 256;
/// A third of the time between two rounds: what is left is for the next.
const LONGEST_ROUND: Duration = Duration::from_secs(10);
