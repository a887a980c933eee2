//! Lists, indexes and due times: what is found, and in which order.

use bursar_core::ports::store::{Expected, Page, Store, StoreError};
use futures::executor::block_on;

use super::{ACCOUNT, Bench, LOGIN, after, done, home, keys, on_every_backend, record};

/// In bytewise order; other orders (UTF-16, case folding, C strings) would differ.
const ODD_KEYS: [&str; 11] = ["", "\0", "\0\0", "A", "Z", "a", "a\0", "a\0b", "aa", "ü", "\u{ffff}"];

fn create_indexed(bench: &Bench, key: &str, provider: &str) {
    let mut account = record(&ACCOUNT, key, provider);
    account.indexes = vec![("provider", provider.to_owned())];
    bench.create(account);
}

fn create_due(bench: &Bench, key: &str, seconds: i64) {
    let mut account = record(&ACCOUNT, key, "");
    account.due_at = Some(after(seconds));
    bench.create(account);
}

#[test]
fn list_is_ordered_bytewise_and_paged_without_gap_or_repeat() {
    on_every_backend(|bench| {
        for key in ODD_KEYS.iter().rev() {
            create_indexed(bench, key, "one");
        }
        // Beyond the basic plane: after U+FFFF in bytes, before it in UTF-16.
        create_indexed(bench, "\u{10000}", "one");
        let expected: Vec<&str> = ODD_KEYS.into_iter().chain(["\u{10000}"]).collect();
        assert_eq!(keys(&bench.list(&ACCOUNT)), expected);
        for limit in 1..=expected.len() + 1 {
            assert_eq!(page_through(bench, limit, None), expected, "list by {limit}");
            assert_eq!(page_through(bench, limit, Some("one")), expected, "find by {limit}");
        }
    });
}

fn page_through(bench: &Bench, limit: usize, provider: Option<&str>) -> Vec<String> {
    let mut page = Page::first(limit);
    let mut found = Vec::new();
    loop {
        let records = match provider {
            None => block_on(bench.store.list(&home(), &ACCOUNT, page.clone())),
            Some(value) => block_on(bench.store.find(&home(), &ACCOUNT, "provider", value, page.clone())),
        };
        let records = records.unwrap().value;
        assert!(records.len() <= limit);
        found.extend(records.iter().map(|record| record.key.clone()));
        page.after = records.last().map(|record| record.key.clone());
        if records.len() < limit {
            return found;
        }
    }
}

#[test]
fn page_of_nothing_is_empty() {
    on_every_backend(|bench| {
        create_indexed(bench, "a", "one");
        assert_eq!(block_on(bench.store.list(&home(), &ACCOUNT, Page::first(0))).unwrap().value, []);
        let beyond = Page { after: Some("b".to_owned()), limit: usize::MAX };
        assert_eq!(block_on(bench.store.list(&home(), &ACCOUNT, beyond)).unwrap().value, []);
    });
}

#[test]
fn find_returns_exactly_the_records_with_the_value() {
    on_every_backend(|bench| {
        create_indexed(bench, "c", "git");
        create_indexed(bench, "a", "git");
        create_indexed(bench, "b", "github");
        create_indexed(bench, "d", "GIT");
        create_indexed(bench, "e", "");
        bench.create(record(&ACCOUNT, "f", "not indexed"));
        assert_eq!(keys(&bench.find("provider", "git")), ["a", "c"]);
        assert_eq!(keys(&bench.find("provider", "github")), ["b"]);
        assert_eq!(keys(&bench.find("provider", "")), ["e"]);
        assert_eq!(bench.find("owner", "git"), []);
        assert_eq!(bench.find("provider", "gi"), []);
    });
}

