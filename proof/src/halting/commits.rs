//! Which of the two commits of a refresh is under way: the journal's, or that of the new tokens.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use bursar_core::ports::store::{Batch, WriteOperation};

use super::checkpoint::{Checkpoint, Place};

/// A commit of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefreshCommit {
    Journal,
    Tokens,
}

impl RefreshCommit {
    /// What `batch` is, if it belongs to a refresh.
    pub(super) fn of(batch: &Batch) -> Option<Self> {
        if batch.events().iter().any(|event| event.name == "account.refreshed") {
            return Some(Self::Tokens);
        }
        let writes_journal = batch.writes().iter().any(|(write, _)| match write {
            WriteOperation::Put(record) if record.kind.name == "account" => has_journal(&record.body),
            _ => false,
        });
        (writes_journal && batch.events().is_empty()).then_some(Self::Journal)
    }

    pub(super) fn before(self) -> Option<Place> {
        match self {
            Self::Journal => Some(Place::BeforeJournal),
            Self::Tokens => None,
        }
    }

    pub(super) fn after(self) -> Place {
        match self {
            Self::Journal => Place::AfterJournal,
            Self::Tokens => Place::AfterCommit,
        }
    }

    fn inside(self) -> Place {
        match self {
            Self::Journal => Place::DuringJournal,
            Self::Tokens => Place::DuringCommit,
        }
    }
}

fn has_journal(account: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(account).is_ok_and(|account| account["journal"].is_object())
}

/// Carries from the store port to the database's own hook which commit it is in.
#[derive(Debug)]
pub(super) struct Commits {
    under_way: Mutex<Option<RefreshCommit>>,
    checkpoint: Arc<Checkpoint>,
}

impl Commits {
    pub(super) fn new(checkpoint: Arc<Checkpoint>) -> Self {
        Self { under_way: Mutex::new(None), checkpoint }
    }

    pub(super) fn begin(&self, commit: Option<RefreshCommit>) {
        *self.under_way.lock().unwrap_or_else(PoisonError::into_inner) = commit;
    }

    /// The database is inside a commit.
    pub(super) fn inside(&self) {
        let commit = *self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(commit) = commit {
            self.checkpoint.pass_blocking(commit.inside());
        }
    }
}
