//! One thread that writes: it takes what has gathered, puts it into one transaction and answers when that is durable.
//!
//! The flush to disk is what a commit costs, so everybody who waits while one flush runs shares the next.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::store::{Sequence, StoreError};
use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::connection::{Opened, begin_immediate};
use super::errors::{commit_error, store_error};
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
    pub(super) hint: watch::Sender<Sequence>,
}

#[derive(Debug)]
struct Running {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

/// Does its work inside a group, or takes the reason why there is none; either way it returns who is to be answered.
type Job = Box<dyn FnOnce(Result<&mut Group<'_>, StoreError>) -> Reply + Send>;

/// Answers one caller once the fate of the group is known.
type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// One write transaction, shared by several callers.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) connection: &'a Connection,
    pub(super) schema: &'a Schema,
    clock: &'a dyn Clock,
    progress: Progress,
    broken: Option<StoreError>,
}

/// What a group has done so far.
#[derive(Clone, Copy, Debug)]
struct Progress {
    sequence: Sequence,
    announced: Option<Sequence>,
    changed: bool,
}

impl Writer {
    pub(super) fn new(setup: Setup) -> Self {
        Self { setup: Arc::new(setup), running: Mutex::new(None) }
    }

    /// The channel through which everybody hears of commits.
    pub(super) fn hint(&self) -> &watch::Sender<Sequence> {
        &self.setup.hint
    }

    /// Runs `work` in the next group. It is done whether or not the caller waits for the answer.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Group<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Box::new(move |group| {
            let done = group.and_then(|group| group.attempt(work));
            Box::new(move |committed| {
                // A caller who has gone away can ask for the outcome.
                let _ = answer.send(committed.and(done));
            })
        }))?;
        answered
            .await
            .unwrap_or_else(|_| Err(StoreError::UnknownOutcome("the writer ended unexpectedly".to_owned())))
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        // A thread that is gone was ended by a panic, and that must not end the store.
        let alive = running.take().filter(|running| !running.thread.is_finished());
        let started = match alive {
            Some(alive) => alive,
            None => start(&self.setup)?,
        };
        let sent = started.jobs.send(job);
        *running = Some(started);
        sent.map_err(|_| StoreError::Unavailable("the writer is ending".to_owned()))
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

    /// Notes that watchers should hear of the commit `sequence`.
    pub(super) fn announce(&mut self, sequence: Sequence) {
        self.progress.announced = Some(sequence);
    }

    /// Notes that something was written.
    pub(super) fn changed(&mut self) {
        self.progress.changed = true;
    }

    /// Does one caller's work whole or not at all, whatever happens to the others.
    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut Group<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let before = self.progress;
        let result = execute(self.connection, "SAVEPOINT batch").and_then(|()| work(self));
        let undone = match &result {
            Ok(_) => Ok(()),
            Err(_) => execute(self.connection, "ROLLBACK TO batch"),
        };
        let closed = undone.and_then(|()| execute(self.connection, "RELEASE batch"));
        if result.is_err() {
            self.progress = before;
        }
        // On some errors SQLite gives up the whole transaction; anything after that would commit on its own.
        if let Err(error) = closed {
            self.broken = Some(result.as_ref().err().unwrap_or(&error).clone());
            return Err(error);
        }
        result
    }
}

fn start(setup: &Arc<Setup>) -> Result<Running, StoreError> {
    let (jobs, received) = channel();
    let setup = Arc::clone(setup);
    let thread = thread::Builder::new()
        .name("bursar-store".to_owned())
        .spawn(move || write_until_closed(&setup, &received))
        .map_err(|error| StoreError::Unavailable(format!("no thread for writing: {error}")))?;
    Ok(Running { jobs, thread })
}

fn write_until_closed(setup: &Setup, jobs: &Receiver<Job>) {
    let mut kept = None;
    let mut last_group = 1;
    while let Ok(first) = jobs.recv() {
        let gathered = gather(first, jobs, last_group);
        last_group = gathered.len();
        match connection(setup, &mut kept) {
            Ok(opened) => {
                if write(setup, opened, gathered).is_err() {
                    // Nothing is assumed of a connection that failed.
                    kept = None;
                }
            }
            Err(error) => refuse(gathered, &error),
        }
    }
}

/// Takes what is there, and waits a moment for as many as came last time: those who were just answered are about to
/// ask again, and whoever misses this flush waits for two.
fn gather(first: Job, jobs: &Receiver<Job>, last_group: usize) -> Vec<Job> {
    let mut gathered = vec![first];
    gathered.extend(jobs.try_iter().take(LARGEST_GROUP - 1));
    while gathered.len() < last_group {
        match jobs.recv_timeout(MOMENT) {
            Ok(job) => gathered.push(job),
            Err(_) => break,
        }
    }
    gathered
}

fn connection<'a>(setup: &Setup, kept: &'a mut Option<Opened>) -> Result<&'a Opened, StoreError> {
    let path: &PathBuf = &setup.options.path;
    let usable = kept.take().filter(|opened| opened.is_current(path));
    let opened = match usable {
        Some(opened) => opened,
        None => open(setup)?,
    };
    Ok(kept.insert(opened))
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

/// Writes a group and answers everybody in it.
fn write(setup: &Setup, opened: &Opened, jobs: Vec<Job>) -> Result<(), StoreError> {
    let connection = &opened.connection;
    let started = begin_immediate(connection).and_then(|()| {
        // Other processes commit too, so the number is read anew each time.
        reader::sequence(connection).map_err(store_error)
    });
    let sequence = match started {
        Ok(sequence) => sequence,
        Err(error) => {
            refuse(jobs, &error);
            return Err(error);
        }
    };
    let mut group = Group {
        connection,
        schema: &setup.schema,
        clock: &*setup.options.clock,
        progress: Progress { sequence, announced: None, changed: false },
        broken: None,
    };
    let replies: Vec<Reply> = jobs.into_iter().map(|job| job(Ok(&mut group))).collect();
    let Group { progress, broken, .. } = group;
    let committed = match broken {
        Some(error) => Err(error),
        None if progress.changed => commit(connection, progress.sequence),
        None => execute(connection, "ROLLBACK"),
    };
    if committed.is_ok()
        && let Some(announced) = progress.announced
    {
        // Not only a larger one: a file that was put in the old one's place counts from its own beginning.
        setup.hint.send_if_modified(|last| std::mem::replace(last, announced) != announced);
    }
    for reply in replies {
        reply(committed.clone());
    }
    committed
}

fn commit(connection: &Connection, sequence: Sequence) -> Result<(), StoreError> {
    let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
    connection
        .prepare_cached("UPDATE meta SET value = ?1 WHERE name = 'sequence'")
        .and_then(|mut statement| statement.execute([sequence]))
        .map_err(store_error)?;
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

fn refuse(jobs: Vec<Job>, error: &StoreError) {
    for job in jobs {
        job(Err(error.clone()))(Ok(()));
    }
}

/// A tenth of a flush: little to lose, and enough for a caller to read its answer and decide again.
const MOMENT: Duration = Duration::from_micros(200);

/// More than this many wait for one flush only on a server under a load that a single disk cannot carry anyway.
const LARGEST_GROUP: usize = 256;
