//! Renewals at the same time: how many there may be, and word of those that have ended.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Those who renew, for one keeper or for several together.
#[derive(Debug)]
pub(super) struct Crew {
    free: Arc<Semaphore>,
    /// How many of them may work for one keeper.
    most_for_one: usize,
    ended: Notify,
}

/// The right to renew one account. To be given back by [`Crew::leave`].
#[derive(Debug)]
pub(super) struct Place(OwnedSemaphorePermit);

impl Default for Crew {
    fn default() -> Self {
        Self::shared(MOST_AT_ONCE)
    }
}

impl Crew {
    /// For several keepers, each of which has `most_for_one` at most, so that none keeps the others waiting.
    pub(super) fn shared(most_for_one: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(MOST_AT_ONCE)), most_for_one, ended: Notify::new() }
    }

    /// A place for a keeper that has `running` already; `None`: one that ends is to be waited for.
    pub(super) fn place_beside(&self, running: usize) -> Option<Place> {
        if running >= self.most_for_one {
            return None;
        }
        Arc::clone(&self.free).try_acquire_owned().ok().map(Place)
    }

    /// Gives a place back.
    pub(super) fn leave(&self, place: Place) {
        drop(place.0);
        self.ended.notify_waiters();
        self.look_again();
    }

    /// Has whoever waits look again, or whoever waits next.
    pub(super) fn look_again(&self) {
        self.ended.notify_one();
    }

    /// Completes when a renewal has ended.
    pub(super) fn somebody_is_free(&self) -> impl Future<Output = ()> + '_ {
        self.ended.notified()
    }

    /// How many are at work.
    pub(super) fn at_work(&self) -> usize {
        MOST_AT_ONCE - self.free.available_permits()
    }
}

/// At a tenth of a second each, 320 accounts a second.
pub(super) const MOST_AT_ONCE: usize = 32;
