//! The store: versioned records of declared kinds, and one conditional commit.
//!
//! It decides nothing: rules read records with their versions, and every write names the version it expects. What a
//! backend must guarantee is written down as the contract suite in `bursar-store`. Typed access: [`super::document`].

use std::fmt;
use std::io::{BufRead, Write};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

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
    /// A commit is never cut in two: the last one is told whole, even beyond `limit`. Remembered for a day; records
    /// that merely expire are not announced.
    fn changes<'a>(
        &'a self,
        space: &'a Space,
        after: Sequence,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Vec<Change>>, StoreError>>;

    /// A hint that something changed, here or in another process; read [`Store::changes`] for what. Hints may be
    /// late, merged or lost, so nobody waits for one alone.
    fn watch(&self) -> watch::Receiver<Sequence>;

    /// Appends use events, which belong to no change.
    fn append<'a>(&'a self, space: &'a Space, events: Vec<Event>) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Events in the order they were committed.
    fn events<'a>(
        &'a self,
        space: &'a Space,
        query: EventQuery,
    ) -> BoxFuture<'a, Result<Answer<Vec<StoredEvent>>, StoreError>>;

    /// Whether the store can be read and written now, and what it is.
    fn health(&self) -> BoxFuture<'_, Result<Health, StoreError>>;

    /// Writes every durable record and event as one consistent picture, a JSON object a line.
    fn backup<'a>(&'a self, sink: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Reads a backup into this store, which must hold no records yet, under a new incarnation. Its origin always
    /// becomes [`Origin::Restored`] from the incarnation the backup names; a backup cut short changes nothing.
    fn restore<'a>(
        &'a self,
        source: &'a mut (dyn BufRead + Send),
        incarnation: Incarnation,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// Who the records belong to. A batch names one space, so nothing can cross.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// What belongs to the installation itself: keys, the list of sandboxes.
    System,
    /// One tenant.
    Sandbox(SandboxId),
}

impl Space {
    /// How the space is written in tables and associated data: empty for the system, else the sandbox's name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::System => "",
            Self::Sandbox(id) => id.as_str(),
        }
    }
}

/// A tenant's name: 1 to 63 of `a-z`, `0-9` and `-`, starting with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SandboxId(String);

impl SandboxId {
    /// The sandbox of an installation with only one.
    pub fn personal() -> Self {
        Self("default".to_owned())
    }

    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, InvalidSandboxId> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = !text.is_empty() && text.len() <= 63 && !text.starts_with('-') && text.bytes().all(allowed);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidSandboxId(text.to_owned())) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SandboxId {
    type Error = InvalidSandboxId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<SandboxId> for String {
    fn from(id: SandboxId) -> Self {
        id.0
    }
}

/// A text that cannot name a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot name a sandbox: use 1 to 63 of a-z, 0-9 and `-`")]
pub struct InvalidSandboxId(String);

/// The declaration of one kind of record; a backend makes its table from it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// Table name: `snake_case`, singular.
    pub name: &'static str,
    /// Which spaces may hold it.
    pub scope: Scope,
    /// What a crash may cost.
    pub group: Group,
    /// Names of the secondary keys a record may carry; never unique.
    pub indexes: &'static [&'static str],
    /// Whether changes are announced; never for hot kinds.
    pub watched: bool,
}

impl Kind {
    /// Refuses a space this kind never lives in; backends ask before every operation that names a kind.
    pub fn check_space(&self, space: &Space) -> Result<(), StoreError> {
        let scope = if *space == Space::System { Scope::System } else { Scope::Sandbox };
        if self.scope == scope { Ok(()) } else { Err(StoreError::Misuse("a kind is used outside its scope")) }
    }

    /// Refuses an index this kind does not declare.
    pub fn check_index(&self, index: &str) -> Result<(), StoreError> {
        let declared = self.indexes.contains(&index);
        if declared { Ok(()) } else { Err(StoreError::Misuse("a kind is searched by an index it does not declare")) }
    }
}

/// Where records of a kind live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Only in [`Space::System`].
    System,
    /// Only in a sandbox.
    Sandbox,
}