#[test]
fn index_follows_its_record() {
    on_every_backend(|bench| {
        create_indexed(bench, "a", "old");
        let version = bench.read(&ACCOUNT, "a").unwrap().version;
        let mut moved = record(&ACCOUNT, "a", "");
        moved.indexes = vec![("provider", "new".to_owned()), ("owner", "me".to_owned())];
        let version = done(&bench.commit(bench.batch().put(moved, Expected::Version(version))));
        assert_eq!(bench.find("provider", "old"), []);
        assert_eq!(keys(&bench.find("provider", "new")), ["a"]);
        assert_eq!(keys(&bench.find("owner", "me")), ["a"]);
        done(&bench.commit(bench.batch().delete(&ACCOUNT, "a", version)));
        assert_eq!(bench.find("provider", "new"), []);
    });
}

#[test]
fn ephemeral_kinds_are_indexed_too() {
    on_every_backend(|bench| {
        let mut login = record(&LOGIN, "a", "");
        login.indexes = vec![("state", "s".to_owned())];
        bench.create(login);
        let found = block_on(bench.store.find(&home(), &LOGIN, "state", "s", Page::first(10))).unwrap().value;
        assert_eq!(keys(&found), ["a"]);
    });
}

#[test]
fn due_returns_the_most_overdue_first_and_tells_what_comes_next() {
    on_every_backend(|bench| {
        for (key, seconds) in [("c", 10), ("a", 30), ("d", 20), ("b", 20), ("e", 50)] {
            create_due(bench, key, seconds);
        }
        bench.create(record(&ACCOUNT, "never", ""));
        // (until, limit) to (keys, next)
        for (until, limit, expected, next) in [
            (5, 10, &[][..], Some(10)),
            (10, 10, &["c"], Some(20)),
            (30, 10, &["c", "b", "d", "a"], Some(50)),
            (30, 2, &["c", "b"], Some(20)),
            (30, 3, &["c", "b", "d"], Some(30)),
            (99, 10, &["c", "b", "d", "a", "e"], None),
            (99, 0, &[], Some(10)),
        ] {
            let due = block_on(bench.store.due(&home(), &ACCOUNT, after(until), limit)).unwrap().value;
            assert_eq!(keys(&due.records), expected, "until {until}, at most {limit}");
            assert_eq!(due.next, next.map(after), "until {until}, at most {limit}");
        }
    });
}

#[test]
fn due_forgets_records_that_are_put_off_or_removed() {
    on_every_backend(|bench| {
        create_due(bench, "a", 10);
        create_due(bench, "b", 20);
        let version = bench.read(&ACCOUNT, "a").unwrap().version;
        let mut later = record(&ACCOUNT, "a", "");
        later.due_at = Some(after(40));
        done(&bench.commit(bench.batch().put(later, Expected::Version(version))));
        let version = bench.read(&ACCOUNT, "b").unwrap().version;
        done(&bench.commit(bench.batch().delete(&ACCOUNT, "b", version)));
        let due = block_on(bench.store.due(&home(), &ACCOUNT, after(30), 10)).unwrap().value;
        assert_eq!((due.records.len(), due.next), (0, Some(after(40))));
    });
}

#[test]
fn undeclared_index_is_misuse() {
    on_every_backend(|bench| {
        let find = block_on(bench.store.find(&home(), &ACCOUNT, "colour", "red", Page::first(1)));
        assert!(matches!(find, Err(StoreError::Misuse(_))));
        let mut wrong = record(&ACCOUNT, "a", "");
        wrong.indexes = vec![("colour", "red".to_owned())];
        let put = bench.try_commit(bench.batch().put(wrong, Expected::Absent));
        assert!(matches!(put, Err(StoreError::Misuse(_))));
    });
}

#[test]
fn store_is_usable_as_a_trait_object_from_many_threads() {
    fn shared<T: Send + Sync + ?Sized>() {}
    shared::<dyn Store>();
    on_every_backend(|bench| {
        create_indexed(bench, "a", "one");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        assert_eq!(keys(&bench.find("provider", "one")), ["a"]);
                    }
                });
            }
        });
    });
}
