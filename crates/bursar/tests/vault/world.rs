//! A home with one account that needs no provider.

use std::path::PathBuf;

use tokio::process::Command;

use crate::support::{Ended, Home, ended, write_private};

/// What `test:ci` hands out.
pub(super) const TOKEN: &str = "glpat-0123456789abcdef";

/// Another master key than the home's.
pub(super) const OTHER_KEY: &str = "vFKQZNiZDh8Lyp9oCxrFG2c3UDEeferWQUm0dafUSzI=";

/// A home, and how its vault is opened.
pub(super) struct World {
    pub(super) home: Home,
    /// Instead of the key file that every home has beside it.
    variables: Vec<(&'static str, String)>,
}

impl World {
    /// With the key in the file that `BURSAR_MASTER_KEY_FILE` names.
    pub(super) fn with_key_file() -> Self {
        let home = Home::new();
        let file = home.key_file().to_str().unwrap().to_owned();
        Self { home, variables: vec![("BURSAR_MASTER_KEY_FILE", file)] }
    }

    /// Opened by other variables.
    pub(super) fn with(variables: &[(&'static str, String)]) -> Self {
        Self { home: Home::new(), variables: variables.to_vec() }
    }

    /// Opened by a passphrase in a file.
    pub(super) fn with_passphrase(passphrase: &str) -> Self {
        let mut world = Self::with(&[]);
        let file = world.private("passphrase", passphrase);
        world.give("BURSAR_PASSPHRASE_FILE", &file);
        world
    }

    /// The same home, opened by these variables from now on.
    pub(super) fn give(&mut self, name: &'static str, value: &str) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.to_owned()));
    }

    /// Takes a variable away.
    pub(super) fn take(&mut self, name: &str) {
        self.variables.retain(|(known, _)| *known != name);
    }

    /// A private file beside the home.
    pub(super) fn private(&self, name: &str, text: &str) -> String {
        let path = self.home.beside(name);
        write_private(&path, text);
        path.to_str().unwrap().to_owned()
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        command.env_remove("BURSAR_MASTER_KEY_FILE");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Ended {
        ended(&mut self.command(arguments)).await
    }

    /// Makes the account, and with it the vault.
    pub(super) async fn log_in(&self) {
        let key = self.private("api-key", TOKEN);
        self.run(&["login", "gitlab", "--api-key-file", &key, "--as", "ci"]).await.succeeded();
    }

    /// What `token` does.
    pub(super) async fn token(&self) -> Ended {
        self.run(&["token", "gitlab:ci"]).await
    }

    /// The token is handed out.
    pub(super) async fn opens(&self) {
        assert_eq!(self.token().await.succeeded().stdout.trim(), TOKEN);
    }

    /// Files in the home and beside it whose name says that they hold a key.
    pub(super) fn key_files(&self) -> Vec<PathBuf> {
        let folders = [self.home.path(), self.home.beside("")];
        let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.retain(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name == "key" || name.starts_with("key.") || name.starts_with("master.key")
        });
        files.sort();
        files
    }
}