/// How long records of a kind must live. A batch never spans both groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Survives crashes and power loss.
    Durable,
    /// May be lost with the process: replay caches, counters, pushed requests, logins in progress.
    Ephemeral,
}

/// A stored record, as it was at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Identity within kind and space.
    pub key: String,
    /// The commit that wrote it.
    pub version: Version,
    /// Opaque content; secrets inside are sealed before they come here.
    pub body: Vec<u8>,
    /// When somebody should look at it.
    pub due_at: Option<Timestamp>,
    /// When it ceases to exist.
    pub expires_at: Option<Timestamp>,
}

/// A record about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// Its kind.
    pub kind: &'static Kind,
    /// Identity within kind and space.
    pub key: String,
    /// Opaque content.
    pub body: Vec<u8>,
    /// A value for each declared index that applies, as (index, value).
    pub indexes: Vec<(&'static str, String)>,
    /// When somebody should look at it.
    pub due_at: Option<Timestamp>,
    /// When it ceases to exist.
    pub expires_at: Option<Timestamp>,
}

/// Which commit wrote a record. Larger is later; never reused within an incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version(pub u64);

/// A commit's place in the order of all commits.
pub type Sequence = u64;

/// What a write or guard insists on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// No live record under this key.
    Absent,
    /// Exactly this version.
    Version(Version),
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteOperation {
    /// Creates or replaces.
    Put(NewRecord),
    /// Removes.
    Delete {
        /// Kind of the record.
        kind: &'static Kind,
        /// Its key.
        key: String,
    },
}

impl WriteOperation {
    /// Kind and key it touches.
    pub fn target(&self) -> (&'static Kind, &str) {
        match self {
            Self::Put(record) => (record.kind, &record.key),
            Self::Delete { kind, key } => (kind, key),
        }
    }
}

/// A record, or its absence, that must still be as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Kind of the record.
    pub kind: &'static Kind,
    /// Its key.
    pub key: String,
    /// What was read.
    pub expected: Expected,
}

/// Names a commit, so that its outcome can be asked for: unguessable, chosen by the caller.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(pub String);

/// Writes that happen together, in one space, if every expectation holds.
#[derive(Clone, Debug)]
pub struct Batch {
    id: CommitId,
    space: Space,
    writes: Vec<(WriteOperation, Expected)>,
    guards: Vec<Guard>,
    events: Vec<Event>,
}

impl Batch {
    /// An empty batch for one space.
    pub fn new(space: Space, id: CommitId) -> Self {
        Self { id, space, writes: Vec::new(), guards: Vec::new(), events: Vec::new() }
    }

    /// Creates or replaces a record.
    #[must_use]
    pub fn put(mut self, record: NewRecord, expected: Expected) -> Self {
        self.writes.push((WriteOperation::Put(record), expected));
        self
    }

    /// Removes a record.
    #[must_use]
    pub fn delete(mut self, kind: &'static Kind, key: impl Into<String>, version: Version) -> Self {
        self.writes.push((WriteOperation::Delete { kind, key: key.into() }, Expected::Version(version)));
        self
    }

    /// Insists on a record the batch does not write.
    #[must_use]
    pub fn guard(mut self, kind: &'static Kind, key: impl Into<String>, expected: Expected) -> Self {
        self.guards.push(Guard { kind, key: key.into(), expected });
        self
    }

    /// Appends an event in the same commit.
    #[must_use]
    pub fn event(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }

    /// Its name.
    pub fn id(&self) -> &CommitId {
        &self.id
    }

    /// The space it writes to.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Writes with what they expect, in the order they were added.
    pub fn writes(&self) -> &[(WriteOperation, Expected)] {
        &self.writes
    }

    /// Guards, in the order they were added.
    pub fn guards(&self) -> &[Guard] {
        &self.guards
    }

