//! A process that writes to a store until it is killed, and says on stdout what was acknowledged.
//!
//! `store-writer FILE number FIRST [COMMITS]` writes numbered batches from FIRST on with four threads, and aborts inside
//! the commit after COMMITS others. `store-writer FILE increment NAME ROUNDS` adds to a shared record.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Batch, Commit, CommitId, Expected, Group, Kind, NewRecord, SandboxId, Scope, Space, Store, StoreError,
};
use bursar_store::sqlite::{SqliteOptions, SqliteStore};
use futures::executor::block_on;
use jiff::Timestamp;

/// Three tables, so that a batch torn apart would show.
static ONE: Kind = kind("one");
static TWO: Kind = kind("two");
static THREE: Kind = kind("three");
static KINDS: &[&Kind] = &[&ONE, &TWO, &THREE];

const fn kind(name: &'static str) -> Kind {
    Kind { name, scope: Scope::Sandbox, group: Group::Durable, indexes: &["number"], watched: true }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [file, "number", first] => write_numbers(file, first.parse()?, None)?,
        [file, "number", first, commits] => write_numbers(file, first.parse()?, Some(commits.parse()?))?,
        [file, "increment", name, rounds] => increment(file, name, rounds.parse()?)?,
        _ => return Err("usage: store-writer FILE number FIRST [COMMITS] | increment NAME ROUNDS".into()),
    }
    Ok(())
}

fn write_numbers(file: &str, first: u64, commits: Option<u64>) -> Result<(), StoreError> {
    let store = open(file, commits)?;
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        write_number(&store, next.fetch_add(1, Ordering::Relaxed))?;
                    }
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    })
}

/// One batch whose parts must agree for ever.
fn write_number(store: &SqliteStore, number: u64) -> Result<(), StoreError> {
    let event = Event::new(Timestamp::UNIX_EPOCH, "number.written", number.to_string());
    let batch = Batch::new(home(), CommitId(format!("number {number}"))).event(event);
    let batch = KINDS.iter().fold(batch, |batch, kind| {
        // Of different lengths, so that pages fill unevenly and some bodies overflow.
        let body = number.to_string().repeat(1 + usize::try_from(number % 200).unwrap_or(0) * 7);
        batch.put(record(kind, &number.to_string(), &body), Expected::Absent)
    });
    block_on(store.commit(batch))?;
    acknowledge(&number.to_string());
    Ok(())
}

fn increment(file: &str, name: &str, rounds: u64) -> Result<(), StoreError> {
    let store = open(file, None)?;
    let mut done = 0;
    for attempt in 0.. {
        if done == rounds {
            break;
        }
        let read = block_on(store.get(&home(), &ONE, "shared"))?.value;
        let (count, expected) = read.map_or((0, Expected::Absent), |record| {
            let count: u64 = String::from_utf8_lossy(&record.body).parse().unwrap_or(u64::MAX);
            (count, Expected::Version(record.version))
        });
        let batch = Batch::new(home(), CommitId(format!("{name} {attempt}")))
            .put(record(&ONE, "shared", &(count + 1).to_string()), expected)
            .put(record(&TWO, &format!("{name} {done}"), ""), Expected::Absent);
        if let Commit::Done(version) = block_on(store.commit(batch))?.value {
            acknowledge(&version.0.to_string());
            done += 1;
        }
    }
    Ok(())
}

fn open(file: &str, commits: Option<u64>) -> Result<SqliteStore, StoreError> {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let mut options = SqliteOptions::new(Path::new(file), KINDS, clock, "writer");
    if let Some(commits) = commits {
        let left = AtomicU64::new(commits);
        options.on_commit = Some(Arc::new(move || {
            if left.fetch_sub(1, Ordering::Relaxed) == 0 {
                std::process::abort();
            }
        }));
    }
    SqliteStore::open(options)
}

fn home() -> Space {
    Space::Sandbox(SandboxId::personal())
}

fn record(kind: &'static Kind, key: &str, body: &str) -> NewRecord {
    let (key, body) = (key.to_owned(), body.as_bytes().to_vec());
    let indexes = vec![("number", key.clone())];
    NewRecord { kind, key, body, indexes, due_at: None, expires_at: None }
}

/// One line, out before anything else happens; a reader who has gone away has killed us or soon will.
fn acknowledge(line: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
