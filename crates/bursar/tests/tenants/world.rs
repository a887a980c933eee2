//! An installation with sandboxes and a provider.

use misbehaving_provider::{Behaviour, MisbehavingProvider};
use serde_json::Value;

use crate::support::Home;

pub(super) struct World {
    pub(super) home: Home,
    pub(super) provider: MisbehavingProvider,
}

impl World {
    /// With sandboxes of these names.
    pub(super) async fn with(sandboxes: &[&str]) -> Self {
        let world =
            Self { home: Home::new(), provider: MisbehavingProvider::start(Behaviour::default()).await };
        for name in sandboxes {
            world.home.run(&["sandbox", "new", name]).await.succeeded();
        }
        world
    }

    /// Logs in in a sandbox.
    pub(super) async fn login(&self, nickname: &str, sandbox: &str) {
        self.home.login_with(&self.provider, nickname, &["--sandbox", sandbox]).await.succeeded();
    }

    /// The reference of an account of the provider.
    pub(super) fn account(&self, nickname: &str) -> String {
        format!("127.0.0.1-{}:{nickname}", self.provider.address().port())
    }

    /// What is handed out of an account in a sandbox.
    pub(super) async fn token(&self, account: &str, sandbox: &str) -> String {
        let handed = self.home.run(&["token", account, "--sandbox", sandbox]).await.succeeded();
        handed.stdout.trim_end().to_owned()
    }

    /// The document of a command that must succeed.
    pub(super) async fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.home.run(&[arguments, &["--json"]].concat()).await.succeeded();
        serde_json::from_str(&ended.stdout).unwrap()
    }
}
