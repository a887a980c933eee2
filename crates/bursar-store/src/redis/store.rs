//! The store port, one script a call.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bursar_core::ports::document;
use bursar_core::ports::document::Document as _;
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Answer, Batch, Change, Changes, Commit, CommitId, Count, Due, EventQuery, Group, Health, INCARNATION,
    Incarnation, Kind, NewRecord, Origin, Page, Record, Sequence, Space, Store, StoreError, StoredEvent,
    Tally,
};
use bursar_core::ports::store_time::{to_millisecond, window_end};
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

use super::errors::{Failure, RedisOpenError, unexpected};
use super::inspect::inspect;
use super::link::Link;
use super::listen::{Hints, listen};
use super::reply::{Reply, bytes, millisecond, text};
use super::request::{Names, Request};
use super::target::Target;
use super::{RedisOptions, StoreTime, backup, scripts};

/// Records on a Redis server or cluster, shared by all nodes that open it.
#[derive(Debug)]
pub struct RedisStore {
    pub(super) link: Arc<Link>,
    pub(super) names: Arc<Names>,
    pub(super) hints: Arc<Hints>,
    options: RedisOptions,
    kinds: BTreeMap<&'static str, &'static Kind>,
    /// Tells our announcements from others'.
    pub(super) origin: String,
    /// Sandboxes that are known to be on the server's list.
    registered: Mutex<HashSet<Space>>,
    listener: tokio::task::AbortHandle,
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl RedisStore {
    /// Connects, refuses a server that could lose what it acknowledges, and makes the store ready.
    pub async fn open(options: RedisOptions) -> Result<Self, RedisOpenError> {
        let runtime = options.runtime.clone();
        let opening = Box::pin(Self::open_inside(options));
        super::link::Inside { runtime: &runtime, future: opening }.await
    }

    async fn open_inside(options: RedisOptions) -> Result<Self, RedisOpenError> {
        let kinds = declare(options.kinds)?;
        let target = Target::parse(&options.url, options.authorities.clone())?;
        let cluster = inspect(&target, &options).await?;
        let names = Arc::new(Names::new(&options.prefix, cluster)?);
        let demand = if options.discard_half_restored { Demand::NotEvenWhole } else { Demand::Nothing };
        let greeting = greeting(&names, &options.incarnation, demand)?;
        let (clock, runtime) = (Arc::clone(&options.clock), options.runtime.clone());
        let link = Arc::new(Link::new(target, cluster, clock, runtime, greeting.clone()));
        let now = (options.time == StoreTime::Given).then(|| options.clock.now());
        let reply = match link.attempt(&greeting, now).await {
            Ok(reply) => reply,
            Err(Failure::Login) => return Err(RedisOpenError::Login),
            Err(failure) => return Err(failure.into_unavailable().into()),
        };
        let hints = Arc::new(Hints::new(link.clock()));
        if options.kinds.iter().any(|kind| kind.group == Group::Durable) {
            // Whoever finds the database empty later has lost it, and must not begin anew unseen.
            link.greet_with(self::greeting(&names, &options.incarnation, Demand::Known)?);
        }
        // The process and the time of opening: two stores never share both.
        let origin = format!("{}-{}-{:p}", std::process::id(), reply.time, Arc::as_ptr(&link));
        let listening = listen(Arc::clone(&link), Arc::clone(&names), Arc::clone(&hints), origin.clone());
        let listener = options.runtime.spawn(listening).abort_handle();
        let registered = Mutex::default();
        let store = Self { link, names, hints, options, kinds, origin, registered, listener };
        if store.options.discard_half_restored && store.discard_half_restored().await? {
            let anew = self::greeting(&store.names, &store.options.incarnation, Demand::Nothing)?;
            store.link.attempt(&anew, store.now()).await.map_err(Failure::into_unavailable)?;
        }
        Ok(store)
    }

    /// The kind of that name.
    pub(super) fn kind(&self, name: &str) -> Option<&'static Kind> {
        self.kinds.get(name).copied()
    }

    /// All kinds, by name.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &'static Kind> {
        self.kinds.values().copied()
    }

    /// The time to judge by, where it is not the server's.
    pub(super) fn now(&self) -> Option<Timestamp> {
        (self.options.time == StoreTime::Given).then(|| self.options.clock.now())
    }

    /// Asks, and tells the store's time with the answer.
    pub(super) async fn ask(&self, request: &Request) -> Result<(Reply, Timestamp), StoreError> {
        self.link.ask(request, || self.now()).await
    }

    /// Puts a sandbox on the list of those that exist, before anything is written to it. Refused where all has moved: a seal
    /// is set in every space on the list, so none may come on it later.
    pub(super) async fn register(&self, space: &Space) -> Result<(), Failure> {
        let is_known = self.registered.lock().unwrap_or_else(PoisonError::into_inner).contains(space);
        if is_known || *space == Space::System {
            return Ok(());
        }
        let request = Request::new(&scripts::REGISTER, &self.names, &Space::System).with(space.as_str());
        self.link.attempt(&request, self.now()).await.map_err(|failure| match failure {
            // Nothing that matters was perhaps done.
            Failure::Lost(detail) => Failure::NotDone(detail),
            other => other,
        })?;
        self.registered.lock().unwrap_or_else(PoisonError::into_inner).insert(space.clone());
        Ok(())
    }

    /// Refuses what no backend can do.
    pub(super) fn check(&self, space: &Space, kind: &'static Kind) -> Result<(), StoreError> {
        kind.check_space(space)?;
        match self.kind(kind.name) {
            Some(known) if known == kind => Ok(()),
            _ => Err(StoreError::Misuse("a kind was not declared when the store was opened")),
        }
    }
}

