//! An engine in memory that holds one account, for what is read back from a store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::engine::login::LoginPlan;
use bursar_core::engine::{Engine, Ports};
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::memory::MemoryStore;
use bursar_core::memory::clock::ManualClock;
use bursar_core::memory::processes::ManualProcesses;
use bursar_core::memory::random::SeededRandom;
use bursar_core::ports::document::Document as _;
use bursar_core::ports::key_source::{CreatedKey, KeyError, KeySources, MasterKey};
use bursar_core::ports::refresh_lock::{LockError, RefreshLock, RefreshPermit};
use bursar_core::ports::store::{Batch, CommitId, Expected, NewRecord, SandboxId, Space, Store};
use bursar_core::ports::tasks::Tasks;
use bursar_core::ports::upstream::{
    Request, Response, SendCause, SendError, SendLimits, SendPhase, Upstream,
};
use bursar_core::provider::{Catalogue, Provider, ProviderId};
use bursar_core::secret::Secret;
use futures::executor::block_on;
use futures::future::BoxFuture;

use crate::answers::NOW;

/// The access token of the one account.
pub const TOKEN: &str = "the-access-token-of-the-only-account";

/// The engine, its store, and the account's record as it was written.
#[derive(Debug)]
pub struct World {
    /// The use cases.
    pub engine: Engine,
    /// Where the records are.
    pub store: Arc<MemoryStore>,
    /// The one account.
    pub reference: AccountReference,
    /// Its record's content.
    pub body: Vec<u8>,
}

impl World {
    /// A new world with its account logged in.
    pub fn new() -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        let store = Arc::new(MemoryStore::new(clock.clone(), "first"));
        let ports = Ports {
            store: store.clone(),
            upstream: Arc::new(Nowhere),
            refresh_lock: Arc::new(Taken),
            key_sources: Arc::new(OneKey),
            clock,
            random: Arc::new(SeededRandom::new(7)),
            tasks: Arc::new(NoTasks),
            processes: Arc::new(ManualProcesses::new()),
            catalogue: Arc::new(Catalogue::embedded()),
        };
        let engine = Engine::new(ports, Space::Sandbox(SandboxId::personal()));
        let plan = LoginPlan {
            provider: Provider::new(ProviderId::parse("example").expect("a provider id")),
            variables: BTreeMap::new(),
            issuer: None,
            resource_server: None,
            binds_tokens: false,
            client_id: String::new(),
            client_secret: None,
            scopes: Vec::new(),
            resource: Vec::new(),
            nickname: None,
        };
        let account =
            block_on(engine.login_with_key(&plan, Secret::new(TOKEN), None)).expect("a login").account;
        let mut world = Self { engine, store, reference: account.reference, body: Vec::new() };
        world.body = world.record().1;
        world
    }

    /// Replaces the content of the account's record.
    pub fn replace(&self, body: Vec<u8>) {
        let expected = Expected::Version(self.record().0);
        let key = self.reference.key();
        let record =
            NewRecord { kind: Account::KIND, key, body, indexes: Vec::new(), due_at: None, expires_at: None };
        // Each commit has an id of its own: one that is known already would not be done again.
        let id = CommitId(format!("after {}", self.record().0.0));
        let batch = Batch::new(self.engine.space().clone(), id).put(record, expected);
        block_on(self.store.commit(batch)).expect("the memory store takes every record");
    }

    fn record(&self) -> (bursar_core::ports::store::Version, Vec<u8>) {
        let key = self.reference.key();
        let answer =
            block_on(self.store.get(self.engine.space(), Account::KIND, &key)).expect("a readable store");
        let record = answer.value.expect("the account's record");
        (record.version, record.body)
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug)]
struct Nowhere;

impl Upstream for Nowhere {
    fn send(&self, _request: Request, _limits: SendLimits) -> BoxFuture<'_, Result<Response, SendError>> {
        Box::pin(async {
            Err(SendError {
                phase: SendPhase::BeforeRequest,
                cause: SendCause::Dns,
                host: "nowhere".to_owned(),
                detail: "there is no network".to_owned(),
            })
        })
    }
}

#[derive(Debug)]
struct Taken;

impl RefreshLock for Taken {
    fn acquire<'a>(
        &'a self,
        _account: &'a str,
        _wait: Duration,
    ) -> BoxFuture<'a, Result<Option<Box<dyn RefreshPermit>>, LockError>> {
        Box::pin(async { Ok(None) })
    }
}

#[derive(Debug)]
struct NoTasks;

impl Tasks for NoTasks {
    fn spawn(&self, _task: BoxFuture<'static, ()>) {}
}

#[derive(Debug)]
struct OneKey;

impl KeySources for OneKey {
    fn existing<'a>(&'a self, _recorded: &'a str) -> BoxFuture<'a, Result<MasterKey, KeyError>> {
        Box::pin(async { Ok(MasterKey::new([7; 32])) })
    }

    fn create(&self) -> BoxFuture<'_, Result<CreatedKey, KeyError>> {
        Box::pin(async { Ok(CreatedKey { key: MasterKey::new([7; 32]), recorded: "test".to_owned() }) })
    }
}
