//! Tokens kept open for a moment, so that many hand-outs of one account read and unseal it once.
//!
//! What is kept is the record and its secrets, never a decision: every hand-out is decided anew, by the same rule and
//! the time of its own. A change of the store empties the shelf, and what nobody announced is believed for a second.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::broker::HandOut;
use crate::lifecycle::account::Account;
use crate::lifecycle::reference::AccountReference;
use crate::lifecycle::refresh::{Ask, Decision, Standpoint, decide};
use crate::ports::clock::Clock;
use crate::ports::store::Sequence;

/// Opened tokens by account.
pub(super) struct Shelf {
    changes: watch::Receiver<Sequence>,
    kept: Mutex<HashMap<AccountReference, Kept>>,
}

struct Kept {
    account: Account,
    handed: Arc<HandOut>,
    read_at: Duration,
    /// What had changed before it was read.
    sequence: Sequence,
}

/// Taken before a record is read, so that a change in between is noticed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    read_at: Duration,
    sequence: Sequence,
}

impl Shelf {
    /// An empty shelf that is told of changes.
    pub(super) fn new(changes: watch::Receiver<Sequence>) -> Self {
        Self { changes, kept: Mutex::default() }
    }

    /// Where the store stands now.
    pub(super) fn mark(&self, clock: &dyn Clock) -> Mark {
        Mark { read_at: clock.stopwatch(), sequence: *self.changes.borrow() }
    }

    /// The token at hand, if the rule says to serve it as it is.
    pub(super) fn serve(
        &self,
        reference: &AccountReference,
        ask: &Ask,
        clock: &dyn Clock,
    ) -> Option<Arc<HandOut>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get(reference)?;
        let believed = kept.sequence == *self.changes.borrow()
            && clock.stopwatch().saturating_sub(kept.read_at) < BELIEVED;
        let serves =
            believed && decide(&kept.account, ask, Standpoint::Outside, clock.now()) == Decision::Serve;
        serves.then(|| Arc::clone(&kept.handed))
    }

    /// Keeps what was read after `mark`.
    pub(super) fn keep(&self, mark: Mark, account: Account, handed: &Arc<HandOut>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Mark { read_at, sequence } = mark;
        if kept.len() >= MOST_KEPT {
            // What is not believed any more only lies about.
            kept.retain(|_, other| read_at.saturating_sub(other.read_at) < BELIEVED);
        }
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        let handed = Arc::clone(handed);
        kept.insert(account.reference.clone(), Kept { account, handed, read_at, sequence });
    }

    /// Forgets every token.
    pub(super) fn clear(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Shelf")
    }
}

/// The shelf of an engine, shared by its clones.
pub(super) type SharedShelf = Arc<Shelf>;

/// Revocations, pauses and logouts by other processes are obeyed within this.
const BELIEVED: Duration = Duration::from_secs(1);
/// Some kilobytes each: accounts beyond this are read anew, which costs some ten microseconds.
const MOST_KEPT: usize = 1_024;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::executor::block_on;
    use jiff::SignedDuration;

    use super::*;
    use crate::engine::broker::HandOutError;
    use crate::engine::test_world::{World, answer};
    use crate::lifecycle::refresh::Ask;

    /// A world whose tokens are numbered and live an hour, and its account.
    fn world() -> (World, AccountReference) {
        let counter = AtomicUsize::new(0);
        let world = World::new("reuse = \"reject\"", move |_| {
            let number = counter.fetch_add(1, Ordering::SeqCst);
            answer(
                200,
                &serde_json::json!({
                    "access_token": format!("a{number}"), "token_type": "Bearer",
                    "expires_in": 3600, "refresh_token": format!("r{number}"),
                }),
            )
        });
        let reference = world.log_in().reference;
        (world, reference)
    }

    #[test]
    fn what_is_kept_is_decided_anew_for_every_caller() {
        let (world, reference) = world();
        let engine = world.engine.clone().with_shelf();
        let hand_out = |ask: Ask| block_on(engine.hand_out(&reference, &ask, Duration::from_mins(1)));
        let text = |ask: Ask| hand_out(ask).unwrap().token.expose().to_owned();
        assert_eq!(text(Ask::default()), "a0");
        assert!(engine.shelf.as_ref().unwrap().serve(&reference, &Ask::default(), &*world.clock).is_some());
        let rejected = hand_out(Ask::default()).unwrap().token.fingerprint();
        assert_eq!(text(Ask { rejected: Some(rejected), ..Ask::default() }), "a1", "a refused token");
        assert_eq!(text(Ask::default()), "a1");
        world.clock.advance(Duration::from_secs(1_000));
        let longer = Ask { min_valid: Some(SignedDuration::from_secs(3_000)), ..Ask::default() };
        assert_eq!(text(longer), "a2", "too short for this caller");
        assert_eq!(text(Ask::default()), "a2");
        world.clock.advance(Duration::from_hours(2));
        assert_eq!(text(Ask::default()), "a3", "past its end");
    }

    #[test]
    fn pauses_logouts_and_locks_are_obeyed_at_once() {
        let (world, reference) = world();
        let engine = world.engine.clone().with_shelf();
        let hand_out = || block_on(engine.hand_out(&reference, &Ask::default(), Duration::ZERO));
        assert!(hand_out().is_ok());
        // Another engine on the same store, as another process would be.
        block_on(world.engine.set_paused(&reference, true)).unwrap();
        assert!(matches!(hand_out(), Err(HandOutError::Paused { .. })));
        block_on(world.engine.set_paused(&reference, false)).unwrap();
        assert!(hand_out().is_ok());
        engine.lock();
        assert!(matches!(hand_out(), Err(HandOutError::Vault(_))));
        block_on(engine.unlock()).unwrap();
        assert!(hand_out().is_ok());
        block_on(world.engine.logout(&reference)).unwrap();
        assert!(matches!(hand_out(), Err(HandOutError::NoSuchAccount { .. })));
    }

    #[test]
    fn what_nobody_announced_is_believed_for_a_second() {
        let (world, reference) = world();
        let engine = world.engine.clone().with_shelf();
        block_on(engine.hand_out(&reference, &Ask::default(), Duration::ZERO)).unwrap();
        let shelf = engine.shelf.as_ref().unwrap();
        let at_hand = || shelf.serve(&reference, &Ask::default(), &*world.clock).is_some();
        // The note of its use was a change too.
        block_on(engine.hand_out(&reference, &Ask::default(), Duration::ZERO)).unwrap();
        world.clock.advance(Duration::from_millis(999));
        assert!(at_hand());
        world.clock.advance(Duration::from_millis(1));
        assert!(!at_hand());
    }
}
