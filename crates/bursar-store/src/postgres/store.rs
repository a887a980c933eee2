//! The store port over the reading and the writing side.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Answer, Batch, Changes, Commit, CommitId, Count, Due, EventQuery, Health, Incarnation, Kind, Page,
    Record, Sequence, Space, Store, StoreError, StoredEvent, Tally,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

use super::pipeline::{Step, run};
use super::reader::BEGIN;
use super::server::{Server, in_time};
use super::threads::Threads;
use super::{PostgresOptions, backup, collect, commit, counter, listen, migrate, reader, seal};

/// Records in a `PostgreSQL` database, shared by all nodes that open it.
///
/// Dropping it waits until everything that was asked for is written.
#[derive(Debug)]
pub struct PostgresStore {
    server: Arc<Server>,
    threads: Threads,
}

impl PostgresStore {
    /// Connects, and makes or extends the schema `bursar` if need be.
    ///
    /// Refuses a server that is too old, a schema that is newer, and a user that may not write. No error shows the URL or
    /// any part of it but names of hosts, users and databases.
    pub async fn open(options: PostgresOptions) -> Result<Self, StoreError> {
        let (server, threads) = (Arc::new(Server::new(&options)?), Threads::start()?);
        threads.here(migrate::prepare(&server, &options.incarnation)).await?;
        // Before anybody asks, so that hints begin where the store stands, and its clock is known.
        threads.here(listen::look(&server)).await;
        threads.spawn(listen::listen(Arc::clone(&server)));
        Ok(Self { server, threads })
    }

    async fn try_health(&self) -> Result<Health, StoreError> {
        let Answer { value: incarnation, time } = reader::incarnation(&self.server).await?;
        let mut patience = self.server.patience();
        loop {
            let probed = async {
                let client = self.server.connect().await?;
                // Undone, so it proves the right and the room to write without leaving anything.
                let probe = client.prepare_cached(PROBE).await?;
                let steps = vec![Step::Order(BEGIN), Step::Query(probe, Vec::new()), Step::Order("ROLLBACK")];
                run(&client, steps).await.map_err(|(_, error)| error)?;
                client.release();
                Ok(())
            };
            match in_time(probed).await {
                Ok(()) => return Ok(Health { backend: "postgres", incarnation, shared: true, time }),
                Err(trouble) => patience.pause(trouble).await?,
            }
        }
    }
}

impl Store for PostgresStore {
    fn get<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Answer<Option<Record>>, StoreError>> {
        self.threads.here(reader::record(&self.server, space, kind, key))
    }

    fn find<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        index: &'static str,
        value: &'a str,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        self.threads
            .here(async move { reader::page(&self.server, space, kind, Some((index, value)), &page).await })
    }

    fn list<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        self.threads.here(async move { reader::page(&self.server, space, kind, None, &page).await })
    }

    fn due<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        until: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Due>, StoreError>> {
        self.threads.here(reader::due(&self.server, space, kind, until, limit))
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Answer<Commit>, StoreError>> {
        if let Err(misuse) = batch.check() {
            return async move { Err(misuse) }.boxed();
        }
        self.threads.write(commit::commit(Arc::clone(&self.server), batch))
    }

    fn outcome<'a>(
        &'a self,
        space: &'a Space,
        id: &'a CommitId,
    ) -> BoxFuture<'a, Result<Answer<Option<Sequence>>, StoreError>> {
        self.threads.here(reader::outcome(&self.server, space, id))
    }

    fn expire<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        self.threads.write(collect::expire(Arc::clone(&self.server), space.clone(), kind, limit))
    }

    fn tally<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
    ) -> BoxFuture<'a, Result<Answer<Tally>, StoreError>> {
        self.threads.here(reader::tally(&self.server, space, kind))
    }

    fn count<'a>(
        &'a self,
        space: &'a Space,
        counter: &'a str,
        by: u64,
        window: Duration,
    ) -> BoxFuture<'a, Result<Answer<Count>, StoreError>> {
        let (space, counter) = (space.clone(), counter.to_owned());
        self.threads.write(counter::count(Arc::clone(&self.server), space, counter, by, window))
    }

    fn changes<'a>(
        &'a self,
        space: &'a Space,
        after: Sequence,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Changes>, StoreError>> {
        self.threads.here(reader::changes(&self.server, space, after, limit))
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.server.hints.subscribe()
    }

    fn is_deaf(&self) -> bool {
        self.server.hints.is_deaf()
    }

    fn now(&self) -> Option<Timestamp> {
        self.server.given_time().is_none().then(|| self.server.hints.now()).flatten()
    }

    fn append<'a>(&'a self, space: &'a Space, events: Vec<Event>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.threads.write(collect::append(Arc::clone(&self.server), space.clone(), events))
    }

    fn events<'a>(
        &'a self,
        space: &'a Space,
        query: EventQuery,
    ) -> BoxFuture<'a, Result<Answer<Vec<StoredEvent>>, StoreError>> {
        self.threads.here(async move { reader::events(&self.server, space, &query).await })
    }

    fn forget_events<'a>(
        &'a self,
        space: &'a Space,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        self.threads.write(collect::forget_events(Arc::clone(&self.server), space.clone(), before, limit))
    }

    fn health(&self) -> BoxFuture<'_, Result<Health, StoreError>> {
        self.threads.here(self.try_health())
    }

    fn backup<'a>(&'a self, sink: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), StoreError>> {
        self.threads.here(backup::back_up(&self.server, sink))
    }

    fn restore<'a>(
        &'a self,
        source: &'a mut (dyn BufRead + Send),
        incarnation: Incarnation,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.threads.here(async move {
            self.server.hints.wake(backup::restore(&self.server, source, incarnation).await?);
            Ok(())
        })
    }

    fn seal<'a>(&'a self, moved_to: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.threads.here(seal::seal(&self.server, Some(moved_to)))
    }

    fn unseal(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.threads.here(seal::seal(&self.server, None))
    }
}

const PROBE: &str = "INSERT INTO bursar.meta (name, value) VALUES ('probe', 0) ON CONFLICT (name) DO NOTHING";
