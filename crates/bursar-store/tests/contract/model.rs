//! Random operations against a model so simple that it is obviously right.

use std::collections::BTreeMap;
use std::time::Duration;

use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::store::{Commit, Expected, Kind, NewRecord, Page, Record, Version};
use futures::executor::block_on;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{ACCOUNT, Bench, USE, home, on_every_backend, start};

const KEYS: [&str; 4] = ["", "a", "a\0", "b"];
const OWNERS: [&str; 3] = ["", "me", "you"];

#[derive(Clone, Debug)]
enum Operation {
    Commit { writes: Vec<Write>, guards: Vec<Check> },
    Advance(u64),
    Expire { kind: usize, limit: usize },
    List { kind: usize, after: Option<usize>, limit: usize },
    Find { owner: usize, after: Option<usize>, limit: usize },
    Due { kind: usize, until: i64, limit: usize },
}

#[derive(Clone, Debug)]
struct Write {
    check: Check,
    content: Option<Content>,
}

#[derive(Clone, Debug)]
struct Content {
    body: u8,
    owner: Option<usize>,
    due_in: Option<i64>,
    expires_in: Option<i64>,
}

#[derive(Clone, Debug)]
struct Check {
    kind: usize,
    key: usize,
    belief: Belief,
}

/// What a writer believes of a record: mostly the truth, or commits would rarely happen.
#[derive(Clone, Copy, Debug)]
enum Belief {
    Truth,
    Absent,
    Older,
}

fn kind(index: usize) -> &'static Kind {
    [&ACCOUNT, &USE][index]
}

