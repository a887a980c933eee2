//! A home of bursar's in a temporary folder, with a key file.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar::config::Config;
use bursar::config::environment::Environment;
use bursar::config::paths::Paths;
use bursar::wiring::{Caller, Seams, Wired, wire};
use bursar_core::engine::Engine;
use bursar_core::engine::login::LoginPlan;
use bursar_core::lifecycle::reference::{AccountReference, Nickname};
use bursar_core::ports::store::Store;
use bursar_core::provider::{Provider, ProviderId};
use bursar_core::secret::Secret;
use futures::TryStreamExt as _;
use misbehaving_provider::MisbehavingProvider;
use tokio::task::unconstrained;

use crate::provider::{CLIENT, SECRET, visit};

/// The folder; it vanishes when this is dropped.
#[derive(Debug)]
pub(crate) struct Home {
    folder: tempfile::TempDir,
    /// What is told by the environment besides.
    told: Vec<(&'static str, Secret)>,
}

impl Home {
    /// An empty home, and a key file beside it.
    pub(crate) fn new() -> Result<Self> {
        Self::on(Vec::new())
    }

    /// The same with these variables.
    pub(crate) fn on(told: Vec<(&'static str, Secret)>) -> Result<Self> {
        let home = Self { folder: tempfile::tempdir()?, told };
        write_private(&home.path("key"), &STANDARD.encode([7_u8; 32]))?;
        write_private(&home.path("client-secret"), SECRET)?;
        Ok(home)
    }

    /// The variables bursar needs to find everything in here.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let folder = |name: &str| self.path(name).display().to_string();
        let mut variables = vec![
            ("HOME".to_owned(), folder("")),
            ("BURSAR_HOME".to_owned(), folder("home")),
            ("BURSAR_MASTER_KEY_FILE".to_owned(), folder("key")),
            ("BURSAR_AGENT_ON_DEMAND".to_owned(), "false".to_owned()),
        ];
        variables
            .extend(self.told.iter().map(|(name, value)| ((*name).to_owned(), value.expose().to_owned())));
        variables
    }

    /// The engine as the program wires it, in this process; `store` may put another store in the place of its own.
    pub(crate) fn engine(&self, store: Option<Arc<dyn Store>>) -> Result<Engine> {
        let mut seams = Seams::default();
        if let Some(store) = store {
            seams.store = Some(Box::new(move |_| store));
        }
        Ok(self.wired(seams)?.engine)
    }

    /// The same with whatever stands between the engine and the world, and with its detached work.
    pub(crate) fn wired(&self, seams: Seams) -> Result<Wired> {
        let variables = self.variables();
        let pairs = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let environment = Environment::from_pairs(pairs);
        let paths = Paths::resolve(&environment)?;
        paths.prepare(false)?;
        let config = Config::load(&environment, &paths)?;
        // Without the budget of the task this may be in: nobody would renew it while it is waited for.
        let wired = unconstrained(wire(&environment, &paths, &config, Caller::Program, seams));
        Ok(futures::executor::block_on(wired)?)
    }

    /// Writes the configuration.
    pub(crate) fn configure(&self, text: &str) -> Result<()> {
        bursar::config::paths::private_folder(&self.path("home"), false)?;
        write_private(&self.path("home/config.toml"), text)
    }

    /// Where its agent listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("home/agent.sock")
    }

    /// How large its database is, with its log, in bytes.
    pub(crate) fn database_size(&self) -> u64 {
        let size = |name: &str| std::fs::metadata(self.path(name)).map_or(0, |found| found.len());
        size("home/bursar.db") + size("home/bursar.db-wal")
    }

    /// Logs in with the program itself, as a person who agrees to everything would.
    pub(crate) fn log_in(&self, bursar: &Path, provider: &MisbehavingProvider, nickname: &str) -> Result<()> {
        let (issuer, secret) = (provider.issuer(), self.path("client-secret").display().to_string());
        let mut command = Command::new(bursar);
        command.args(["login", &issuer, "--no-browser", "--as", nickname, "--client-id", CLIENT]);
        command.args(["--client-secret-file", &secret]).env_clear().envs(self.variables());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let said = BufReader::new(child.stderr.take().context("its standard error is a pipe")?);
        let mut words = Vec::new();
        for line in said.lines() {
            let line = line?;
            if let Some(address) = line.split_whitespace().find(|word| word.contains("state=")) {
                visit(address, |_| false)?;
            }
            words.push(line);
        }
        ensure!(child.wait()?.success(), "the login failed:\n{}", words.join("\n"));
        Ok(())
    }

    /// A place in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Fills a home with keys, many at a time, so that they share the writes to disk.
pub(crate) async fn add_keys(engine: &Engine, count: usize) -> Result<Vec<AccountReference>> {
    let provider = Provider::new(ProviderId::parse("example")?);
    let logins = (0..count).map(|number| Ok::<_, anyhow::Error>((number, provider.clone())));
    let added = futures::stream::iter(logins)
        .map_ok(|(number, provider)| async move {
            let plan = LoginPlan {
                provider,
                variables: std::collections::BTreeMap::new(),
                issuer: None,
                resource_server: None,
                binds_tokens: false,
                client_id: String::new(),
                client_secret: None,
                scopes: Vec::new(),
                resource: Vec::new(),
                nickname: Some(Nickname::parse(&format!("key-{number:05}"))?),
            };
            let key = Secret::new(format!("key-{number:05}-{}", "x".repeat(48)));
            Ok::<_, anyhow::Error>(engine.login_with_key(&plan, key, None).await?.account.reference)
        })
        .try_buffer_unordered(AT_A_TIME);
    added.try_collect().await
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    Ok(std::io::Write::write_all(&mut file, text.as_bytes())?)
}

/// As many as one group of commits takes.
const AT_A_TIME: usize = 256;