impl Store for RedisStore {
    fn get<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Answer<Option<Record>>, StoreError>> {
        self.link.inside(async move {
            self.check(space, kind)?;
            let request = Request::new(&scripts::GET, &self.names, space).with(kind.name).with(key);
            let (mut reply, time) = self.ask(&request).await?;
            let record = reply.list()?.map(|mut parts| parts.record(key.to_owned())).transpose()?;
            Ok(Answer { value: record, time })
        })
    }

    fn find<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        index: &'static str,
        value: &'a str,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        self.link.inside(async move {
            kind.check_index(index)?;
            self.page(space, kind, Some((index, value)), page).await
        })
    }

    fn list<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        page: Page,
    ) -> BoxFuture<'a, Result<Answer<Vec<Record>>, StoreError>> {
        self.link.inside(self.page(space, kind, None, page))
    }

    fn due<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        until: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Due>, StoreError>> {
        self.link.inside(async move {
            self.check(space, kind)?;
            let request = Request::new(&scripts::DUE, &self.names, space)
                .with(kind.name)
                .number(to_millisecond(until).as_millisecond())
                .number(limit.min(DUE_AT_ONCE));
            let (mut reply, time) = self.ask(&request).await?;
            let records = reply.records()?;
            let next = reply.bytes()?.map(|bytes| millisecond(&text(bytes)?)).transpose()?;
            Ok(Answer { value: Due { records, next }, time })
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Answer<Commit>, StoreError>> {
        self.link.inside(self.commit_whole(batch))
    }

    fn outcome<'a>(
        &'a self,
        space: &'a Space,
        id: &'a CommitId,
    ) -> BoxFuture<'a, Result<Answer<Option<Sequence>>, StoreError>> {
        self.link.inside(async move {
            let request = Request::new(&scripts::OUTCOME, &self.names, space).with(id.0.as_str());
            let (mut reply, time) = self.ask(&request).await?;
            Ok(Answer { value: reply.maybe_number()?, time })
        })
    }

    fn expire<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        self.link.inside(self.collect(space, kind, limit))
    }

    fn tally<'a>(
        &'a self,
        space: &'a Space,
        kind: &'static Kind,
    ) -> BoxFuture<'a, Result<Answer<Tally>, StoreError>> {
        self.link.inside(async move {
            self.check(space, kind)?;
            let request = Request::new(&scripts::TALLY, &self.names, space).with(kind.name);
            let (mut reply, time) = self.ask(&request).await?;
            let (all, expired): (u64, u64) = (reply.number()?, reply.number()?);
            Ok(Answer { value: Tally { alive: all.saturating_sub(expired), expired }, time })
        })
    }

    fn count<'a>(
        &'a self,
        space: &'a Space,
        counter: &'a str,
        by: u64,
        window: Duration,
    ) -> BoxFuture<'a, Result<Answer<Count>, StoreError>> {
        self.link.inside(async move {
            // Only to refuse a window that is none; the server knows the time.
            window_end(window, Timestamp::UNIX_EPOCH)?;
            let window = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
            let by = i64::try_from(by).unwrap_or(i64::MAX);
            let request =
                Request::new(&scripts::COUNT, &self.names, space).with(counter).number(by).number(window);
            // Asked again when an answer is lost: a limit that is reached one step early does no harm.
            let (mut reply, time) = self.ask(&request).await?;
            let value = reply.number()?;
            let resets_at = millisecond(&reply.text()?)?;
            Ok(Answer { value: Count { value, resets_at }, time })
        })
    }

    fn changes<'a>(
        &'a self,
        space: &'a Space,
        after: Sequence,
        limit: usize,
    ) -> BoxFuture<'a, Result<Answer<Changes>, StoreError>> {
        self.link.inside(async move {
            // Nothing follows the last number, and the server refuses to look.
            let is_beyond = after == Sequence::MAX;
            let limit = limit.min(CHANGES_AT_ONCE);
            let request = Request::new(&scripts::CHANGES, &self.names, space)
                .number(after.min(Sequence::MAX - 1))
                .number(limit.max(1));
            let (mut reply, time) = self.ask(&request).await?;
            let settled = reply.number()?;
            let mut parts = reply.list()?.ok_or_else(unexpected)?;
            let mut changes = Vec::new();
            while let Some(sequence) = parts.next() {
                let sequence = text(bytes(sequence)?)?.parse().map_err(|_| unexpected())?;
                changes.push(Change { sequence, kind: parts.text()?, key: parts.text()? });
            }
            if is_beyond || limit == 0 {
                changes.clear();
            }
            Ok(Answer { value: Changes::found(changes, limit, settled), time })
        })
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.hints.subscribe()
    }

    fn now(&self) -> Option<Timestamp> {
        (self.options.time == StoreTime::Server).then(|| self.link.server_time())
    }

    fn is_deaf(&self) -> bool {
        self.hints.hearing.is_lost(self.link.clock().stopwatch())
    }

    fn append<'a>(&'a self, space: &'a Space, events: Vec<Event>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.link.inside(async move {
            self.register(space).await.map_err(Failure::into_unavailable)?;
            let mut request = Request::new(&scripts::APPEND, &self.names, space);
            request.push_events(events.iter());
            // Once: an event told twice is worse than one its caller knows to be in doubt.
            match self.link.attempt(&request, self.now()).await {
                Ok(_) => Ok(()),
                Err(Failure::Lost(detail)) => Err(StoreError::UnknownOutcome(detail)),
                Err(failure) => Err(failure.into_unavailable()),
            }
        })
    }

    fn events<'a>(
        &'a self,
        space: &'a Space,
        query: EventQuery,
    ) -> BoxFuture<'a, Result<Answer<Vec<StoredEvent>>, StoreError>> {
        self.link.inside(self.events_after(space, query))
    }

    fn forget_events<'a>(
        &'a self,
        space: &'a Space,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'a, Result<usize, StoreError>> {
        self.link.inside(self.forget_oldest_events(space, before, limit))
    }

    fn health(&self) -> BoxFuture<'_, Result<Health, StoreError>> {
        self.link.inside(async move {
            let request = Request::new(&scripts::HEALTH, &self.names, &Space::System)
                .with(INCARNATION.name)
                .with(Incarnation::CURRENT);
            let (incarnation, time) = self.incarnation(request).await?;
            Ok(Health { backend: "redis", incarnation, shared: true, time })
        })
    }

    fn backup<'a>(&'a self, sink: &'a mut (dyn Write + Send)) -> BoxFuture<'a, Result<(), StoreError>> {
        self.link.inside(backup::back_up(self, sink))
    }

    fn restore<'a>(
        &'a self,
        source: &'a mut (dyn BufRead + Send),
        incarnation: Incarnation,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.link.inside(backup::restore(self, source, incarnation))
    }

    fn seal<'a>(&'a self, moved_to: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.link.inside(self.set_seal(Some(moved_to)))
    }

    fn unseal(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.link.inside(self.set_seal(None))
    }
}