fn operation() -> impl Strategy<Value = Operation> {
    let limit = 0_usize..4;
    let page = (proptest::option::of(0..KEYS.len()), limit.clone());
    prop_oneof![
        6 => (proptest::collection::vec(write(), 1..4), proptest::collection::vec(check(), 0..3))
            .prop_map(|(writes, guards)| Operation::Commit { writes, guards }),
        1 => (0_u64..8).prop_map(Operation::Advance),
        1 => (0_usize..2, limit.clone()).prop_map(|(kind, limit)| Operation::Expire { kind, limit }),
        1 => (0_usize..2, page.clone()).prop_map(|(kind, (after, limit))| Operation::List { kind, after, limit }),
        1 => (0..OWNERS.len(), page).prop_map(|(owner, (after, limit))| Operation::Find { owner, after, limit }),
        1 => (0_usize..2, -5_i64..20, limit).prop_map(|(kind, until, limit)| Operation::Due { kind, until, limit }),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    let in_seconds = || proptest::option::of(-2_i64..12);
    let content = (any::<u8>(), proptest::option::of(0..OWNERS.len()), in_seconds(), in_seconds())
        .prop_map(|(body, owner, due_in, expires_in)| Content { body, owner, due_in, expires_in });
    (check(), proptest::option::weighted(0.8, content)).prop_map(|(check, content)| Write { check, content })
}

fn check() -> impl Strategy<Value = Check> {
    let belief = prop_oneof![8 => Just(Belief::Truth), 1 => Just(Belief::Absent), 1 => Just(Belief::Older)];
    (0_usize..2, 0..KEYS.len(), belief).prop_map(|(kind, key, belief)| Check { kind, key, belief })
}

/// All records in one map, searched from end to end.
#[derive(Debug)]
struct Model {
    records: BTreeMap<(usize, &'static str), (Record, Option<&'static str>)>,
    last: Version,
}

impl Model {
    fn empty() -> Self {
        Self { records: BTreeMap::new(), last: Version(0) }
    }

    fn live(&self, of: usize, now: Timestamp) -> impl Iterator<Item = &(Record, Option<&'static str>)> {
        let kept = move |record: &Record| record.expires_at.is_none_or(|expires_at| expires_at > now);
        self.records
            .iter()
            .filter(move |((kind, _), (record, _))| *kind == of && kept(record))
            .map(|(_, row)| row)
    }

    fn version(&self, check: &Check, now: Timestamp) -> Option<Version> {
        self.live(check.kind, now)
            .find(|(record, _)| record.key == KEYS[check.key])
            .map(|(record, _)| record.version)
    }

    fn expected(&self, check: &Check, now: Timestamp) -> Expected {
        let truth = self.version(check, now).map_or(Expected::Absent, Expected::Version);
        match (check.belief, truth) {
            (Belief::Truth, truth) => truth,
            (Belief::Absent, _) => Expected::Absent,
            (Belief::Older, Expected::Version(version)) => Expected::Version(Version(version.0 - 1)),
            (Belief::Older, Expected::Absent) => Expected::Version(self.last),
        }
    }

    fn holds(&self, check: &Check, expected: Expected, now: Timestamp) -> bool {
        self.version(check, now).map_or(Expected::Absent, Expected::Version) == expected
    }

    fn apply(&mut self, write: &Write, version: Version, now: Timestamp) {
        let place = (write.check.kind, KEYS[write.check.key]);
        let Some(content) = &write.content else {
            self.records.remove(&place);
            return;
        };
        let new = new_record(&write.check, content, now);
        let record =
            Record { key: new.key, version, body: new.body, due_at: new.due_at, expires_at: new.expires_at };
        let owner = new.indexes.first().and(content.owner).map(|owner| OWNERS[owner]);
        self.records.insert(place, (record, owner));
    }

    fn page(&self, of: usize, owner: Option<&str>, page: &Page, now: Timestamp) -> Vec<Record> {
        let wanted = |row: &&(Record, Option<&'static str>)| {
            (owner.is_none() || row.1 == owner) && page.after.as_ref().is_none_or(|after| row.0.key > *after)
        };
        self.live(of, now).filter(wanted).take(page.limit).map(|(record, _)| record.clone()).collect()
    }

    fn due(&self, of: usize, now: Timestamp) -> Vec<Record> {
        let mut due: Vec<Record> =
            self.live(of, now).map(|row| row.0.clone()).filter(|record| record.due_at.is_some()).collect();
        due.sort_by(|one, other| (one.due_at, &one.key).cmp(&(other.due_at, &other.key)));
        due
    }

    fn expire(&mut self, of: usize, now: Timestamp) -> usize {
        let before = self.records.len();
        let gone = |record: &Record| record.expires_at.is_some_and(|expires_at| expires_at <= now);
        self.records.retain(|(kind, _), (record, _)| *kind != of || !gone(record));
        before - self.records.len()
    }
}

fn new_record(check: &Check, content: &Content, now: Timestamp) -> NewRecord {
    let in_seconds = |seconds: i64| now + SignedDuration::from_secs(seconds);
    let kind = kind(check.kind);
    // Only one of the two kinds is indexed.
    let owner = content.owner.filter(|_| !kind.indexes.is_empty());
    NewRecord {
        kind,
        key: KEYS[check.key].to_owned(),
        body: vec![content.body],
        indexes: owner.map(|owner| ("owner", OWNERS[owner].to_owned())).into_iter().collect(),
        due_at: content.due_in.map(in_seconds),
        expires_at: content.expires_in.map(in_seconds),
    }
}

fn page(after: Option<usize>, limit: usize) -> Page {
    Page { after: after.map(|key| KEYS[key].to_owned()), limit }
}

fn run(bench: &Bench, model: &mut Model, operation: &Operation) {
    let (store, now) = (&*bench.store, bench.clock.now());
    match operation {
        Operation::Commit { writes, guards } => commit(bench, model, writes, guards),
        Operation::Advance(seconds) => bench.clock.advance(Duration::from_secs(*seconds)),
        Operation::Expire { kind: of, limit } => {
            let expired = block_on(store.expire(&home(), kind(*of), *limit)).unwrap();
            // Which ones go first is nobody's business, so the rest goes too.
            let rest = block_on(store.expire(&home(), kind(*of), 100)).unwrap();
            let all = model.expire(*of, now);
            assert_eq!((expired, expired + rest), (all.min(*limit), all));
        }
        Operation::List { kind: of, after, limit } => {
            let page = page(*after, *limit);
            let found = block_on(store.list(&home(), kind(*of), page.clone())).unwrap().value;
            assert_eq!(found, model.page(*of, None, &page, now));
        }
        Operation::Find { owner, after, limit } => {
            let (owner, page) = (OWNERS[*owner], page(*after, *limit));
            let found = block_on(store.find(&home(), &ACCOUNT, "owner", owner, page.clone())).unwrap().value;
            assert_eq!(found, model.page(0, Some(owner), &page, now));
        }
        Operation::Due { kind: of, until, limit } => {
            let until = now + SignedDuration::from_secs(*until);
            let found = block_on(store.due(&home(), kind(*of), until, *limit)).unwrap().value;
            let all = model.due(*of, now);
            let due = all.iter().filter(|record| record.due_at.is_some_and(|due_at| due_at <= until));
            let expected: Vec<Record> = due.take(*limit).cloned().collect();
            assert_eq!(found.next, all.get(expected.len()).and_then(|record| record.due_at));
            assert_eq!(found.records, expected);
        }
    }
}

fn commit(bench: &Bench, model: &mut Model, writes: &[Write], guards: &[Check]) {
    let now = bench.clock.now();
    let mut batch = bench.batch();
    let mut checks = Vec::new();
    let mut written: Vec<&Write> = Vec::new();
    for write in writes {
        let place = (write.check.kind, write.check.key);
        if written.iter().any(|other| (other.check.kind, other.check.key) == place) {
            continue;
        }
        let expected = model.expected(&write.check, now);
        batch = match (&write.content, expected) {
            (Some(content), expected) => batch.put(new_record(&write.check, content, now), expected),
            (None, Expected::Version(version)) => batch.delete(kind(place.0), KEYS[place.1], version),
            (None, Expected::Absent) => continue,
        };
        checks.push((&write.check, expected));
        written.push(write);
    }
    for guard in guards {
        let expected = model.expected(guard, now);
        batch = batch.guard(kind(guard.kind), KEYS[guard.key], expected);
        checks.push((guard, expected));
    }
    let broken = checks.iter().find(|(check, expected)| !model.holds(check, *expected, now));
    match (bench.commit(batch), broken) {
        (Commit::Done(version), None) => {
            assert!(version > model.last, "{version:?} after {:?}", model.last);
            model.last = version;
            for write in written {
                model.apply(write, version, now);
            }
        }
        (Commit::Conflict { kind: name, key }, Some((check, _))) => {
            assert_eq!((name, key.as_str()), (kind(check.kind).name, KEYS[check.key]));
        }
        (answer, broken) => panic!("answered {answer:?} although {broken:?} is broken"),
    }
}

#[test]
fn store_behaves_like_the_model_under_random_operations() {
    on_every_backend(|bench| {
        assert_eq!(bench.clock.now(), start());
        // One store for all cases saves hundreds of files; what a case leaves behind is removed first.
        let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
        let operations = proptest::collection::vec(operation(), 1..25);
        let result = TestRunner::new(config).run(&operations, |operations| {
            for of in [&ACCOUNT, &USE] {
                let leftover = bench.list(of).into_iter();
                let empty = leftover
                    .fold(bench.batch(), |batch, record| batch.delete(of, record.key, record.version));
                bench.commit(empty);
                block_on(bench.store.expire(&home(), of, 100)).unwrap();
            }
            let mut model = Model::empty();
            for operation in &operations {
                run(bench, &mut model, operation);
            }
            for (of, kind) in [&ACCOUNT, &USE].into_iter().enumerate() {
                assert_eq!(bench.list(kind), model.page(of, None, &Page::first(100), bench.clock.now()));
            }
            Ok(())
        });
        result.unwrap();
    });
}
