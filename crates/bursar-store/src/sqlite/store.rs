//! The store port over the reading and the writing side.

use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Answer, Batch, Changes, Commit, CommitId, Count, Due, EventQuery, Health, Incarnation, Kind, Page,
    Record, Sequence, Space, Store, StoreError, StoredEvent, Tally,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::watch;

use super::connection::{Opened, create, open_error};
use super::errors::store_error;
use super::hints::Hints;
use super::migrate::prepare;
use super::reader::{self, Readers};
use super::schema::Schema;
use super::writer::{Setup, Writer};
use super::{SqliteOptions, apply, backup, seal};

/// Records in a `SQLite` file, shared by all processes that open it.
///
/// Dropping it waits until everything that was asked for is written.
#[derive(Debug)]
pub struct SqliteStore {
    options: SqliteOptions,
    schema: Arc<Schema>,
    readers: Readers,
    writer: Writer,
    /// Asked by [`SqliteStore::poll_changes`] only: what it answers depends on what it was asked before.
    poll: Mutex<Option<Poll>>,
}

#[derive(Debug)]
struct Poll {
    opened: Opened,
    data_version: i64,
}

impl SqliteStore {
    /// Opens or makes the file. Writes nothing if its schema is current.
    pub fn open(options: SqliteOptions) -> Result<Self, StoreError> {
        let schema = Arc::new(Schema::new(options.kinds)?);
        create(&options.path)?;
        let opened = Opened::open(&options.path)?;
        // What cannot be opened shows at the first read, and the system knows the reason better than SQLite.
        let read = opened.connection.query_one("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
        read.map_err(|error| open_error(&options.path, error))?;
        prepare(&opened.connection, &schema, &options.incarnation)?;
        let readers =
            Readers::new(options.path.clone(), Arc::clone(&schema), options.incarnation.clone(), opened);
        let setup = Setup { options: options.clone(), schema: Arc::clone(&schema), hints: Hints::new() };
        let writer = Writer::new(setup);
        Ok(Self { options, schema, readers, writer, poll: Mutex::new(None) })
    }

    /// Looks whether another process has committed since the last call, and wakes watchers if so.
    ///
    /// Costs a few microseconds. Nothing calls it by itself: whoever watches for other processes' changes decides how
    /// often. Who has begun goes on: after four seconds without a look, [`Store::is_deaf`] says that nobody should go by
    /// the silence of others.
    pub fn poll_changes(&self) -> Result<(), StoreError> {
        let mut poll = self.poll.lock().unwrap_or_else(PoisonError::into_inner);
        let known = poll.take().filter(|poll| poll.opened.is_current(&self.options.path));
        let (opened, before) = match known {
            Some(Poll { opened, data_version }) => (opened, Some(data_version)),
            None => (Opened::open(&self.options.path)?, None),
        };
        let connection = &opened.connection;
        let data_version: i64 = connection.pragma_query_one(None, "data_version").map_err(store_error)?;
        if before != Some(data_version) {
            self.hints().stands_at(reader::sequence(connection).map_err(store_error)?);
        }
        *poll = Some(Poll { opened, data_version });
        self.hints().looked(self.options.clock.stopwatch());
        Ok(())
    }

    /// What the file's own check complains about; nothing if it is sound. Reads the whole file.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let complaints = self.readers.read(|connection| {
            let mut statement = connection.prepare("PRAGMA integrity_check(20)").map_err(store_error)?;
            let lines = statement.query_map([], |row| row.get::<_, String>(0)).map_err(store_error)?;
            lines.collect::<Result<Vec<_>, _>>().map_err(store_error)
        })?;
        Ok(complaints.into_iter().filter(|line| line != "ok").collect())
    }

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    fn hints(&self) -> &Hints {
        self.writer.hints()
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<Answer<T>, StoreError> {
        let time = self.now();
        let value = self.readers.read(|connection| read(connection).map_err(store_error))?;
        Ok(Answer { value, time })
    }
}

impl Store for SqliteStore {
    fn get<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Answer<Option<Record>>, StoreError>> {
        async move {
            let time = self.now();
            let value = self.readers.read_kind(space, kind, |connection, statements| {
                reader::record(connection, statements, space, key, time)
            })?;
            Ok(Answer { value, time })
        }
        .boxed()
    }

