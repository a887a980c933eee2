//! The contract: each rule of the store port is a test, and every test runs on every backend.
//!
//! The module is loaded once for each group of backends; the module above it names them as `BACKENDS`.

mod backup;
pub(crate) mod clock;
mod commits;
pub(crate) mod concurrency;
mod counters;
mod events;
mod expectations;
mod expiry;
mod model;
mod reading;
mod sealing;
mod spaces;

use std::any::Any;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::store::{
    Batch, Commit, CommitId, Expected, Group, Kind, NewRecord, Page, Record, SandboxId, Scope, Space, Store,
    StoreError, Version,
};
use futures::executor::block_on;
use jiff::Timestamp;

use super::BACKENDS;

/// Durable, indexed twice, watched.
pub(crate) static ACCOUNT: Kind = Kind {
    name: "account",
    scope: Scope::Sandbox,
    group: Group::Durable,
    indexes: &["provider", "owner"],
    watched: true,
};

/// Durable and hot: never announced.
pub(crate) static USE: Kind =
    Kind { name: "use", scope: Scope::Sandbox, group: Group::Durable, indexes: &[], watched: false };

/// Ephemeral.
pub(crate) static LOGIN: Kind = Kind {
    name: "login",
    scope: Scope::Sandbox,
    group: Group::Ephemeral,
    indexes: &["state"],
    watched: false,
};

/// Of the installation.
pub(crate) static SETTING: Kind =
    Kind { name: "setting", scope: Scope::System, group: Group::Durable, indexes: &[], watched: true };

pub(crate) static KINDS: &[&Kind] = &[&ACCOUNT, &USE, &LOGIN, &SETTING];

/// A backend: how a store is opened in a folder that is its own.
pub(crate) type Open = fn(&Path, ManualClock) -> Opened;

/// A store, and the server it talks to if a test has one to itself.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) server: Option<Box<dyn Any + Send + Sync>>,
}

impl<S: Store + 'static> From<Arc<S>> for Opened {
    fn from(store: Arc<S>) -> Self {
        Self { store, server: None }
    }
}

/// A store under test, alone in its world.
pub(crate) struct Bench {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: ManualClock,
    /// Among all benches, because a file may be opened again under another one.
    number: u64,
    commits: AtomicU64,
    /// Last, so that it outlives the store.
    _server: Option<Box<dyn Any + Send + Sync>>,
}

/// Runs a rule on a new store of every backend.
fn on_every_backend(rule: fn(&Bench)) {
    for (name, open) in BACKENDS {
        // The thread's name tells in a failure which backend broke the rule.
        let rule_on_one = move || {
            let folder = tempfile::tempdir().unwrap();
            let clock = ManualClock::new(start());
            rule(&Bench::new(open(folder.path(), clock.clone()), clock));
        };
        let run = thread::Builder::new().name(name.to_owned()).spawn(rule_on_one).unwrap().join();
        run.unwrap_or_else(|failure| std::panic::resume_unwind(failure));
    }
}

/// When every test begins.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

/// So many seconds after the beginning.
pub(crate) fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

pub(crate) fn home() -> Space {
    Space::Sandbox(SandboxId::personal())
}

pub(crate) fn record(kind: &'static Kind, key: &str, body: &str) -> NewRecord {
    let (key, body) = (key.to_owned(), body.as_bytes().to_vec());
    NewRecord { kind, key, body, indexes: Vec::new(), due_at: None, expires_at: None }
}

pub(crate) fn keys(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.key.as_str()).collect()
}

impl Bench {
    pub(crate) fn new(opened: impl Into<Opened>, clock: ManualClock) -> Self {
        static BENCHES: AtomicU64 = AtomicU64::new(0);
        let number = BENCHES.fetch_add(1, Ordering::Relaxed);
        let Opened { store, server } = opened.into();
        Self { store, clock, number, commits: AtomicU64::new(0), _server: server }
    }

    /// An empty batch for the home sandbox under a new id.
    pub(crate) fn batch(&self) -> Batch {
        self.batch_in(home())
    }

    pub(crate) fn batch_in(&self, space: Space) -> Batch {
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        Batch::new(space, CommitId(format!("{}-{number}", self.number)))
    }

    pub(crate) fn commit(&self, batch: Batch) -> Commit {
        self.try_commit(batch).unwrap()
    }

    pub(crate) fn try_commit(&self, batch: Batch) -> Result<Commit, StoreError> {
        block_on(self.store.commit(batch)).map(|answer| answer.value)
    }

    /// Writes a record that must be absent.
    pub(crate) fn create(&self, record: NewRecord) -> Version {
        done(&self.commit(self.batch().put(record, Expected::Absent)))
    }

    pub(crate) fn read(&self, kind: &'static Kind, key: &str) -> Option<Record> {
        block_on(self.store.get(&home(), kind, key)).unwrap().value
    }

    /// The body as text.
    pub(crate) fn body(&self, kind: &'static Kind, key: &str) -> Option<String> {
        self.read(kind, key).map(|record| String::from_utf8(record.body).unwrap())
    }

    pub(crate) fn list(&self, kind: &'static Kind) -> Vec<Record> {
        block_on(self.store.list(&home(), kind, Page::first(1000))).unwrap().value
    }

    pub(crate) fn find(&self, index: &'static str, value: &str) -> Vec<Record> {
        block_on(self.store.find(&home(), &ACCOUNT, index, value, Page::first(1000))).unwrap().value
    }
}

/// The version a commit that must have happened gave its records.
pub(crate) fn done(commit: &Commit) -> Version {
    match commit {
        Commit::Done(version) => *version,
        Commit::Conflict { kind, key } => panic!("{kind} `{key}` was in the way"),
    }
}

pub(crate) fn conflict(kind: &'static Kind, key: &str) -> Commit {
    Commit::Conflict { kind: kind.name, key: key.to_owned() }
}