/// The record of an incarnation.
pub(super) fn incarnation_record(incarnation: &Incarnation) -> Result<NewRecord, StoreError> {
    document::encode(incarnation)
}

/// What the first words to a server demand of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    /// Nothing: it may be new.
    Nothing,
    /// As before, and it may be half restored.
    NotEvenWhole,
    /// It must be the one that was met before.
    Known,
}

fn greeting(names: &Names, incarnation: &str, demand: Demand) -> Result<Request, StoreError> {
    let fresh = Incarnation { id: incarnation.to_owned(), origin: Origin::Fresh };
    let mut request = Request::new(&scripts::PREPARE, names, &Space::System)
        .number(SCHEMA)
        .with(if demand == Demand::Known { "1" } else { "0" })
        .with(if demand == Demand::NotEvenWhole { "1" } else { "0" })
        .with(INCARNATION.name)
        .with(fresh.key());
    request.push_content(&incarnation_record(&fresh)?);
    Ok(request)
}

fn declare(kinds: &[&'static Kind]) -> Result<BTreeMap<&'static str, &'static Kind>, StoreError> {
    let mut declared: BTreeMap<&'static str, &'static Kind> = BTreeMap::new();
    for kind in kinds.iter().copied().chain([&INCARNATION]) {
        // Names are parts of keys, between colons.
        if kind.indexes.iter().chain([&kind.name]).any(|name| name.contains(':')) {
            return Err(StoreError::Misuse("a kind or index is not named in snake_case"));
        }
        if declared.insert(kind.name, kind).is_some_and(|other| other != kind) {
            return Err(StoreError::Misuse("two kinds have one name"));
        }
    }
    Ok(declared)
}

/// The form of everything in the database; raised when an older bursar could no longer use it.
pub(super) const SCHEMA: u32 = 1;

/// Those who ask for what is due take it in bites; `next` tells them that there is more.
const DUE_AT_ONCE: usize = 5000;

/// Whoever reads changes goes on after the last one.
const CHANGES_AT_ONCE: usize = 10_000;
