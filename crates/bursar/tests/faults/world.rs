//! One engine, one provider, one clock for both.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bursar::system::TokioTasks;
use bursar_core::engine::broker::{HandOut, HandOutError};
use bursar_core::engine::login::{LoggedIn, LoginError, LoginPlan};
use bursar_core::engine::{Engine, Ports};
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::reference::{AccountReference, Nickname};
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::memory::MemoryStore;
use bursar_core::memory::clock::ManualClock;
use bursar_core::memory::processes::ManualProcesses;
use bursar_core::memory::random::SeededRandom;
use bursar_core::oauth::url::Issuer;
use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::store::{SandboxId, Space};
use bursar_core::ports::upstream::{Body, SendLimits, Upstream as _};
use bursar_core::provider::{Catalogue, Provider, ProviderId};
use jiff::{SignedDuration, Timestamp};
use misbehaving_provider::{Behaviour, Endpoint, MisbehavingProvider, PUBLIC_CLIENT};

use super::ports::{FixedKey, InProcessLock, Wayward};

/// Longer than anything takes here; the clock stands still, so it never passes by itself.
pub(super) const WAIT: Duration = Duration::from_secs(30);

/// The access tokens' life.
pub(super) const LIFE: i64 = 3600;

/// Everything one row happens in.
#[derive(Debug)]
pub(super) struct World {
    pub(super) provider: MisbehavingProvider,
    pub(super) engine: Engine,
    pub(super) upstream: Arc<Wayward>,
    pub(super) tasks: Arc<TokioTasks>,
    pub(super) plan: LoginPlan,
    clock: ManualClock,
    /// How far the provider's clock is ahead.
    ahead: SignedDuration,
}

impl World {
    /// A provider as it comes, and a description of it that says nothing beyond its metadata.
    pub(super) async fn new() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    /// A provider that behaves as told, and a description of it.
    pub(super) async fn with(
        behave: impl FnOnce(&mut Behaviour),
        describe: impl FnOnce(&mut Provider),
    ) -> Self {
        Self::ahead(SignedDuration::ZERO, behave, describe).await
    }

    /// The same with a provider whose clock is ahead of ours.
    pub(super) async fn ahead(
        ahead: SignedDuration,
        behave: impl FnOnce(&mut Behaviour),
        describe: impl FnOnce(&mut Provider),
    ) -> Self {
        let mut behaviour = Behaviour::default();
        behave(&mut behaviour);
        let provider = MisbehavingProvider::start(behaviour).await;
        let clock = ManualClock::new(start());
        let upstream = Arc::new(Wayward::new());
        let tasks = Arc::new(TokioTasks::new());
        let shared = Arc::new(clock.clone());
        let engine = Engine::new(
            Ports {
                store: Arc::new(MemoryStore::new(shared.clone(), "first")),
                upstream: upstream.clone(),
                refresh_lock: Arc::new(InProcessLock::new(clock.clone())),
                key_sources: Arc::new(FixedKey),
                clock: shared,
                random: Arc::new(SeededRandom::new(1)),
                tasks: tasks.clone(),
                processes: Arc::new(ManualProcesses::new()),
                catalogue: Arc::new(Catalogue::embedded()),
            },
            Space::Sandbox(SandboxId::personal()),
        );
        let issuer = provider.issuer();
        let mut described = engine.discover(&Issuer::parse(&issuer).unwrap()).await.unwrap();
        described.id = ProviderId::parse("faulty").unwrap();
        describe(&mut described);
        let plan = LoginPlan {
            provider: described,
            variables: BTreeMap::new(),
            issuer: Some(issuer),
            resource_server: None,
            binds_tokens: false,
            client_id: PUBLIC_CLIENT.to_owned(),
            client_secret: None,
            scopes: Vec::new(),
            resource: Vec::new(),
            nickname: None,
        };
        let world = Self { provider, engine, upstream, tasks, plan, clock, ahead };
        world.keep_time();
        world
    }

    /// Our clock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves both clocks forward to so many seconds after the start.
    pub(super) fn at(&self, seconds: i64) {
        self.forward_to(start() + SignedDuration::from_secs(seconds));
    }

    /// Moves both clocks forward.
    pub(super) fn forward_to(&self, moment: Timestamp) {
        let passed = moment.duration_since(self.now());
        assert!(!passed.is_negative(), "time does not go back");
        self.clock.advance(passed.unsigned_abs());
        self.keep_time();
    }

    /// From now on the provider's clock is so far ahead of ours.
    pub(super) fn put_ahead(&mut self, ahead: SignedDuration) {
        self.ahead = ahead;
        self.keep_time();
    }

    /// The provider's clock runs; before a call it is put where ours stands.
    fn keep_time(&self) {
        self.provider.set_time(self.now() + self.ahead);
    }

    /// Logs in through the browser flow, as a person who agrees.
    pub(super) async fn login(&self, nickname: &str) -> LoggedIn {
        self.try_login(nickname).await.unwrap()
    }

    /// The same when it may fail.
    pub(super) async fn try_login(&self, nickname: &str) -> Result<LoggedIn, LoginError> {
        let plan = LoginPlan { nickname: Some(Nickname::parse(nickname).unwrap()), ..self.plan.clone() };
        let pending = self.engine.begin_authorization(&plan, "http://127.0.0.1:1/callback").await?;
        let visit = http::Request::get(pending.url().as_str()).body(Body::default()).unwrap();
        let answer = self.upstream.send(visit, SendLimits::default()).await.unwrap();
        let location = answer.headers()[http::header::LOCATION].to_str().unwrap();
        let (_, query) = location.split_once('?').unwrap();
        self.engine.finish_authorization(&plan, pending, query).await
    }

    /// A hand-out as any caller asks for it.
    pub(super) async fn hand_out(&self, nickname: &str) -> Result<Arc<HandOut>, HandOutError> {
        self.keep_time();
        self.engine.hand_out(&reference(nickname), &Ask::default(), WAIT).await
    }

    /// The token of a hand-out that must succeed.
    pub(super) async fn token(&self, nickname: &str) -> String {
        self.hand_out(nickname).await.unwrap().token.expose().to_owned()
    }

    /// Renews now.
    pub(super) async fn refresh(&self, nickname: &str) -> Result<Account, HandOutError> {
        self.keep_time();
        self.engine.refresh(&reference(nickname), WAIT).await
    }

    /// The record of an account.
    pub(super) async fn account(&self, nickname: &str) -> Account {
        let overview = self.engine.overview().await.unwrap();
        let wanted = reference(nickname);
        overview.accounts.into_iter().find(|account| account.reference == wanted).unwrap()
    }

    /// Calls of the token endpoint so far.
    pub(super) fn token_calls(&self) -> usize {
        self.provider.calls_to(Endpoint::Token)
    }

    /// A text without what differs from run to run.
    pub(super) fn masked(&self, text: &str) -> String {
        let text = text.replace(&self.provider.address().port().to_string(), "[PORT]");
        match text.split_once(RESOLVER) {
            Some((before, _)) => format!("{before}{RESOLVER}[RESOLVER]"),
            None => text,
        }
    }
}

/// What stands before the resolver's words, which are others on every system and when there is no network.
const RESOLVER: &str = "failed to lookup address information: ";

/// When every test begins.
fn start() -> Timestamp {
    Timestamp::constant(1_800_000_000, 0)
}

/// An account of the test's provider.
pub(super) fn reference(nickname: &str) -> AccountReference {
    AccountReference {
        provider: ProviderId::parse("faulty").unwrap(),
        nickname: Nickname::parse(nickname).unwrap(),
    }
}
