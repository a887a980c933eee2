//! Whether a session has ended, and how: the rule behind every count of sessions.

use jiff::{SignedDuration, Timestamp};

use super::session::Session;
use crate::ports::processes::{Life, Processes};
use crate::ports::store::Batch;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionEnd {
    /// Its owner said so.
    Told,
    /// Its deadline passed.
    Expired,
    /// Its process is no more.
    OwnerEnded,
    /// Nothing was seen of its process for too long.
    OwnerUnseen,
}

impl SessionEnd {
    /// How `session` has ended without anybody saying so; `None`: it has not.
    pub(super) fn of(session: &Session, processes: &dyn Processes, now: Timestamp) -> Option<Self> {
        if session.until.is_some_and(|until| until <= now) {
            return Some(Self::Expired);
        }
        match processes.life(&session.owner) {
            Life::Running => None,
            Life::Ended => Some(Self::OwnerEnded),
            // Only its deadline can tell.
            Life::Unknown if session.until.is_some() => None,
            Life::Unknown => {
                (now.duration_since(session.started_at) >= LONGEST_UNSEEN).then_some(Self::OwnerUnseen)
            }
        }
    }

    /// Adds to `batch` what the log is told of the end.
    pub(super) fn told(self, batch: Batch, session: &Session, at: Timestamp) -> Batch {
        let events = session.events("session.ended", at);
        events.map(|event| event.with("end", self.as_str())).fold(batch, Batch::event)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Told => "told",
            Self::Expired => "expired",
            Self::OwnerEnded => "owner_ended",
            Self::OwnerUnseen => "owner_unseen",
        }
    }
}

/// A process that cannot be seen from here, and set no deadline, counts for a day: nothing ever removes an account in
/// less, and a record that nobody can judge must not keep one for ever.
const LONGEST_UNSEEN: SignedDuration = SignedDuration::from_hours(24);
