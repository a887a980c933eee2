//! The person at the keyboard: logs in, does what the program asks for, and looks at what is there.

use serde_json::Value;

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
        let mut login = self.home.start(&line);
        self.server.visit(&login.address().await).await;
        login.ended().await
    }

    /// Logs in with a code; `decide` gets it.
    pub(crate) async fn log_in_with_code(&self, nickname: &str, decide: impl AsyncFnOnce(&str)) -> Ended {
        let line =
            ["login", self.server.issuer(), "--client-id", PUBLIC_CLIENT, "--device", "--as", nickname];
        let mut login = self.home.start(&line);
        decide(&login.says(user_code).await).await;
        login.ended().await
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
fn user_code(line: &str) -> Option<String> {
    let is_group = |group: &str| group.len() == 4 && group.bytes().all(|letter| letter.is_ascii_uppercase());
    let (first, second) = line.trim().split_once('-')?;
    (is_group(first) && is_group(second)).then(|| line.trim().to_owned())
}

impl Ended {
    /// Itself, if the command went well.
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{self}");
        self
    }
}
