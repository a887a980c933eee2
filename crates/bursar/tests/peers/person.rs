//! The person at the keyboard: runs a login, reads what it says, and does what it asks for.

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::authorization_server::{AuthorizationServer, PUBLIC_CLIENT};
use crate::support::{Ended, Home};

/// Somebody with a home and one authorization server to log in to.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) home: Home,
    pub(crate) server: AuthorizationServer,
}

impl Person {
    /// Somebody new, with a server of their own.
    pub(crate) async fn new() -> Self {
        Self { home: Home::new(), server: AuthorizationServer::start().await }
    }

    /// Somebody who has logged in already, as account `work`.
    pub(crate) async fn logged_in() -> Self {
        let person = Self::new().await;
        person.log_in("work").await.succeeded();
        person
    }

    /// Logs in with the browser flow, as whoever signs in at the server.
    pub(crate) async fn log_in(&self, nickname: &str) -> Ended {
        let issuer = self.server.issuer();
        let line = ["login", issuer, "--client-id", PUBLIC_CLIENT, "--no-browser", "--as", nickname];
        self.answer(&line, |line| line.starts_with(issuer), async |url| self.server.visit(url).await).await
    }

    /// Logs in with a code; `decide` gets it.
    pub(crate) async fn log_in_with_code(&self, nickname: &str, decide: impl AsyncFnOnce(&str)) -> Ended {
        let issuer = self.server.issuer();
        let line = ["login", issuer, "--client-id", PUBLIC_CLIENT, "--device", "--as", nickname];
        self.answer(&line, is_user_code, decide).await
    }

    /// Runs the program and, once it says a line that `is_asked` knows, does `act` with that line.
    async fn answer(
        &self,
        arguments: &[&str],
        is_asked: impl Fn(&str) -> bool,
        act: impl AsyncFnOnce(&str),
    ) -> Ended {
        let mut child = self.home.command(arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut stderr = String::new();
        let mut act = Some(act);
        while let Some(line) = lines.next_line().await.unwrap() {
            if is_asked(line.trim())
                && let Some(act) = act.take()
            {
                act(line.trim()).await;
            }
            stderr.push_str(&line);
            stderr.push('\n');
        }
        let mut stdout = String::new();
        child.stdout.take().unwrap().read_to_string(&mut stdout).await.unwrap();
        let code = child.wait().await.unwrap().code().unwrap_or(-1);
        Ended { code, stdout, stderr }
    }

    /// An access token of `account`.
    pub(crate) async fn token(&self, account: &str) -> String {
        self.home.run(&["token", account]).await.succeeded().stdout.trim_end().to_owned()
    }

    /// How one account is doing, as programs see it.
    pub(crate) async fn status(&self, account: &str) -> Value {
        let ended = self.home.run(&["status", account, "--json"]).await;
        let accounts: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended}"));
        accounts[0].clone()
    }

    /// Looks until `account` is in `state`; the test's own time limit ends a wait for what never comes.
    pub(crate) async fn wait_for_state(&self, account: &str, state: &str) {
        while self.status(account).await["state"] != state {}
    }
}

/// RFC 8628 §6.1: `oidc-provider` makes two groups of four letters.
fn is_user_code(line: &str) -> bool {
    let is_group = |group: &str| group.len() == 4 && group.bytes().all(|letter| letter.is_ascii_uppercase());
    line.split_once('-').is_some_and(|(first, second)| is_group(first) && is_group(second))
}

impl Ended {
    /// Itself, if the command went well.
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{self}");
        self
    }
}
