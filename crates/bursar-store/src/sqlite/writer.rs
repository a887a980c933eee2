//! One thread that writes: it takes what has gathered, puts it into one transaction and answers when that is durable.
//!
//! The flush to disk is what a commit costs, so everybody who waits while one flush runs shares the next.

use std::ffi::c_int;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::store::{Sequence, StoreError};
use jiff::Timestamp;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use super::connection::{Opened, begin_immediate};
use super::errors::{commit_error, store_error};
use super::gathering::{Bringer, Taker, gathering};
use super::heads::Heads;
use super::hints::Hints;
use super::migrate::prepare;
use super::schema::Schema;
use super::{SqliteOptions, reader};

/// The writing side of a store; its thread and connection exist from the first write on.
#[derive(Debug)]
pub(super) struct Writer {
    setup: Arc<Setup>,
    running: Mutex<Option<Running>>,
}

/// What the thread needs.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) options: SqliteOptions,
    pub(super) schema: Arc<Schema>,
    pub(super) hints: Hints,
}

#[derive(Debug)]
struct Running {
    jobs: Bringer<Box<dyn Job>>,
    thread: JoinHandle<()>,
}

/// Something to be written, and somebody who waits for it.
trait Job: Send {
    /// Does it inside a group. Done again if the group comes to nothing.
    fn attempt(&mut self, group: &mut Group<'_>) -> Result<(), StoreError>;

    /// Tells what became of it.
    fn answer(self: Box<Self>, fate: Result<(), StoreError>);
}

/// The work of one caller.
struct Asked<W, T> {
    work: W,
    done: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

/// One write transaction, shared by several callers.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) connection: &'a Connection,
    pub(super) schema: &'a Schema,
    pub(super) heads: &'a mut Heads,
    clock: &'a dyn Clock,
    progress: Progress,
}

/// What a group has done so far.
#[derive(Clone, Copy, Debug)]
struct Progress {
    sequence: Sequence,
    last_event: u64,
    announced: Option<Sequence>,
    changed: bool,
}

/// A connection, and what is known of the file without looking.
#[derive(Debug)]
struct Session {
    opened: Opened,
    heads: Heads,
    /// The last commit there was when this one ended its own.
    sequence: Sequence,
    /// How many pages the log had then.
    log_pages: Arc<AtomicU32>,
}

/// Why a group came to nothing.
enum Trouble {
    /// One of its members could not be done.
    Member(StoreError),
    /// The transaction could not be.
    Transaction(StoreError),
}

impl Writer {
    pub(super) fn new(setup: Setup) -> Self {
        Self { setup: Arc::new(setup), running: Mutex::new(None) }
    }

    /// The channel through which everybody hears of commits.
    pub(super) fn hints(&self) -> &Hints {
        &self.setup.hints
    }

    /// Runs `work` in the next group. It is done whether or not the caller waits for the answer.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Group<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Box::new(Asked { work, done: None, answer }))?;
        answered
            .await
            .unwrap_or_else(|_| Err(StoreError::UnknownOutcome("the writer ended unexpectedly".to_owned())))
    }

    fn send(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // A thread that is gone was ended by a panic, and that must not end the store.
        let alive = running.take().filter(|running| !running.thread.is_finished());
        let started = match alive {
            Some(alive) => alive,
            None => start(&self.setup)?,
        };
        let is_taken = started.jobs.bring(job);
        *running = Some(started);
        if is_taken { Ok(()) } else { Err(StoreError::Unavailable("the writer is ending".to_owned())) }
    }
}

impl Drop for Writer {
    /// Waits until everything that was asked for is written.
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { jobs, thread }) = running {
            drop(jobs);
            // If it panicked, its callers have been told already.
            let _ = thread.join();
        }
    }
}

impl<W, T> Job for Asked<W, T>
where
    W: FnMut(&mut Group<'_>) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn attempt(&mut self, group: &mut Group<'_>) -> Result<(), StoreError> {
        self.done = Some((self.work)(group)?);
        Ok(())
    }

    fn answer(self: Box<Self>, fate: Result<(), StoreError>) {
        let done = self.done.ok_or_else(|| StoreError::UnknownOutcome("it was not written".to_owned()));
        // A caller who has gone away can ask for the outcome.
        let _ = self.answer.send(fate.and(done));
    }
}

impl Group<'_> {
    /// The store's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The number of a new commit.
    pub(super) fn next_sequence(&mut self) -> Sequence {
        self.progress.sequence += 1;
        self.progress.changed = true;
        self.progress.sequence
    }

    /// The number of a new event.
    pub(super) fn next_event(&mut self) -> u64 {
        self.progress.last_event += 1;
        self.progress.changed = true;
        self.progress.last_event
    }

    /// Notes that watchers should hear of the commit `sequence`.
    pub(super) fn announce(&mut self, sequence: Sequence) {
        self.progress.announced = Some(sequence);
    }

    /// Notes that something was written.
    pub(super) fn changed(&mut self) {
        self.progress.changed = true;
    }
}

fn start(setup: &Arc<Setup>) -> Result<Running, StoreError> {
    let (jobs, taker) = gathering();
    let setup = Arc::clone(setup);
    let thread = thread::Builder::new()
        .name("bursar-store".to_owned())
        .spawn(move || write_until_closed(&setup, &taker))
        .map_err(|error| StoreError::Unavailable(format!("no thread for writing: {error}")))?;
    Ok(Running { jobs, thread })
}

