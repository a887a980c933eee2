//! A home with as many accounts as one wants, each with credentials of its own that the vault really sealed.
//!
//! A login commits several times, so the logins happen in memory, under the home's own key, and their records go to the
//! disk in large batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, ensure};
use bursar::system::SystemClock;
use bursar::wiring::{Seams, Wired};
use bursar_core::engine::records::{DataKey, ProviderDefinition};
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::reference::{AccountReference, Nickname};
use bursar_core::memory::MemoryStore;
use bursar_core::ports::document::{self, Document};
use bursar_core::ports::store::{Batch, Commit, CommitId, Expected, SandboxId, Space, Store};
use bursar_core::ports::upstream::{Body, Request, Response, SendError, SendLimits, Upstream};
use bursar_core::provider::ProviderId;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use tokio::runtime::Runtime;
use url::Url;

use crate::home::Home;
use crate::sign_in::{log_in, plan};

/// Fills an empty home.
pub(crate) fn populate(runtime: &Runtime, home: &Home, count: usize) -> Result<()> {
    let disk = wired(home, None)?.engine.ports().store.clone();
    let mut written = 0;
    while written < count {
        let more = CHUNK.min(count - written);
        runtime.block_on(add(home, &disk, written, more))?;
        written += more;
    }
    Ok(())
}

/// The engine of such a home, whose provider answers at once.
pub(crate) fn wired(home: &Home, store: Option<Arc<dyn Store>>) -> Result<Wired> {
    let mut seams = Seams { upstream: Some(Box::new(|_| Arc::new(Instant::default()))), ..Seams::default() };
    if let Some(store) = store {
        seams.store = Some(Box::new(move |_| store));
    }
    home.wired(seams)
}

/// The account with this number.
pub(crate) fn account(number: usize) -> Result<AccountReference> {
    Ok(AccountReference {
        provider: ProviderId::parse("bench")?,
        nickname: Nickname::parse(&nickname(number))?,
    })
}

async fn add(home: &Home, disk: &Arc<dyn Store>, first: usize, count: usize) -> Result<()> {
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::new(SystemClock), "bench"));
    // The first logins of all make the vault, which is the home's from then on.
    copy::<DataKey>(&**disk, &*memory, &Space::System, first).await?;
    let engine = wired(home, Some(Arc::clone(&memory)))?.engine;
    let plan = plan("https://bench.example/authorize", "https://bench.example/token")?;
    for number in first..first + count {
        log_in(&engine, &plan, &nickname(number), agree).await?;
    }
    if first == 0 {
        copy::<DataKey>(&*memory, &**disk, &Space::System, first).await?;
        copy::<ProviderDefinition>(&*memory, &**disk, &sandbox(), first).await?;
    }
    copy::<Account>(&*memory, &**disk, &sandbox(), first).await
}

/// Copies all records of a kind; `first` tells copies of one kind from each other.
pub(crate) async fn copy<T: Document>(
    from: &dyn Store,
    to: &dyn Store,
    space: &Space,
    first: usize,
) -> Result<()> {
    for (number, part) in document::list::<T>(from, space).await?.chunks(BATCH).enumerate() {
        let id = CommitId(format!("bench-{}-{first}-{number}", T::KIND.name));
        let mut batch = Batch::new(space.clone(), id);
        for stored in part {
            batch = document::put(batch, &stored.document, Expected::Absent)?;
        }
        ensure!(matches!(to.commit(batch).await?.value, Commit::Done(_)), "the home was not empty");
    }
    Ok(())
}

fn agree(asked: &Url) -> Result<String> {
    let state = asked.query_pairs().find(|(name, _)| name == "state").context("a request without state")?.1;
    Ok(format!("code=code&state={state}"))
}

fn nickname(number: usize) -> String {
    format!("person-{number:07}")
}

/// Where everything is.
pub(crate) fn sandbox() -> Space {
    Space::Sandbox(SandboxId::personal())
}

/// A provider that answers at once, with other tokens every time; they end one after the other within a day from
/// tomorrow on, so that nothing is due while anything is measured.
#[derive(Debug, Default)]
struct Instant {
    answers: AtomicUsize,
}

impl Upstream for Instant {
    fn send(&self, _: Request, _: SendLimits) -> BoxFuture<'_, Result<Response, SendError>> {
        let number = self.answers.fetch_add(1, Ordering::Relaxed);
        let lifetime = DAY + number * 7 % DAY;
        // As long as the tokens of large providers.
        let (access, refresh) = (format!("{number:0>180}"), format!("{number:0>100}"));
        let body = format!(
            r#"{{"access_token":"a{access}","token_type":"Bearer","expires_in":{lifetime},"refresh_token":"r{refresh}","scope":"email"}}"#
        );
        let mut response = Response::new(Body::new(body));
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, json);
        ready(Ok(response)).boxed()
    }
}

/// In seconds.
const DAY: usize = 24 * 60 * 60;
/// Accounts in memory at a time.
const CHUNK: usize = 20_000;
/// Accounts in one commit.
const BATCH: usize = 2_000;
