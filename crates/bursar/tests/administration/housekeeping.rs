//! `cleanup --issued` and `stats --issued`: what is over goes, everything is counted, beside a running server too.

use bursar::system::SystemClock;
use bursar_core::engine::issuer::records::browser_session::BrowserSession;
use bursar_core::engine::issuer::records::spent::Spent;
use bursar_core::engine::records::KINDS;
use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::document::{self, Document};
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{Batch, Commit, CommitId, Expected, SandboxId, Space, Store as _};
use bursar_store::sqlite::{SqliteOptions, SqliteStore};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::world::{document as printed, done, given};
use crate::support::Home;

/// A server with a user and a client, two sessions of which one is over, two notes nobody needs, and an old event.
async fn used() -> Home {
    let home = Home::new();
    given(&home, &["user", "add", "ada", "--password-file", "-"], "correct horse battery").await;
    done(&home, &["client", "add", "--name", "App", "--redirect", "https://app.test/cb"]).await;
    done(&home, &["resource", "add", "https://notes.test/mcp", "--scope", "read"]).await;
    leave_things(&home).await;
    home
}

async fn leave_things(home: &Home) {
    let path = home.path().join("bursar.db");
    let options = SqliteOptions::new(path, KINDS, std::sync::Arc::new(SystemClock), "unused");
    let store = SqliteStore::open(options).unwrap();
    for (name, ends) in [("over", hours_ago(1)), ("alive", hours_ago(-1))] {
        let session = BrowserSession {
            digest: name.to_owned(),
            id: name.to_owned(),
            user: "usr_ada".to_owned(),
            user_epoch: 0,
            signed_in_at: hours_ago(2),
            methods: vec!["pwd".to_owned()],
            address: None,
            user_agent: None,
            clients: Vec::new(),
            expires_at: ends,
        };
        put(&store, &session).await;
        put(&store, &Spent { key: format!("proof:{name}:1"), until: ends }).await;
        put(&store, &Spent { key: format!("proof:{name}:2"), until: ends }).await;
    }
    let old = Event::new(hours_ago(24 * 91), "session.began", "long ago");
    store.append(&space(), vec![old]).await.unwrap();
}

async fn put(store: &SqliteStore, document: &impl Document) {
    let id = CommitId(format!("test {}", document.key()));
    let batch = document::put(Batch::new(space(), id), document, Expected::Absent).unwrap();
    assert!(matches!(store.commit(batch).await.unwrap().value, Commit::Done(_)));
}

fn space() -> Space {
    Space::Sandbox(SandboxId::personal())
}

fn hours_ago(hours: i64) -> Timestamp {
    SystemClock.now() - SignedDuration::from_hours(hours)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_told_then_removed_and_then_gone() {
    let home = used().await;
    insta::assert_snapshot!(home.run(&["stats", "--issued"]).await, @"
    exit 0
    --- stdout
    WHAT                      COUNT  OF THEM
    active refresh tokens     0
    logins of clients         0
    clients                   1
    users                     1
    resources                 1
    held accounts             0
    grants                    0
    codes                     0
    device codes              0
    browser sessions          1
    revocations               0
    signing keys              0
    ended, not yet collected  3
    --- stderr
    ");
    insta::assert_snapshot!(home.run(&["cleanup", "--issued", "--dry-run"]).await, @"
    exit 0
    --- stdout
    would remove 1 browser session
    would remove 2 notes on things used once
    would remove 1 old event
    --- stderr
    ");
    let listed = |removed: bool| {
        json!([
            { "schema": 1, "action": "collect", "kind": "browser_session", "count": 1, "removed": removed },
            { "schema": 1, "action": "collect", "kind": "spent", "count": 2, "removed": removed },
            { "schema": 1, "action": "forget", "kind": "event", "count": 1, "removed": removed },
        ])
    };
    assert_eq!(printed(&home, &["cleanup", "--issued", "--dry-run"]).await, listed(false));
    assert_eq!(printed(&home, &["stats", "--issued"]).await["expired"], 3);
    assert_eq!(printed(&home, &["cleanup", "--issued"]).await, listed(true));
    insta::assert_snapshot!(home.run(&["cleanup", "--issued"]).await, @"
    exit 0
    --- stdout
    --- stderr
    nothing to clean up
    ");
    let counts = printed(&home, &["stats", "--issued"]).await;
    assert_eq!(
        (&counts["schema"], &counts["expired"], &counts["active_tokens"]),
        (&json!(1), &json!(0), &json!(0))
    );
    assert_eq!((&counts["browser_sessions"], &counts["users"]["active"]), (&json!(1), &json!(1)));
    assert_eq!(
        counts["clients"],
        json!({ "added": 1, "registered": 0, "by_document": 0, "removed": 0, "unused": 0 })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_is_not_disturbed() {
    let home = used().await;
    let mut running = home.start(&["serve", "--listen", "127.0.0.1:0"]);
    let issuer = running.says(|line| line.strip_prefix("its issuer is ").map(str::to_owned)).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    while http.get(format!("{issuer}/readyz")).send().await.unwrap().status() != 200 {}
    done(&home, &["cleanup", "--issued"]).await;
    let counts = printed(&home, &["stats", "--issued"]).await;
    assert_eq!((&counts["expired"], &counts["browser_sessions"]), (&json!(0), &json!(1)));
    assert_eq!(http.get(format!("{issuer}/readyz")).send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_want_to_know_of_what() {
    let ended = Home::new().run(&["stats"]).await;
    assert_eq!(ended.code, 2, "{ended}");
    assert!(ended.stderr.contains("--issued"), "{ended}");
    let ended = Home::new().run(&["cleanup", "--issued", "--unused", "7d"]).await;
    assert_eq!(ended.code, 2, "{ended}");
}