    fn find<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        index: &'static str,
        value: &'a str,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        async move {
            kind.check_index(index)?;
            let time = self.now();
            let value = self.readers.read_kind(space, kind, |connection, statements| {
                reader::page(connection, statements, space, Some((index, value)), &page, time)
            })?;
            Ok(Answer { value, time })
        }
        .boxed()
    }

    fn list<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        async move {
            let time = self.now();
            let value = self.readers.read_kind(space, kind, |connection, statements| {
                reader::page(connection, statements, space, None, &page, time)
            })?;
            Ok(Answer { value, time })
        }
        .boxed()
    }

    fn due<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        until: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Due>, StoreError>> {
        async move {
            let time = self.now();
            let value = self.readers.read_kind(space, kind, |connection, statements| {
                reader::due(connection, statements, space, until, limit, time)
            })?;
            Ok(Answer { value, time })
        }
        .boxed()
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Answer<Commit>, StoreError>> {
        async move {
            batch.check()?;
            self.writer.run(move |group| apply::commit(group, &batch)).await
        }
        .boxed()
    }

    fn outcome<'a>(
        &'a self,
        space: &'a Space,
        id: &'a CommitId,
    ) -> BoxFuture<'a, Result<Answer<Option<Sequence>>, StoreError>> {
        async move { self.read(|connection| reader::outcome(connection, space, id)) }.boxed()
    }

    fn expire<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        async move {
            kind.check_space(space)?;
            let space = space.clone();
            self.writer.run(move |group| apply::expire(group, &space, kind, limit)).await
        }
        .boxed()
    }

    fn tally<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
    ) -> BoxFuture<'a, Result<Answer<Tally>, StoreError>> {
        async move {
            let time = self.now();
            let value = self.readers.read_kind(space, kind, |connection, statements| {
                reader::tally(connection, statements, space, time)
            })?;
            Ok(Answer { value, time })
        }
        .boxed()
    }

    fn count<'a>(
        &'a self,
        space: &'a Space,
        counter: &'a str,
        by: u64,
        window: Duration,
    ) -> BoxFuture<'a, Result<Answer<Count>, StoreError>> {
        let (space, counter) = (space.clone(), counter.to_owned());
        self.writer.run(move |group| apply::count(group, &space, &counter, by, window)).boxed()
    }

    fn changes<'a>(
        &'a self,
        space: &'a Space,
        after: Sequence,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Changes>, StoreError>> {
        async move { self.read(|connection| reader::changes(connection, space, after, limit)) }.boxed()
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.hints().subscribe()
    }

    fn is_deaf(&self) -> bool {
        self.hints().is_deaf(self.options.clock.stopwatch())
    }

    fn append<'a>(&'a self, space: &'a Space, events: Vec<Event>) -> BoxFuture<'a, Result<(), StoreError>> {
        let space = space.clone();
        self.writer.run(move |group| apply::append(group, &space, &events)).boxed()
    }

    fn events<'a>(
        &'a self,
        space: &'a Space,
        query: EventQuery,
    ) -> BoxFuture<'a, Result<Answer<Vec<StoredEvent>>, StoreError>> {
        async move { self.read(|connection| reader::events(connection, space, &query)) }.boxed()
    }

    fn forget_events<'a>(
        &'a self,
        space: &'a Space,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        let space = space.clone();
        self.writer.run(move |group| apply::forget_events(group, &space, before, limit)).boxed()
    }

    fn health(&self) -> BoxFuture<'_, Result<Health, StoreError>> {
        async move {
            let incarnation =
                self.readers.read(|connection| reader::incarnation(connection, &self.schema))?;
            // Taking the write lock proves that the file can be written, without wearing the disk.
            let time = self.writer.run(|group| Ok(group.now())).await?;
            self.readers.read(seal::refuse)?;
            Ok(Health { backend: "sqlite", incarnation, shared: false, time })
        }
        .boxed()
    }

    fn backup<'a>(&'a self, sink: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let now = self.now();
            self.readers.read(|connection| backup::back_up(connection, &self.schema, sink, now))
        }
        .boxed()
    }

    fn restore<'a>(
        &'a self,
        source: &'a mut (dyn BufRead + Send),
        incarnation: Incarnation,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            // A connection of its own: the source is the caller's and cannot go to the writer's thread.
            let opened = Opened::open(&self.options.path)?;
            let sequence = backup::restore(&opened.connection, &self.schema, source, incarnation)?;
            self.hints().stands_at(sequence);
            Ok(())
        }
        .boxed()
    }

    fn seal<'a>(&'a self, moved_to: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        async move { seal::seal(&Opened::open(&self.options.path)?.connection, moved_to) }.boxed()
    }

    fn unseal(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        async move { seal::unseal(&Opened::open(&self.options.path)?.connection) }.boxed()
    }
}
