//! One provider, one home of bursar with one login, and one time for both.

use std::sync::Arc;
use std::time::Duration;

use bursar::config::Config;
use bursar::config::environment::Environment;
use bursar::config::paths::{Paths, private_folder};
use bursar::wiring::{Caller, Seams, Wired, wire};
use bursar_core::engine::login::LoginPlan;
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::reference::Nickname;
use bursar_core::ports::upstream::{Body, SendLimits};
use bursar_core::provider::ProviderId;
use jiff::SignedDuration;
use misbehaving_provider::{Endpoint, Hold, MisbehavingProvider, PUBLIC_CLIENT, When as HoldAt};
use tempfile::TempDir;

use super::error::Broken;
use super::outcome::Given;
use super::policy::{ACCESS_LIFE, Policy};
use super::process::{Ended, Program, Running, Start, in_time};
use crate::halting::{OffsetClock, Place};

/// The account of every scenario.
pub(super) const ACCOUNT: &str = "strict:work";

/// Everything a scenario happens in.
#[derive(Debug)]
pub(super) struct World {
    pub(super) provider: MisbehavingProvider,
    program: Program,
    folder: TempDir,
    environment: Vec<(String, String)>,
    /// The same for commands that do not see an agent's socket.
    without_agent: Vec<(String, String)>,
    /// How far both clocks are ahead of the machine's.
    ahead: Duration,
    /// The access token of the login.
    first: String,
}

impl World {
    /// A fresh login, so long ago that its access token has only [`LEFT`] to live.
    pub(super) async fn log_in(program: &Program, policy: Policy) -> Result<Self, Broken> {
        let provider = MisbehavingProvider::start(policy.behaviour()).await;
        let folder = tempfile::tempdir().map_err(Broken::setup("making a home"))?;
        let home = folder.path().join("home");
        let providers = home.join("providers");
        private_folder(&home, false).map_err(Broken::setup("making a home"))?;
        std::fs::create_dir(&providers).map_err(Broken::setup("making a folder"))?;
        std::fs::write(providers.join("strict.toml"), entry(&provider.issuer(), policy))
            .map_err(Broken::setup("writing the provider's entry"))?;
        let environment = vec![
            ("BURSAR_HOME".to_owned(), home.display().to_string()),
            ("BURSAR_MASTER_KEY".to_owned(), MASTER_KEY.to_owned()),
            ("BURSAR_AGENT_ON_DEMAND".to_owned(), "false".to_owned()),
        ];
        let mut without_agent = environment.clone();
        without_agent.push(("BURSAR_SOCKET".to_owned(), home.join("no.sock").display().to_string()));
        let program = program.clone();
        let mut world = Self {
            provider,
            program,
            folder,
            environment,
            without_agent,
            ahead: Duration::ZERO,
            first: String::new(),
        };
        world.first = world.first_login().await?;
        world.advance(ACCESS_LIFE.saturating_sub(LEFT));
        Ok(world)
    }

    /// Lets time pass, for both sides.
    pub(super) fn advance(&mut self, time: Duration) {
        self.ahead += time;
        self.provider.advance(time);
    }

    /// Starts bursar.
    pub(super) fn start(&self, arguments: &[&str], place: Option<Place>) -> Result<Running, Broken> {
        self.prepared(arguments, place).spawn()
    }

    /// Starts bursar and waits until its call to the token endpoint is held.
    pub(super) async fn start_and_hold(
        &self,
        arguments: &[&str],
        place: Option<Place>,
        at: HoldAt,
    ) -> Result<(Running, Hold), Broken> {
        let hold = self.provider.hold(Self::ENDPOINT, at);
        let mut running = self.start(arguments, place)?;
        let arrived = async {
            hold.arrived().await;
            Ok(())
        };
        running.until("the call at the provider", arrived).await?;
        Ok((running, hold))
    }

    /// `bursar token`, to its end.
    pub(super) async fn token(&self) -> Result<Ended, Broken> {
        self.prepared(&["token", ACCOUNT], None).finish().await
    }

    /// `bursar token` by somebody who would rather have the token at hand than wait.
    pub(super) async fn token_without_waiting(&self) -> Result<Ended, Broken> {
        self.prepared(&["token", ACCOUNT, "--no-wait"], None).finish().await
    }

