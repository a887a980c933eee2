//! The store: versioned records of declared kinds, and one conditional commit.
//!
//! It decides nothing: rules read records with their versions, and every write names the version it expects. What a
//! backend must guarantee is written down as the contract suite in `bursar-store`. Typed access: [`super::document`].

mod answer;
mod batch;
mod error;
mod incarnation;
mod kind;
mod record;
mod space;

use std::fmt;
use std::io::{BufRead, Write};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

pub use self::answer::{Answer, Change, Changes, Commit, Count, Due, EventQuery, Page, StoredEvent, Tally};
pub use self::batch::{Batch, CommitId, Expected, Guard, WriteOperation};
pub use self::error::StoreError;
pub use self::incarnation::{Health, INCARNATION, Incarnation, Origin};
pub use self::kind::{Group, Kind, Scope};
pub use self::record::{NewRecord, Record, Sequence, Version};
pub use self::space::{InvalidSandboxId, SandboxId, Space};
use super::event::Event;

/// Everything that outlives a process.
///
/// Rules all backends share:
/// - A record whose `expires_at` has passed by the store's clock is absent, for reads, guards and expectations alike.
/// - Versions never repeat, not even for a key that was deleted and written again.
/// - A commit happens whole or not at all, and is durable when it is acknowledged.
/// - Keys, index values and bodies are opaque; lists are ordered by key, bytewise.
/// - Times in records are kept to the millisecond, rounded down.
/// - A conflict names the first expectation that does not hold: writes in their order, then guards in theirs.
/// - A commit id that was already committed in its space is answered with its first outcome and changes nothing.
pub trait Store: Send + Sync + fmt::Debug {
    /// One record.
    fn get<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Answer<Option<Record>>, StoreError>>;

    /// Records whose declared index has this value, ordered by key.
    fn find<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        index: &'static str,
        value: &'a str,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>>;

    /// All records of a kind, ordered by key.
    fn list<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>>;

    /// Records with `due_at <= until`, the most overdue first, and when the next one after them falls due.
    fn due<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        until: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Due>, StoreError>>;

    /// All writes of the batch, or none. A conflict is an ordinary answer: read again, decide again.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Answer<Commit>, StoreError>>;

    /// What became of a commit whose answer was lost; `None` if it never happened. Remembered for a day.
    fn outcome<'a>(
        &'a self,
        space: &'a Space,
        id: &'a CommitId,
    ) -> BoxFuture<'a, Result<Answer<Option<Sequence>>, StoreError>>;

    /// Removes at most `limit` expired records of a kind and tells how many it was.
    fn expire<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>>;

    /// How many records of a kind there are. Looks at all of them: for people who ask, not for the way of a request.
    fn tally<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
    ) -> BoxFuture<'a, Result<Answer<Tally>, StoreError>>;

    /// Adds `by` to a counter that starts anew in every window of the store's clock.
    fn count<'a>(
        &'a self,
        space: &'a Space,
        counter: &'a str,
        by: u64,
        window: Duration,
    ) -> BoxFuture<'a, Result<Answer<Count>, StoreError>>;

    /// What changed after `after`, in commit order. Kinds declared unwatched never appear.
    ///
    /// A commit is never cut in two: the last one is told whole, even beyond `limit`; with a limit of 0 only the place is told
    /// up to which there could be something. Remembered for a day; records that merely expire are not announced.
    fn changes<'a>(
        &'a self,
        space: &'a Space,
        after: Sequence,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Changes>, StoreError>>;

    /// A hint that something may have changed, here or in another process; read [`Store::changes`] for what. The number is
    /// another one with every hint, and says nothing else. Hints may be late, merged or lost, so nobody waits for one alone.
    fn watch(&self) -> watch::Receiver<u64>;

    /// Whether hints of what others commit may have stopped coming, which [`Store::watch`] cannot say: what is kept because
    /// no hint came is then to be read anew. Known within five seconds.
    fn is_deaf(&self) -> bool {
        false
    }

    /// The store's clock, as far as it is known without asking; `None`: it goes by the clock of this process. Whoever reckons
    /// the end of something that others judge goes by it.
    fn now(&self) -> Option<Timestamp> {
        None
    }

    /// Appends use events, which belong to no change.
    fn append<'a>(&'a self, space: &'a Space, events: Vec<Event>) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Events in the order they were committed.
    fn events<'a>(
        &'a self,
        space: &'a Space,
        query: EventQuery,
    ) -> BoxFuture<'a, Result<Answer<Vec<StoredEvent>>, StoreError>>;

    /// Looks at the `limit` oldest events and removes those from before `before`; tells how many it was. The ids of
    /// removed events are never given again.
    fn forget_events<'a>(
        &'a self,
        space: &'a Space,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>>;

    /// Whether the store can be read and written now, and what it is.
    fn health(&self) -> BoxFuture<'_, Result<Health, StoreError>>;

    /// Writes every durable record and event as one consistent picture, a JSON object a line.
    fn backup<'a>(&'a self, sink: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Reads a backup into this store, which must hold no records yet ([`StoreError::NotEmpty`]), under a new incarnation.
    /// Its origin always becomes [`Origin::Restored`] from the incarnation the backup names; a backup cut short changes
    /// nothing.
    fn restore<'a>(
        &'a self,
        source: &'a mut (dyn BufRead + Send),
        incarnation: Incarnation,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Refuses every write from now on, whoever makes it, with [`StoreError::Moved`] and this text. Whatever was acknowledged
    /// before can be read afterwards, and nothing is acknowledged after. Sealed again, it tells the new text.
    fn seal<'a>(&'a self, _moved_to: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Misuse("this store cannot be sealed")) })
    }

    /// Lifts [`Store::seal`]. Nothing happens to a store that is not sealed.
    fn unseal(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Misuse("this store cannot be sealed")) })
    }
}
