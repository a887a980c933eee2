//! How a process keeps what it remembers of one space as current as the store's last hint of changes.
//!
//! A hint says that there may be something to read, and nothing of where: the store tells how far it is settled with what it
//! tells, and that is the place from which the next reading goes on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::ports::clock::Clock;
use crate::ports::store::{Change, Sequence, Space, Store, StoreError};
use crate::together::Together;

/// How far the changes of one space have been read.
pub(super) struct Following {
    store: Arc<dyn Store>,
    space: Space,
    clock: Arc<dyn Clock>,
    hints: watch::Receiver<u64>,
    /// The last hint that was followed.
    followed: AtomicU64,
    place: Mutex<Option<Place>>,
    readings: Together<StoreError>,
}

/// Up to which change everything remembered is current.
#[derive(Clone, Copy)]
struct Place {
    until: Sequence,
    /// By the stopwatch.
    looked_at: Duration,
}

/// What is remembered.
pub(super) trait Remembered: Sync {
    /// Forgets or reads again what these changes are about.
    fn changed(&self, changes: &[Change]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Anything may have changed.
    fn start_anew(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl Following {
    /// Nothing has been read yet.
    pub(super) fn new(store: Arc<dyn Store>, space: Space, clock: Arc<dyn Clock>) -> Self {
        let hints = store.watch();
        let followed = AtomicU64::new(NOTHING_YET);
        Self { store, space, clock, hints, followed, place: Mutex::default(), readings: Together::default() }
    }

    /// Makes everything remembered as current as the store's last hint. Costs nothing where nothing has changed, and a look
    /// at the store each time where hints may have stopped coming.
    pub(super) async fn catch_up(&self, remembered: &impl Remembered) -> Result<(), StoreError> {
        if self.is_current() {
            return Ok(());
        }
        Box::pin(self.readings.run(|| self.look(remembered))).await
    }

    /// How long ago the store was last asked for changes; `None`: never.
    pub(super) fn looked_ago(&self) -> Option<Duration> {
        self.place().map(|place| self.clock.stopwatch().saturating_sub(place.looked_at))
    }

    fn is_current(&self) -> bool {
        self.followed.load(Ordering::Acquire) == *self.hints.borrow() && !self.store.is_deaf()
    }

    async fn look(&self, remembered: &impl Remembered) -> Result<(), StoreError> {
        if self.is_current() {
            return Ok(());
        }
        let hint = *self.hints.borrow();
        let looked_at = self.clock.stopwatch();
        // Changes are remembered for a day only: who was asleep for long starts anew.
        let is_near = |place: &Place| looked_at.saturating_sub(place.looked_at) < LONGEST_GAP;
        let read = match self.place().filter(is_near) {
            Some(place) => self.read_after(place.until, remembered).await?,
            None => None,
        };
        let until = if let Some(until) = read {
            until
        } else {
            // First, because what changes while everything is read may or may not be in it.
            let until = self.store.changes(&self.space, Sequence::MAX, 0).await?.value.until;
            remembered.start_anew().await?;
            until
        };
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(Place { until, looked_at });
        self.followed.store(hint, Ordering::Release);
        Ok(())
    }

    /// Up to where it has read. `None`: the store is behind what was read before, because another was put in its place.
    async fn read_after(
        &self,
        mut place: Sequence,
        remembered: &impl Remembered,
    ) -> Result<Option<Sequence>, StoreError> {
        loop {
            let changes = self.store.changes(&self.space, place, PAGE).await?.value;
            if changes.until < place {
                return Ok(None);
            }
            remembered.changed(&changes.list).await?;
            place = changes.until;
            if changes.is_all {
                return Ok(Some(place));
            }
        }
    }

    fn place(&self) -> Option<Place> {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No hint has this number.
const NOTHING_YET: u64 = u64::MAX;
const PAGE: usize = 256;
/// Half of what the store remembers.
const LONGEST_GAP: Duration = Duration::from_hours(12);
