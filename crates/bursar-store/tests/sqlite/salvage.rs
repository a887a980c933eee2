//! A damaged file gives back everything that can still be read.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{EventQuery, Expected, Origin, SandboxId, Space, StoreError, Version};
use bursar_store::sqlite::salvage::{SalvageReport, salvage};
use bursar_store::sqlite::{SqliteOptions, SqliteStore};
use futures::executor::block_on;
use tempfile::TempDir;

use super::sqlite_options;
use crate::contract::{ACCOUNT, Bench, SETTING, USE, after, done, home, keys, record, start};

const PAGE: u64 = 4096;
const RECORDS: usize = 400;

struct Damaged {
    folder: TempDir,
    path: PathBuf,
    last: Version,
}

/// A closed store: accounts of half a page each, some hot records, one setting, one event a batch.
fn filled() -> Damaged {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path());
    let mut last = Version(0);
    for tens in 0..RECORDS / 10 {
        let mut batch = bench.batch().event(Event::new(start(), "account.created", tens.to_string()));
        for number in tens * 10..tens * 10 + 10 {
            let mut account = record(&ACCOUNT, &format!("{number:03}"), &format!("{number:03}").repeat(600));
            account.indexes = vec![("owner", format!("owner {tens}"))];
            account.due_at = Some(after(i64::try_from(number).unwrap()));
            batch = batch.put(account, Expected::Absent);
            batch = batch.put(record(&USE, &format!("{number:03}"), "used"), Expected::Absent);
        }
        last = done(&bench.commit(batch));
    }
    done(&bench.commit(bench.batch_in(Space::System).put(record(&SETTING, "s", "1"), Expected::Absent)));
    let path = folder.path().join("bursar.db");
    Damaged { folder, path, last }
}

fn bench(folder: &Path) -> Bench {
    let clock = ManualClock::new(start());
    Bench::new(Arc::new(SqliteStore::open(sqlite_options(folder, clock.clone())).unwrap()), clock)
}

impl Damaged {
    fn overwrite(&self, page: u64, garbage: &[u8]) {
        let file = fs::OpenOptions::new().write(true).open(&self.path).unwrap();
        for start in (0..PAGE).step_by(garbage.len()) {
            file.write_all_at(garbage, page * PAGE + start).unwrap();
        }
    }

    fn pages(&self) -> u64 {
        fs::metadata(&self.path).unwrap().len() / PAGE
    }

    fn salvage(&self) -> SalvageReport {
        let options = sqlite_options(self.folder.path(), ManualClock::new(after(60)));
        salvage(&SqliteOptions { incarnation: "second".to_owned(), ..options }).unwrap()
    }

    /// Whatever is there must be what was written, findable in every way, and the store must be in full working order.
    fn assert_sound(&self, report: &SalvageReport) -> usize {
        let bench = bench(self.folder.path());
        let accounts = bench.list(&ACCOUNT);
        assert_eq!(report.recovered["account"], accounts.len() as u64);
        for account in &accounts {
            assert_eq!(account.body, account.key.repeat(600).as_bytes());
            assert!(account.version <= self.last);
            let owner = format!("owner {}", account.key.parse::<usize>().unwrap() / 10);
            assert!(keys(&bench.find("owner", &owner)).contains(&account.key.as_str()));
        }
        let created = bench.create(record(&ACCOUNT, "new", ""));
        assert!(created > self.last, "{created:?} after {:?}", self.last);
        drop(bench);
        let options = sqlite_options(self.folder.path(), ManualClock::new(start()));
        assert_eq!(SqliteStore::open(options).unwrap().integrity().unwrap(), [""; 0]);
        accounts.len()
    }
}