fn write_until_closed(setup: &Setup, jobs: &Taker<Box<dyn Job>>) {
    let clock = &*setup.options.clock;
    let mut kept = None;
    let (mut usual, mut moment) = (1, SHORTEST_MOMENT);
    while let Some(mut gathered) = jobs.take(usual, moment, LARGEST_GROUP) {
        let begun = clock.stopwatch();
        let fate = write(setup, &mut kept, &mut gathered);
        moment = clock.stopwatch().saturating_sub(begun).clamp(SHORTEST_MOMENT, LONGEST_MOMENT);
        // Those who will be answered now are about to ask again: with those who came meanwhile they share the next flush,
        // where half of them would wait for two in turn, and each flush would write the same pages for fewer.
        usual = gathered.len() + jobs.waiting();
        // One of several could not be done, and nothing of the group was kept.
        let is_settled = gathered.len() == 1 || !matches!(fate, Err(Trouble::Member(_)));
        let together = fate.map_err(Trouble::into_error);
        for mut job in gathered {
            let fate = if is_settled {
                together.clone()
            } else {
                // Each alone, so that one that cannot be done is in nobody's way.
                write(setup, &mut kept, std::slice::from_mut(&mut job)).map_err(Trouble::into_error)
            };
            job.answer(fate);
        }
        if let Some(session) = &kept {
            session.shorten_log();
        }
    }
}

/// Does all of `jobs` in one transaction, or nothing of them.
fn write(setup: &Setup, kept: &mut Option<Session>, jobs: &mut [Box<dyn Job>]) -> Result<(), Trouble> {
    let path: &PathBuf = &setup.options.path;
    let usable = kept.take().filter(|session| session.opened.is_current(path));
    let mut session = match usable {
        Some(session) => session,
        None => Session::open(setup)?,
    };
    session.write(setup, jobs)?;
    // After trouble nothing is assumed of a connection.
    *kept = Some(session);
    Ok(())
}

impl Session {
    fn open(setup: &Setup) -> Result<Self, StoreError> {
        let mut opened = open(setup)?;
        let log_pages = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&log_pages);
        // In the place of SQLite's own, which shortens the log before it tells that a commit is done.
        let hook = move |_: &mut Wal, pages: c_int| {
            told.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        opened.connection.wal_hook(Some(hook)).map_err(store_error)?;
        Ok(Self { opened, heads: Heads::default(), sequence: 0, log_pages })
    }

    /// Brings what is in a long log to its place in the file. Everybody has been answered by now, so nobody waits for it who
    /// does not come this very moment. What readers keep from it, or an error, is left for after the next group.
    fn shorten_log(&self) {
        if self.log_pages.load(Ordering::Relaxed) >= LONGEST_LOG {
            let shortened =
                self.opened.connection.query_one("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            let _another_time = shortened;
        }
    }

    fn write(&mut self, setup: &Setup, jobs: &mut [Box<dyn Job>]) -> Result<(), Trouble> {
        let connection = &self.opened.connection;
        begin_immediate(connection)?;
        // Other processes commit too, so the numbers are read anew each time.
        let sequence = reader::sequence(connection).map_err(store_error)?;
        let last_event = reader::last_event(connection).map_err(store_error)?;
        if sequence != self.sequence {
            self.heads.clear();
        }
        let mut group = Group {
            connection,
            schema: &setup.schema,
            heads: &mut self.heads,
            clock: &*setup.options.clock,
            progress: Progress { sequence, last_event, announced: None, changed: false },
        };
        for job in jobs {
            job.attempt(&mut group).map_err(Trouble::Member)?;
        }
        let progress = group.progress;
        if progress.changed {
            commit(connection, &progress)?;
        } else {
            execute(connection, "ROLLBACK")?;
        }
        self.sequence = progress.sequence;
        if let Some(announced) = progress.announced {
            setup.hints.stands_at(announced);
        }
        Ok(())
    }
}

impl Trouble {
    fn into_error(self) -> StoreError {
        match self {
            Self::Member(error) | Self::Transaction(error) => error,
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Transaction(error)
    }
}

fn open(setup: &Setup) -> Result<Opened, StoreError> {
    let mut opened = Opened::open(&setup.options.path)?;
    prepare(&opened.connection, &setup.schema, &setup.options.incarnation)?;
    let connection = &mut opened.connection;
    // A commit is acknowledged when the disk has it, not when the operating system has it.
    connection.pragma_update(None, "synchronous", "FULL").map_err(store_error)?;
    if let Some(limit) = setup.options.page_limit {
        connection.pragma_update(None, "max_page_count", limit).map_err(store_error)?;
    }
    if let Some(on_commit) = setup.options.on_commit.clone() {
        let hook = move || {
            on_commit();
            false
        };
        connection.commit_hook(Some(hook)).map_err(store_error)?;
    }
    Ok(opened)
}

fn commit(connection: &Connection, progress: &Progress) -> Result<(), StoreError> {
    // One row each: a statement that may stop half-way through several keeps a journal of its own.
    for (name, number) in [("sequence", progress.sequence), ("event", progress.last_event)] {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        connection
            .prepare_cached("UPDATE meta SET value = ?2 WHERE name = ?1")
            .and_then(|mut statement| statement.execute(params![name, number]))
            .map_err(store_error)?;
    }
    let committed = connection.prepare_cached("COMMIT").and_then(|mut statement| statement.execute([]));
    committed.map(|_| ()).map_err(commit_error)
}

fn execute(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]))
        .map(|_| ())
        .map_err(store_error)
}

/// Enough for a caller to read its answer and decide again.
const SHORTEST_MOMENT: Duration = Duration::from_micros(200);

/// Whoever waits for as long as a group takes has as much to gain as to lose; whoever waits for longer than this would
/// notice.
const LONGEST_MOMENT: Duration = Duration::from_millis(2);

/// In pages of 4 KiB: as long as `SQLite` lets it get by itself.
const LONGEST_LOG: u32 = 1_000;

/// More than this many wait for one flush only on a server under a load that a single disk cannot carry anyway.
const LARGEST_GROUP: usize = 256;
