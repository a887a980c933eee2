//! What agents of these tests take care of.

use misbehaving_provider::{Behaviour, MisbehavingProvider};
use serde_json::Value;

use crate::support::{Home, write_private};

/// A home with one login, as account `work`.
pub(super) struct World {
    pub(super) home: Home,
    pub(super) provider: MisbehavingProvider,
    /// The account's reference.
    pub(super) work: String,
}

impl World {
    pub(super) async fn new() -> Self {
        let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
        home.login(&provider, "work").await.succeeded();
        let work = format!("127.0.0.1-{}:work", provider.address().port());
        Self { home, provider, work }
    }

    /// How the account is doing, as programs see it.
    pub(super) async fn account(&self) -> Value {
        let ended = self.home.run(&["status", "work", "--json"]).await;
        let accounts: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended}"));
        accounts[0].clone()
    }

    /// The token that is handed out now.
    pub(super) async fn token(&self) -> String {
        self.home.run(&["token", "work"]).await.succeeded().stdout.trim_end().to_owned()
    }
}

/// A home whose accounts `gitlab:ci0`, `gitlab:ci1` … are keys, which need no provider.
pub(super) async fn with_keys(count: usize) -> Home {
    let home = Home::new();
    for number in 0..count {
        let (key, nickname) = (home.beside("api-key"), format!("ci{number}"));
        write_private(&key, &format!("glpat-never-print-me-{number}"));
        let file = key.to_str().unwrap();
        home.run(&["login", "gitlab", "--api-key-file", file, "--as", &nickname]).await.succeeded();
    }
    home
}
