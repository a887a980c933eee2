//! Reaches into the store beside the program: accounts get into states that would take days to reach.

use bursar::system::SystemClock;
use bursar_core::engine::records::KINDS;
use bursar_core::lifecycle::account::{Account, Standing};
use bursar_core::lifecycle::failure::{Cause, CauseKind};
use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::document;
use bursar_core::ports::store::{Batch, Commit, CommitId, Expected, SandboxId, Space, Store as _};
use bursar_store::sqlite::{SqliteOptions, SqliteStore};
use jiff::{SignedDuration, Timestamp};
use misbehaving_provider::{Behaviour, ErrorBody, Fault, MisbehavingProvider, RetryAfter};
use serde_json::Value;

use crate::support::Home;

/// A home with one account called `work`, and its provider.
pub(super) async fn logged_in() -> (Home, MisbehavingProvider) {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    let ended = home.login(&provider, "work").await;
    assert_eq!(ended.code, 0, "{ended}");
    (home, provider)
}

/// The elements `--json` prints.
pub(super) async fn elements(home: &Home, arguments: &[&str]) -> Vec<Value> {
    let mut line = arguments.to_vec();
    line.push("--json");
    let ended = home.run(&line).await;
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended}"))
}

/// Changes the stored record of the account with this nickname.
pub(super) async fn change(home: &Home, nickname: &str, change: impl FnOnce(&mut Account)) {
    let store = open(home);
    let space = Space::Sandbox(SandboxId::personal());
    let all = document::list::<Account>(&store, &space).await.unwrap();
    let stored =
        all.into_iter().find(|stored| stored.document.reference.nickname.as_str() == nickname).unwrap();
    let mut account = stored.document;
    change(&mut account);
    let id = CommitId(format!("test {:?}", SystemClock.stopwatch()));
    let batch = document::put(Batch::new(space, id), &account, Expected::Version(stored.version)).unwrap();
    assert!(matches!(store.commit(batch).await.unwrap().value, Commit::Done(_)));
}

/// The access token was good until an hour ago.
pub(super) fn expired(account: &mut Account) {
    let access = account.access.as_mut().unwrap();
    (access.issued_at, access.expires_at) = (hours_ago(2), Some(hours_ago(1)));
}

/// Renewing has failed once and is tried again in an hour.
pub(super) fn failing(account: &mut Account) {
    account.standing = Standing::Failing(bursar_core::lifecycle::account::Failing {
        since: hours_ago(0),
        attempts: 1,
        next_try: hours_ago(-1),
        cause: Cause::new(CauseKind::ServerError, "the provider answered HTTP 503"),
    });
}

/// A person has been needed for so many hours.
pub(super) fn needs_login(since: i64) -> impl FnOnce(&mut Account) {
    move |account| {
        let cause = Cause::new(CauseKind::GrantRefused, "the provider answered invalid_grant");
        account.standing = Standing::NeedsLogin { cause, at: hours_ago(since) };
    }
}

/// An overloaded server.
pub(super) fn busy() -> Fault {
    Fault::Status { code: 503, retry_after: RetryAfter::default(), body: ErrorBody::default() }
}

pub(super) fn hours_ago(hours: i64) -> Timestamp {
    SystemClock.now() - SignedDuration::from_hours(hours)
}

fn open(home: &Home) -> SqliteStore {
    let path = home.path().join("bursar.db");
    SqliteStore::open(SqliteOptions::new(path, KINDS, std::sync::Arc::new(SystemClock), "unused")).unwrap()
}