#[test]
fn garbage_page_costs_only_what_it_held() {
    let whole = filled();
    let mut least = RECORDS;
    // Page 0 is another test. A sample of all that comes after the roots of the tables: leaves, overflow, indexes.
    let pages: HashSet<u64> = (1..whole.pages()).step_by(16).chain([whole.pages() - 1]).collect();
    for page in pages {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bursar.db");
        fs::copy(&whole.path, &path).unwrap();
        let damaged = Damaged { folder, path, last: whole.last };
        damaged.overwrite(page, b"garbage!");
        let report = damaged.salvage();
        let left = damaged.assert_sound(&report);
        assert!(
            left == RECORDS || !report.lost.is_empty(),
            "page {page}: {left} left, and nothing told of the rest"
        );
        least = least.min(left);
    }
    assert!((RECORDS - 20..RECORDS).contains(&least), "{least} left in the worst case");
}

#[test]
fn garbage_in_the_middle_of_the_accounts_is_stepped_over() {
    let damaged = filled();
    let connection = rusqlite::Connection::open(&damaged.path).unwrap();
    // A leaf from the middle of the table, as the file itself tells.
    let sql = "SELECT pageno FROM dbstat WHERE name = 'kind_account' AND pagetype = 'leaf' ORDER BY path";
    let leaves = connection.prepare(sql).and_then(|mut leaves| {
        leaves.query_map([], |row| row.get::<_, i64>(0))?.collect::<Result<Vec<_>, _>>()
    });
    drop(connection);
    // Builds without the page statistics have the test above.
    let leaf =
        leaves.map_or(damaged.pages() / 2, |leaves| u64::try_from(leaves[leaves.len() / 2] - 1).unwrap());
    damaged.overwrite(leaf, &[0xa5]);
    let report = damaged.salvage();
    let left = damaged.assert_sound(&report);
    assert!((RECORDS - 20..RECORDS).contains(&left), "{left} left; {:?}", report.lost);
    assert!(report.lost.iter().any(|line| line.starts_with("account: ")), "{:?}", report.lost);
}

#[test]
fn whole_file_is_salvaged_whole() {
    let whole = filled();
    let before = fs::read(&whole.path).unwrap();
    let report = whole.salvage();
    assert_eq!(report.lost, [""; 0]);
    assert_eq!(whole.assert_sound(&report), RECORDS);
    assert_eq!((report.recovered["use"], report.recovered["setting"], report.events), (400, 1, 40));
    let query = EventQuery { after: 0, subject: None, limit: 100 };
    let events = block_on(bench(whole.folder.path()).store.events(&home(), query)).unwrap().value;
    assert_eq!(events.len(), 40);
    assert!(events.iter().enumerate().all(|(tens, stored)| stored.event.subject == tens.to_string()));
    let origin = Origin::Restored {
        from: "first".to_owned(),
        source_is_dead: true,
        grants_stand: true,
        honours_from: None,
    };
    assert_eq!((report.incarnation.id.as_str(), &report.incarnation.origin), ("second", &origin));
    let health = block_on(bench(whole.folder.path()).store.health()).unwrap();
    assert_eq!(health.incarnation, report.incarnation);
    assert_eq!(report.moved_to.file_name().unwrap(), "bursar.db.damaged-20231114T221420Z");
    assert_eq!(fs::read(&report.moved_to).unwrap(), before);
    let left = fs::read_dir(whole.folder.path()).unwrap();
    let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["bursar.db", "bursar.db.damaged-20231114T221420Z"]);
}

