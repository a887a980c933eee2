//! `bursar credential`: each protocol byte for byte, and the programs that speak it.

mod api_key;
mod aws;
mod docker;
mod git;
mod google;
mod kubectl;
mod mail;
mod peers;
mod server;

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use misbehaving_provider::{Behaviour, MisbehavingProvider};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::support::{Ended, Home};

/// Somebody with logins at one provider, whose own host is the only one their tokens belong to.
struct World {
    home: Home,
    provider: Arc<MisbehavingProvider>,
}

impl World {
    async fn with(nicknames: &[&str]) -> Self {
        let provider = MisbehavingProvider::start(Behaviour::default()).await;
        let world = Self { home: Home::new(), provider: Arc::new(provider) };
        for nickname in nicknames {
            let login = world.home.login(&world.provider, nickname).await;
            assert_eq!(login.code, 0, "{login}");
        }
        world
    }

    /// The only host, with its port.
    fn host(&self) -> String {
        self.provider.address().to_string()
    }

    async fn token(&self, account: &str) -> String {
        let token = self.home.run(&["token", account]).await;
        assert_eq!(token.code, 0, "{token}");
        token.stdout.trim_end().to_owned()
    }

    /// Asks `bursar credential …`, with `input` on its standard input.
    async fn ask(&self, arguments: &[&str], input: &str) -> Ended {
        asked(&mut self.home.command(&[&["credential"], arguments].concat()), input).await
    }

    /// The end of an account's access token, in seconds since 1970 and as RFC 3339 has it.
    async fn end(&self, account: &str) -> (i64, String) {
        let text = self.listed(account).await["expires_at"].as_str().unwrap().to_owned();
        (text.parse::<jiff::Timestamp>().unwrap().as_second(), text)
    }

    /// How long the access token still lives.
    async fn seconds_left(&self, account: &str) -> i64 {
        self.listed(account).await["seconds_left"].as_i64().unwrap()
    }

    async fn listed(&self, account: &str) -> serde_json::Value {
        let list = self.home.run(&["list", "--json"]).await;
        let accounts: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
        let mut accounts = accounts.as_array().unwrap().iter();
        accounts.find(|shown| shown["account"] == account).unwrap().clone()
    }

    /// Leaves the account with an access token past its end, and lets the next ones live long.
    async fn expire(&self, account: &str) {
        self.provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_secs(1));
        let refresh = self.home.run(&["refresh", account]).await;
        assert_eq!(refresh.code, 0, "{refresh}");
        self.provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_hours(1));
        while self.listed(account).await["state"] != "expired" {}
    }

    /// The person's consent ends, and the access token has ended before it.
    async fn end_consent(&self, account: &str) {
        self.expire(account).await;
        let token = self.home.run(&["token", account, "--no-check"]).await;
        assert!(self.provider.revoke(token.stdout.trim_end()), "{token}");
    }

    /// The program under another name.
    async fn ask_link(&self, name: &str, arguments: &[&str], input: &str) -> Ended {
        let link = self.home.beside(name);
        if !link.exists() {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_bursar"), &link).unwrap();
        }
        asked(self.program(link).args(arguments), input).await
    }

    /// Another program with the environment that bursar would have.
    fn program(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let template = self.home.command(&[]);
        let variables = template.as_std().get_envs().filter_map(|(name, value)| Some((name, value?)));
        let mut command = Command::new(program);
        command.env_clear().envs(variables).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }
}

/// Runs a prepared command with `input` on its standard input.
async fn asked(command: &mut Command, input: &str) -> Ended {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Whoever does not want to hear it may have gone.
    let _gone = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Nothing of it is on either output.
fn hides(ended: &Ended, secret: &str) {
    assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret), "a secret was shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_help_fits_a_terminal_and_names_its_options() {
    let home = Home::new();
    for (protocol, words) in [
        ("", ["git", "api-key-helper"]),
        ("git", ["--bearer", "--host"]),
        ("docker", ["--token-user", "--username"]),
        ("kubectl", ["--id-token", "--account"]),
        ("aws", ["--role-arn", "--sts-endpoint"]),
        ("google", ["--access-token", "--jwt"]),
        ("xoauth2", ["--raw", "--user"]),
        ("oauthbearer", ["--host", "--port"]),
        ("api-key-helper", ["--min-valid", "ACCOUNT"]),
    ] {
        let line: Vec<&str> =
            ["credential", protocol, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        let help = home.run(&line).await;
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{help}");
        assert!(help.stdout.lines().all(|line| line.chars().count() <= 80), "{help}");
        assert!(words.iter().all(|word| help.stdout.contains(word)), "{help}");
    }
}
