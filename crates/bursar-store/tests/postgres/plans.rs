//! What the planner makes of statements where one space has nearly everything and another one little: the little is found
//! without a look at the rest.

use std::fs;

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{Batch, CommitId, EventQuery, Expected, Page, SandboxId, Space, Store};
use futures::executor::block_on;
use jiff::Timestamp;

use super::contract::{ACCOUNT, done, home, record, start};
use super::server::Server;

#[test]
fn a_small_sandbox_is_read_without_the_lines_of_a_large_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    server.stop();
    server.set(
        &[
            "session_preload_libraries=auto_explain",
            "auto_explain.log_min_duration=0",
            "auto_explain.log_analyze=on",
        ]
        .map(str::to_owned),
    );
    server.restart();
    let store = server.store();
    let small = Space::Sandbox(SandboxId::parse("small").unwrap());
    for number in 0..5 {
        let key = number.to_string();
        let batch = Batch::new(small.clone(), CommitId(key.clone()));
        let batch = batch.put(record(&ACCOUNT, &key, "x"), Expected::Absent);
        done(&block_on(store.commit(batch.event(Event::new(start(), "made", key)))).unwrap().value);
    }
    let large = home();
    server.ask(&format!(
        "INSERT INTO bursar.event SELECT nextval('bursar.commit_sequence'), '{0}', 1, 'made', 'large', '{{}}' \
           FROM generate_series(1, {LARGE}); \
         INSERT INTO bursar.change_log SELECT '{0}', nextval('bursar.commit_sequence'), 0, 'account', 'x' \
           FROM generate_series(1, {LARGE}); \
         INSERT INTO bursar.kind_account (space, key, version, body) SELECT '{0}', number, 1, '' \
           FROM generate_series(1, {LARGE}) AS number",
        large.as_str()
    ));
    server.ask("VACUUM ANALYZE");
    // Often enough that the planner stops looking at what is asked for.
    for _ in 0..10 {
        let of =
            |subject: Option<&str>| EventQuery { after: 0, subject: subject.map(str::to_owned), limit: 100 };
        let events = |query| block_on(store.events(&small, query)).unwrap().value.len();
        assert_eq!((events(of(None)), events(of(Some("3")))), (5, 1));
        assert_eq!(block_on(store.changes(&small, 0, 100)).unwrap().value.list.len(), 5);
        assert_eq!(block_on(store.list(&small, &ACCOUNT, Page::first(100))).unwrap().value.len(), 5);
        assert_eq!(block_on(store.forget_events(&small, Timestamp::UNIX_EPOCH, 100)).unwrap(), 0);
        assert_eq!(block_on(store.expire(&small, &ACCOUNT, 100)).unwrap(), 0);
    }
    drop(store);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    let plans = log.matches("event_by_space").count();
    assert!(plans >= 20, "{plans} plans were logged");
    let passed_by =
        log.lines().filter_map(|line| line.split_once("Rows Removed by Filter: ")?.1.parse().ok());
    // The catalogues that a start looks into have some hundred lines.
    assert_eq!(passed_by.filter(|rows: &usize| *rows > LARGE / 10).count(), 0, "{log}");
}

/// More than fits on some pages, so that an index is worth it.
const LARGE: usize = 20_000;