    /// Events, in the order they were added.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Checks what no backend can do: mixed groups, a kind outside its scope, a key written twice, an undeclared
    /// index. Every backend calls this first and answers [`StoreError::Misuse`].
    pub fn check(&self) -> Result<(), StoreError> {
        let mut group = None;
        let mut seen = std::collections::HashSet::new();
        let touched = self.writes.iter().map(|(write, _)| write.target());
        for (kind, key) in touched {
            if !seen.insert((kind.name, key)) {
                return Err(StoreError::Misuse("a batch writes one record twice"));
            }
            check_kind(&self.space, kind, &mut group)?;
        }
        for guard in &self.guards {
            check_kind(&self.space, guard.kind, &mut group)?;
        }
        for (write, _) in &self.writes {
            if let WriteOperation::Put(record) = write
                && record.indexes.iter().any(|(index, _)| !record.kind.indexes.contains(index))
            {
                return Err(StoreError::Misuse("a record carries an index its kind does not declare"));
            }
        }
        if group == Some(Group::Ephemeral) && !self.events.is_empty() {
            return Err(StoreError::Misuse("events are durable and need a durable batch"));
        }
        Ok(())
    }
}

fn check_kind(space: &Space, kind: &'static Kind, group: &mut Option<Group>) -> Result<(), StoreError> {
    kind.check_space(space)?;
    if *group.get_or_insert(kind.group) != kind.group {
        return Err(StoreError::Misuse("a batch spans durable and ephemeral kinds"));
    }
    Ok(())
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// All of it is stored; every written record now has this version.
    Done(Version),
    /// None of it is stored: the named record is not as expected.
    Conflict {
        /// Name of the kind.
        kind: &'static str,
        /// Key of the record.
        key: String,
    },
}

/// An answer with the store's clock at the time it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// The store's clock; expiry and leases are judged by it.
    pub time: Timestamp,
}

/// Which part of a long list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only keys after this one.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

impl Page {
    /// The first `limit` records.
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }
}

/// Records that are due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The most overdue first.
    pub records: Vec<Record>,
    /// When the first record not returned falls due, if there is one.
    pub next: Option<Timestamp>,
}

/// A counter's value in its current window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Including what was just added.
    pub value: u64,
    /// When it starts again from nothing.
    pub resets_at: Timestamp,
}

/// One line of the change sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The commit.
    pub sequence: Sequence,
    /// Name of the kind.
    pub kind: String,
    /// Key of the record that was written or removed.
    pub key: String,
}

/// Which events are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventQuery {
    /// Only events after this id.
    pub after: u64,
    /// Only about this subject.
    pub subject: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// An event with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Larger is later.
    pub id: u64,
    /// The event.
    pub event: Event,
}

/// What a store says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Name of the backend, such as `sqlite`.
    pub backend: &'static str,
    /// The life this store is living.
    pub incarnation: Incarnation,
    /// Whether several machines may write to it.
    pub shared: bool,
    /// The store's clock.
    pub time: Timestamp,
}

/// One life of a store. A restored copy lives a new one, because the original may still be rotating the same tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incarnation {
    /// Unguessable name.
    pub id: String,
    /// Where its records came from.
    pub origin: Origin,
}

/// How an incarnation began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "origin")]
pub enum Origin {
    /// Empty.
    Fresh,
    /// From another incarnation.
    Restored {
        /// Name of the incarnation the records come from.
        from: String,
        /// Whether the operator has confirmed that it is dead.
        source_is_dead: bool,
    },
}

/// The record every store keeps of its [`Incarnation`], under the key `current`.
pub static INCARNATION: Kind =
    Kind { name: "incarnation", scope: Scope::System, group: Group::Durable, indexes: &[], watched: true };

/// Why the store did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached or is too busy now.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The commit was sent and its answer lost; ask [`Store::outcome`].
    #[error("the store did not say whether the change was made: {0}")]
    UnknownOutcome(String),
    /// Nothing can be written: read-only file or folder.
    #[error("the store cannot be written: {0}")]
    ReadOnly(String),
    /// The disk is full; nothing was changed.
    #[error("the disk that holds the store is full: {0}")]
    Full(String),
    /// A newer bursar wrote it.
    #[error("the store has schema {found}, this bursar knows {known}")]
    Newer {
        /// Schema found.
        found: u32,
        /// Newest schema this build knows.
        known: u32,
    },
    /// It is not readable as what it claims to be.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A bug in the caller.
    #[error("the store was used wrongly: {0}")]
    Misuse(&'static str),
}
