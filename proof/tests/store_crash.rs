//! Real processes write to one store and are killed: what was acknowledged is there whole, the rest whole or absent.

#![expect(clippy::unwrap_used, reason = "a test, its helpers included, ends at the first surprise")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bursar_core::memory::clock::ManualClock;
use bursar_core::memory::random::SeededRandom;
use bursar_core::ports::random::Random as _;
use bursar_core::ports::store::{
    CommitId, EventQuery, Group, Kind, Page, Record, SandboxId, Scope, Space, Store as _,
};
use bursar_store::sqlite::{SqliteOptions, SqliteStore};
use futures::executor::block_on;
use jiff::Timestamp;

static ONE: Kind = kind("one");
static TWO: Kind = kind("two");
static THREE: Kind = kind("three");
static KINDS: &[&Kind] = &[&ONE, &TWO, &THREE];

/// Kills by signal, at any moment.
const KILLS: u64 = 40;

/// Ends inside the commit itself, after everything is written and before it is durable.
const ABORTS: u64 = 20;

const fn kind(name: &'static str) -> Kind {
    Kind { name, scope: Scope::Sandbox, group: Group::Durable, indexes: &["number"], watched: true }
}

fn writer(file: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_store-writer"));
    command.arg(file).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
    command.spawn().unwrap()
}

fn open(file: &Path) -> SqliteStore {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    SqliteStore::open(SqliteOptions::new(file, KINDS, clock, "parent")).unwrap()
}

fn home() -> Space {
    Space::Sandbox(SandboxId::personal())
}

/// A number below `end`.
fn below(random: &SeededRandom, end: u64) -> u64 {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    u64::from_be_bytes(bytes) % end
}

/// Everything the writer acknowledged, the lines after the kill included: they were in the pipe.
fn acknowledged(mut child: Child, kill_after: Option<u64>) -> BTreeSet<u64> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut seen = BTreeSet::new();
    if let Some(count) = kill_after {
        seen.extend(
            lines.by_ref().take(usize::try_from(count).unwrap()).map(|line| line.parse::<u64>().unwrap()),
        );
        child.kill().unwrap();
    }
    seen.extend(lines.map(|line| line.parse::<u64>().unwrap()));
    assert!(!child.wait().unwrap().success(), "the writer ended by itself");
    seen
}

fn all(store: &SqliteStore, kind: &'static Kind) -> Vec<Record> {
    block_on(store.list(&home(), kind, Page::first(usize::MAX))).unwrap().value
}

fn numbers(records: &[Record]) -> BTreeSet<u64> {
    records.iter().map(|record| record.key.parse().unwrap()).collect()
}

/// The numbers that are stored; each of them must be stored whole.
fn assert_whole(file: &Path, promised: &BTreeSet<u64>) -> BTreeSet<u64> {
    let store = open(file);
    assert_eq!(store.integrity().unwrap(), [""; 0]);
    let records = [&ONE, &TWO, &THREE].map(|kind| all(&store, kind));
    let stored = numbers(&records[0]);
    assert!(records.iter().all(|records| numbers(records) == stored), "a batch was torn apart");
    for ((one, two), three) in records[0].iter().zip(&records[1]).zip(&records[2]) {
        assert!(one == two && two == three, "the parts of {} differ", one.key);
        let length = 1 + one.key.parse::<usize>().unwrap() % 200 * 7;
        assert_eq!(one.body, one.key.repeat(length).as_bytes());
        let id = CommitId(format!("number {}", one.key));
        assert_eq!(block_on(store.outcome(&home(), &id)).unwrap().value, Some(one.version.0));
    }
    let query = EventQuery { after: 0, subject: None, limit: usize::MAX };
    let events = block_on(store.events(&home(), query)).unwrap().value;
    let told: BTreeSet<u64> = events.iter().map(|stored| stored.event.subject.parse().unwrap()).collect();
    assert_eq!((told.len(), &told), (events.len(), &stored), "events and records disagree");
    let changes = block_on(store.changes(&home(), 0, usize::MAX)).unwrap().value;
    assert_eq!(changes.list.len(), stored.len() * KINDS.len());
    let lost: Vec<_> = promised.difference(&stored).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    stored
}

#[test]
fn no_acknowledged_commit_is_lost_and_none_is_torn_when_writers_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bursar.db");
    let random = SeededRandom::new(1);
    let mut promised = BTreeSet::new();
    let mut first = 0;
    for round in 0..KILLS + ABORTS {
        let aborts = round % 3 == 2;
        let after = below(&random, 20);
        let from = first.to_string();
        let acknowledged = if aborts {
            acknowledged(writer(&file, &["number", &from, &after.to_string()]), None)
        } else {
            acknowledged(writer(&file, &["number", &from]), Some(after))
        };
        promised.extend(acknowledged);
        let stored = assert_whole(&file, &promised);
        first = stored.last().map_or(0, |last| last + 1);
    }
    assert!(promised.len() as u64 > KILLS, "only {} commits in all", promised.len());
}

#[test]
fn four_processes_lose_no_increment() {
    const PROCESSES: u64 = 4;
    const ROUNDS: u64 = 50;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bursar.db");
    // All of them also race to make the file.
    let children: Vec<Child> = (0..PROCESSES)
        .map(|process| writer(&file, &["increment", &format!("p{process}"), &ROUNDS.to_string()]))
        .collect();
    let mut all_versions = BTreeSet::new();
    for mut child in children {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let versions: Vec<u64> = lines.map(|line| line.unwrap().parse().unwrap()).collect();
        assert!(child.wait().unwrap().success());
        assert!(versions.is_sorted_by(|one, next| one < next), "{versions:?}");
        assert_eq!(versions.len() as u64, ROUNDS);
        all_versions.extend(versions);
    }
    assert_eq!(all_versions.len() as u64, PROCESSES * ROUNDS, "two commits share a version");
    let store = open(&file);
    let shared = block_on(store.get(&home(), &ONE, "shared")).unwrap().value.unwrap();
    assert_eq!(String::from_utf8(shared.body).unwrap(), (PROCESSES * ROUNDS).to_string());
    assert_eq!(all(&store, &TWO).len() as u64, PROCESSES * ROUNDS);
}
