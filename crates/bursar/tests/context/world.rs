//! A person with two accounts at one provider, and folders to work in.

use std::path::PathBuf;

use misbehaving_provider::{Behaviour, MisbehavingProvider};
use serde_json::Value;
use tokio::process::Command;

use crate::support::{Ended, Home, ended};

pub(crate) struct World {
    pub(crate) home: Home,
    /// The provider's id.
    pub(crate) provider: String,
    _provider: MisbehavingProvider,
}

impl World {
    /// Accounts `work` and `play`; the provider's name means `play`.
    pub(crate) async fn new() -> Self {
        let (home, server) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
        for nickname in ["work", "play"] {
            let login = home.login(&server, nickname).await;
            assert_eq!(login.code, 0, "{login}");
        }
        let list = home.run(&["list", "--json"]).await;
        let accounts: Value = serde_json::from_str(&list.stdout).unwrap();
        let provider = accounts[0]["provider"].as_str().unwrap().to_owned();
        let chosen = home.run(&["use", "play"]).await;
        assert_eq!(chosen.code, 0, "{chosen}");
        Self { home, provider, _provider: server }
    }

    /// A folder beside the home, made if it is not there.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.home.beside(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// `BURSAR_ACCOUNT_<PROVIDER>`.
    pub(crate) fn variable(&self) -> String {
        format!("BURSAR_ACCOUNT_{}", self.provider.to_ascii_uppercase().replace(['-', '.'], "_"))
    }

    /// Writes rules; `PROVIDER` in them is the provider.
    pub(crate) fn rules(&self, rules: &str) {
        self.home.write_config(&rules.replace("PROVIDER", &self.provider));
    }

    /// The program in a folder.
    pub(crate) fn command(&self, folder: &str, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        command.current_dir(self.folder(folder));
        command
    }

    /// Runs the program in a folder.
    pub(crate) async fn run(&self, folder: &str, arguments: &[&str]) -> Ended {
        ended(&mut self.command(folder, arguments)).await
    }

    /// The nickname whose token comes out in a folder for the provider's bare name.
    pub(crate) async fn meant(&self, folder: &str, variables: &[(&str, &str)]) -> String {
        let mut command = self.command(folder, &["token", &self.provider, "--json"]);
        let ended = ended(command.envs(variables.iter().copied())).await;
        assert_eq!(ended.code, 0, "{ended}");
        let token: Value = serde_json::from_str(&ended.stdout).unwrap();
        token["account"].as_str().unwrap().to_owned()
    }
}
