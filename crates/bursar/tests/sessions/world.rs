//! A home with accounts, the engine on its store, and processes to own sessions.

use std::process::Stdio;

use bursar::config::Config;
use bursar::config::environment::Environment;
use bursar::config::paths::Paths;
use bursar::wiring::{Caller, Seams, Wired, wire};
use bursar_core::engine::Engine;
use bursar_core::engine::sessions::{NewSession, Purpose, Session};
use bursar_core::lifecycle::account::{Account, Standing};
use bursar_core::lifecycle::failure::{Cause, CauseKind};
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::ports::document;
use bursar_core::ports::processes::ProcessId;
use bursar_core::ports::store::{Batch, Commit, CommitId, EventQuery, Expected};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::support::{Home, write_private};

/// A home whose accounts are keys, which need no provider.
pub(super) struct World {
    pub(super) home: Home,
}

impl World {
    /// Accounts `gitlab:ci0`, `gitlab:ci1`, and so on.
    pub(super) async fn with(accounts: usize) -> Self {
        let home = Home::new();
        for number in 0..accounts {
            let key = home.beside("api-key");
            write_private(&key, &format!("glpat-never-print-me-{number}"));
            let nickname = format!("ci{number}");
            let arguments =
                ["login", "gitlab", "--api-key-file", key.to_str().unwrap(), "--as", nickname.as_str()];
            let login = home.run(&arguments).await;
            assert_eq!(login.code, 0, "{login}");
        }
        Self { home }
    }

    /// The program's engine, in this process.
    pub(super) fn engine(&self) -> Engine {
        let (folder, key) = (self.home.path(), self.home.key_file());
        let environment = Environment::from_pairs([
            ("BURSAR_HOME", folder.to_str().unwrap()),
            ("BURSAR_MASTER_KEY_FILE", key.to_str().unwrap()),
        ]);
        let paths = Paths::resolve(&environment).unwrap();
        let config = Config::load(&environment, &paths).unwrap();
        let wired = wire(&environment, &paths, &config, Caller::Program, Seams::default());
        // Nothing is waited for until a file is open.
        let Wired { engine, .. } = futures::executor::block_on(wired).unwrap();
        engine
    }

    /// What `list --json` says about how often each account is in use.
    pub(super) async fn counted(&self) -> Vec<u64> {
        let listed = self.json(&["list"]).await;
        listed.as_array().unwrap().iter().map(|element| element["sessions"].as_u64().unwrap()).collect()
    }

    /// What a command says to programs.
    pub(super) async fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.home.run(&[arguments, &["--json"]].concat()).await;
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended}"))
    }
}

/// The references of all accounts.
pub(super) async fn accounts(engine: &Engine) -> Vec<AccountReference> {
    let overview = engine.overview().await.unwrap();
    overview.accounts.into_iter().map(|account| account.reference).collect()
}

/// A person has been needed for so long that every account may go.
pub(super) async fn die(engine: &Engine) {
    let ports = engine.ports();
    for stored in document::list::<Account>(&*ports.store, engine.space()).await.unwrap() {
        let mut account = stored.document;
        let at = ports.clock.now() - SignedDuration::from_hours(200 * 24);
        let cause = Cause::new(CauseKind::GrantRefused, "the provider answered invalid_grant");
        account.standing = Standing::NeedsLogin { cause, at };
        let id = CommitId(format!("the end of {}", account.reference));
        let batch = Batch::new(engine.space().clone(), id);
        let batch = document::put(batch, &account, Expected::Version(stored.version)).unwrap();
        assert!(matches!(ports.store.commit(batch).await.unwrap().value, Commit::Done(_)));
    }
}

/// A process that does nothing until it is ended.
pub(super) fn idle() -> Child {
    // It waits for the end of its standard input, so that it never outlives the test, whatever becomes of that.
    let mut command = Command::new("/bin/cat");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap()
}

/// The name of a running process.
pub(super) fn name(engine: &Engine, process: &Child) -> ProcessId {
    engine.ports().processes.find(process.id().unwrap()).unwrap()
}

/// Begins to use an account in the name of `owner`.
pub(super) async fn open(engine: &Engine, account: &AccountReference, owner: ProcessId) -> Session {
    let wish = NewSession {
        accounts: vec![account.clone()],
        owner,
        purpose: Purpose::Exec { program: "cat".to_owned() },
        until: None,
        token: None,
        routes: Vec::new(),
    };
    engine.open_session(wish).await.unwrap()
}

/// The events about an account, in their order.
pub(super) async fn told(engine: &Engine, account: &AccountReference) -> Vec<String> {
    let query = EventQuery { after: 0, subject: Some(account.to_string()), limit: 1000 };
    let events = engine.ports().store.events(engine.space(), query).await.unwrap().value;
    events.into_iter().map(|stored| stored.event.name).collect()
}