    /// The agent, or a command that does without it.
    fn prepared<'a>(&'a self, arguments: &'a [&'a str], place: Option<Place>) -> Start<'a> {
        let is_agent = arguments.first() == Some(&"agent");
        Start {
            program: &self.program,
            home: self.folder.path(),
            environment: if is_agent { &self.environment } else { &self.without_agent },
            ahead: self.ahead,
            arguments,
            place,
        }
    }

    /// Which token a process printed, if it printed one. Only good ones may be printed.
    pub(super) fn given(&self, ended: &Ended) -> Result<Option<Given>, Broken> {
        if ended.code != Some(0) {
            return Ok(None);
        }
        let token = ended.stdout.trim_end();
        let is_live = self.provider.is_live(token);
        Broken::unless(is_live, "a token that is handed out is good at the provider", &ended.stderr)?;
        Ok(Some(if token == self.first { Given::OldToken } else { Given::NewToken }))
    }

    /// Whether the access token of the login is still good.
    pub(super) fn first_is_live(&self) -> bool {
        self.provider.is_live(&self.first)
    }

    /// The token of the login, as text.
    pub(super) fn first(&self) -> &str {
        &self.first
    }

    /// The account as it is stored.
    pub(super) async fn account(&self) -> Result<Account, Broken> {
        let overview =
            self.wired().await?.engine.overview().await.map_err(Broken::setup("reading the accounts"))?;
        let gone =
            || Broken::Promise { promise: "an account never disappears", found: "no account".to_owned() };
        overview.accounts.into_iter().next().ok_or_else(gone)
    }

    /// bursar in this process, on the same files.
    pub(super) async fn wired(&self) -> Result<Wired, Broken> {
        let environment = Environment::from_pairs(
            self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())),
        );
        let paths = Paths::resolve(&environment).map_err(Broken::setup("finding the home"))?;
        paths.prepare(false).map_err(Broken::setup("preparing the home"))?;
        let config =
            Config::load(&environment, &paths).map_err(Broken::setup("reading the configuration"))?;
        let ahead = SignedDuration::try_from(self.ahead).unwrap_or(SignedDuration::MAX);
        let seams = Seams { clock: Some(Arc::new(OffsetClock::new(ahead))), ..Seams::default() };
        wire(&environment, &paths, &config, Caller::Program, seams)
            .await
            .map_err(Broken::setup("opening the store"))
    }

    /// Waits until the provider has dealt with every call that reached it, and with those whose caller is dead.
    pub(super) async fn provider_is_idle(&self) -> Result<(), Broken> {
        in_time("the end of the provider's calls", async {
            while self.provider.calls().iter().any(|call| call.outcome == "pending") {
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// A login by authorization code at a provider that consents by itself; returns its access token.
    async fn first_login(&self) -> Result<String, Broken> {
        let engine = self.wired().await?.engine;
        let id = ProviderId::parse("strict").map_err(Broken::setup("naming the provider"))?;
        let provider = engine.provider(&id).await.map_err(Broken::setup("finding the provider"))?;
        let plan = LoginPlan {
            provider,
            variables: std::collections::BTreeMap::new(),
            issuer: None,
            client_id: PUBLIC_CLIENT.to_owned(),
            client_secret: None,
            scopes: Vec::new(),
            resource: Vec::new(),
            resource_server: None,
            binds_tokens: false,
            nickname: Some(Nickname::parse("work").map_err(Broken::setup("naming the account"))?),
        };
        let pending = engine
            .begin_authorization(&plan, "http://127.0.0.1:1/callback")
            .await
            .map_err(Broken::setup("beginning the login"))?;
        let request = http::Request::get(pending.url().as_str())
            .body(Body::default())
            .map_err(Broken::setup("asking for consent"))?;
        let upstream = &engine.ports().upstream;
        let response = upstream
            .send(request, SendLimits::default())
            .await
            .map_err(Broken::setup("asking for consent"))?;
        let location = response.headers().get(http::header::LOCATION).and_then(|value| value.to_str().ok());
        let query = location.and_then(|location| location.split_once('?')).map_or("", |(_, query)| query);
        let logged_in = engine
            .finish_authorization(&plan, pending, query)
            .await
            .map_err(Broken::setup("finishing the login"))?;
        let handed = engine
            .hand_out_unchecked(&logged_in.account.reference)
            .await
            .map_err(Broken::setup("reading the first token"))?;
        Ok(handed.token.expose().to_owned())
    }

    /// Refresh calls that reached the provider.
    pub(super) fn refreshes(&self) -> usize {
        self.provider.refreshes()
    }

    /// The endpoint all of this is about.
    pub(super) const ENDPOINT: Endpoint = Endpoint::Token;
}

fn entry(issuer: &str, policy: Policy) -> String {
    format!(
        "id = \"strict\"\n\
         [endpoints]\n\
         issuer = \"{issuer}\"\n\
         authorize = \"{issuer}/authorize\"\n\
         token = \"{issuer}/token\"\n\
         [identity]\n\
         source = \"none\"\n\
         [refresh]\n\
         {}\n",
        policy.declaration()
    )
}

/// What is left of the access token when the refresh starts: inside the window in which callers wait for a new one,
/// and long enough to outlive a grace of 30 s.
pub(super) const LEFT: Duration = Duration::from_mins(2);

/// 32 zero bytes; nothing here is worth a better key.
const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