#[test]
fn garbage_among_the_events_costs_only_what_it_held_and_nothing_of_another_space() {
    let damaged = filled();
    let told = bench(damaged.folder.path());
    let event = |number: usize| Event::new(start(), &format!("test.number_{number:04}"), "a");
    for hundred in 0..20 {
        let events = (hundred * 100..hundred * 100 + 100).map(event).collect();
        block_on(told.store.append(&home(), events)).unwrap();
    }
    // One space has a record besides, the other has nothing any more.
    let others = [Space::System, Space::Sandbox(SandboxId::parse("gone").unwrap())];
    for other in &others {
        done(&told.commit(told.batch_in(other.clone()).event(Event::new(start(), "test.elsewhere", "s"))));
    }
    drop(told);
    let file = fs::read(&damaged.path).unwrap();
    let has_the_middle = |page: &[u8]| page.windows(16).any(|text| text == b"test.number_1000");
    let page = file.chunks(usize::try_from(PAGE).unwrap()).position(has_the_middle).unwrap();
    damaged.overwrite(u64::try_from(page).unwrap(), b"garbage!");
    let report = damaged.salvage();
    assert!((2_042 - 100..2_042).contains(&report.events), "{} events", report.events);
    assert!(report.lost.iter().any(|line| line.starts_with("events: ")), "{:?}", report.lost);
    let saved = bench(damaged.folder.path());
    let everything = || EventQuery { after: 0, subject: None, limit: 3_000 };
    let here = block_on(saved.store.events(&home(), everything())).unwrap().value;
    assert_eq!(here.len() as u64, report.events - 2);
    assert!(here.is_sorted_by_key(|stored| stored.id));
    assert_eq!(here.last().unwrap().event.name, "test.number_1999");
    for other in &others {
        let elsewhere = block_on(saved.store.events(other, everything())).unwrap().value;
        assert_eq!(elsewhere[0].event.name, "test.elsewhere");
    }
}

#[test]
fn destroyed_header_costs_no_record() {
    let damaged = filled();
    let file = fs::OpenOptions::new().write(true).open(&damaged.path).unwrap();
    file.write_all_at(&[0; 100], 0).unwrap();
    let opened = SqliteStore::open(sqlite_options(damaged.folder.path(), ManualClock::new(start())));
    assert!(matches!(opened, Err(StoreError::Damaged(_))));
    let report = damaged.salvage();
    assert_eq!(damaged.assert_sound(&report), RECORDS);
    assert_eq!(report.lost, ["the file's header"]);
}

#[test]
fn truncated_file_gives_back_its_first_part() {
    let damaged = filled();
    let file = fs::OpenOptions::new().write(true).open(&damaged.path).unwrap();
    file.set_len(damaged.pages() / 2 * PAGE).unwrap();
    let report = damaged.salvage();
    let left = damaged.assert_sound(&report);
    assert!((RECORDS / 4..RECORDS).contains(&left), "{left} left; {:?}", report.lost);
    assert!(!report.lost.is_empty());
}

#[test]
fn file_of_noise_gives_a_working_empty_store() {
    let damaged = filled();
    for page in 0..damaged.pages() {
        damaged.overwrite(page, b"noise...");
    }
    let report = damaged.salvage();
    assert!(report.lost.iter().any(|line| line.starts_with("account: ")), "{:?}", report.lost);
    let bench = bench(damaged.folder.path());
    assert_eq!(bench.list(&ACCOUNT), []);
    let origin = Origin::Restored {
        from: "unknown".to_owned(),
        source_is_dead: true,
        grants_stand: true,
        honours_from: None,
    };
    assert_eq!(block_on(bench.store.health()).unwrap().incarnation.origin, origin);
    bench.create(record(&ACCOUNT, "new", ""));
}

#[test]
fn commits_still_in_the_log_are_salvaged_too() {
    let damaged = filled();
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(damaged.folder.path());
    let mut late = record(&ACCOUNT, "999", &"999".repeat(600));
    late.indexes = vec![("owner", "owner 99".to_owned())];
    let last = bench.create(late);
    // As a crash leaves them: the log is not yet in the file.
    for file in ["bursar.db", "bursar.db-wal"] {
        fs::copy(damaged.folder.path().join(file), folder.path().join(file)).unwrap();
    }
    drop(bench);
    let path = folder.path().join("bursar.db");
    let crashed = Damaged { folder, path, last };
    let report = crashed.salvage();
    assert_eq!(crashed.assert_sound(&report), RECORDS + 1);
    assert!(
        report
            .moved_to
            .with_extension(format!("{}-wal", report.moved_to.extension().unwrap().to_str().unwrap()))
            .exists()
    );
}
