//! The one place at which this process reports and, if the place is one of standing still, stands still for ever.

use std::future::pending;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// A place in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing is written yet.
    BeforeJournal,
    /// The journal is written, but not durable.
    DuringJournal,
    /// The journal is durable, no byte has left.
    AfterJournal,
    /// The answer has arrived, nothing of it is stored.
    AfterAnswer,
    /// The new tokens are written, but not durable.
    DuringCommit,
    /// The new tokens are durable, nobody has seen them.
    AfterCommit,
    /// The refresh lock is somebody else's. Only reported.
    LockAwaited,
    /// A wait was given up: the caller has gone away. Only reported.
    CallerGone,
}

const ALL: [(Place, &str); 8] = [
    (Place::BeforeJournal, "before_journal"),
    (Place::DuringJournal, "during_journal"),
    (Place::AfterJournal, "after_journal"),
    (Place::AfterAnswer, "after_answer"),
    (Place::DuringCommit, "during_commit"),
    (Place::AfterCommit, "after_commit"),
    (Place::LockAwaited, "lock_awaited"),
    (Place::CallerGone, "caller_gone"),
];

impl Place {
    /// Its name in `HALT_AT`.
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(place, _)| *place == self).map_or("", |(_, name)| name)
    }

    /// The place of this name.
    pub fn parse(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, known)| *known == name).map(|(place, _)| *place)
    }

    fn is_halt(self) -> bool {
        !matches!(self, Self::LockAwaited | Self::CallerGone)
    }
}

/// Knows the place and has, or has not yet, reported it.
#[derive(Debug)]
pub(super) struct Checkpoint {
    place: Option<Place>,
    report: Option<PathBuf>,
    reached: AtomicBool,
}

impl Checkpoint {
    pub(super) fn new(place: Option<Place>, report: Option<PathBuf>) -> Self {
        Self { place, report, reached: AtomicBool::new(false) }
    }

    /// In asynchronous code: never returns at the place to halt at.
    pub(super) async fn pass(&self, place: Place) {
        if self.reach(place) {
            pending::<()>().await;
        }
    }

    /// In code that may block its thread: never returns at the place to halt at.
    pub(super) fn pass_blocking(&self, place: Place) {
        if self.reach(place) {
            loop {
                std::thread::park();
            }
        }
    }

    /// Reports the first time; whether to stand still.
    fn reach(&self, place: Place) -> bool {
        if self.place != Some(place) {
            return false;
        }
        if !self.reached.swap(true, Ordering::SeqCst)
            && let Some(path) = &self.report
            && let Ok(mut stream) = UnixStream::connect(path)
        {
            // Whoever no longer listens misses the report, and ends this process for being late.
            let _ = writeln!(stream, "reached {}", place.name());
        }
        place.is_halt()
    }
}
