//! The nightly refresh: once a day, at a time nobody works, everything that would end in the morning is renewed.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Keeper, LONGEST_NAP, Work};
use crate::engine::Engine;
use crate::engine::records::ROUTINE;
use crate::lifecycle::deadlines::access_expires_at;
use crate::ports::document::{self, Document};
use crate::ports::event::Event;
use crate::ports::store::{Commit, Expected, Kind, StoreError};

/// When the nightly refresh runs and what it takes in.
#[derive(Clone, Debug, PartialEq)]
pub struct Nightly {
    /// By the clock on the wall.
    pub at: Time,
    /// Which wall.
    pub zone: TimeZone,
    /// Access tokens that end within this time are renewed.
    pub ahead: SignedDuration,
}

impl Nightly {
    /// The first run after `moment`. A time that a change of the clocks skips is run right after it.
    pub(super) fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        let local = moment.to_zoned(self.zone.clone());
        let today = local.date();
        [today, today.tomorrow().ok()?].into_iter().find_map(|day| {
            let run = day.to_datetime(self.at).to_zoned(self.zone.clone()).ok()?.timestamp();
            (run > moment).then_some(run)
        })
    }
}

/// When something that runs once a day last ran, so that a run the machine slept through is made up for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Routine {
    name: String,
    last_run: Timestamp,
}

impl Document for Routine {
    const KIND: &'static Kind = &ROUTINE;

    fn key(&self) -> String {
        self.name.clone()
    }
}

impl Keeper {
    /// Runs the night's refresh if its time has come, and tells how long it has not.
    pub(super) async fn start_nightly(&self) -> Result<Duration, StoreError> {
        let (Some(nightly), engine) = (&self.nightly, &self.engine) else { return Ok(LONGEST_NAP) };
        let now = engine.now();
        let last = engine.last_nightly().await?;
        // Never run before: the first night is the next one. A clock set back must not silence it for long.
        let last = last.filter(|last| *last <= now);
        let due = match last {
            Some(last) => nightly.after(last),
            None => engine.mark_nightly(now).await?.then_some(()).and_then(|()| nightly.after(now)),
        };
        let Some(due) = due else { return Ok(LONGEST_NAP) };
        if due > now {
            return Ok(due.duration_since(now).unsigned_abs());
        }
        // The night is not over for a vault that is opened in the morning.
        if !engine.is_unlocked() && engine.recorded_key_source().await?.is_some() {
            return Ok(LONGEST_NAP);
        }
        // Marked first: of several keepers one runs it.
        if engine.mark_nightly(now).await? {
            let until = now.saturating_add(nightly.ahead).unwrap_or(Timestamp::MAX);
            self.sweep(|account, _| {
                let ends = access_expires_at(account).is_some_and(|end| end <= until);
                ends.then_some(Work::Newer(account.generation))
            })
            .await?;
        }
        Ok(Duration::ZERO)
    }
}

impl Engine {
    /// When the nightly refresh last ran.
    pub(super) async fn last_nightly(&self) -> Result<Option<Timestamp>, StoreError> {
        let answer = document::get::<Routine>(&*self.ports.store, &self.space, NIGHTLY).await?;
        Ok(answer.value.map(|stored| stored.document.last_run))
    }

    /// Writes down that it runs now; `false` if somebody else was faster.
    async fn mark_nightly(&self, now: Timestamp) -> Result<bool, StoreError> {
        let answer = document::get::<Routine>(&*self.ports.store, &self.space, NIGHTLY).await?;
        let expected = answer.value.map_or(Expected::Absent, |stored| Expected::Version(stored.version));
        let routine = Routine { name: NIGHTLY.to_owned(), last_run: now };
        let event = Event::new(now, "routine.nightly", NIGHTLY);
        let batch = document::put(self.batch(), &routine, expected)?.event(event);
        Ok(matches!(self.ports.store.commit(batch).await?.value, Commit::Done(_)))
    }
}

const NIGHTLY: &str = "nightly";
