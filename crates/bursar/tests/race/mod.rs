//! Many processes want the same token at the same moment, and the provider forgives nothing.
//!
//! The server is npm's `oidc-provider`: each refresh token works once, and a spent one that comes back ends the login. A
//! second refresh is counted there, so nothing that bursar believes of itself can hide one.

pub(crate) mod gate;

use std::time::Duration;

use serde_json::Value;

use self::gate::Gate;
use crate::peers::authorization_server::Counts;
use crate::peers::person::Person;
use crate::support::write_private;

const PROCESSES: usize = 64;
const ROUNDS: usize = 50;

#[tokio::test]
async fn one_refresh_for_64_processes() {
    let person = Person::logged_in().await;
    for round in 0..ROUNDS {
        expire(&person, &["work"]).await;
        widen(&person, round).await;
        let before = person.server.counts().await;
        let tokens = tokens_of_all(&person, |_| vec!["token", "work"], round).await;
        refreshed(&person, &before, 1, round).await;
        one_live_token(&person, tokens, round).await;
    }
}

#[tokio::test]
async fn a_rejected_token_is_replaced_once() {
    let person = Person::logged_in().await;
    let file = person.home.beside("rejected");
    let line = ["token", "work", "--rejected-file", file.to_str().unwrap()];
    for round in 0..ROUNDS {
        let rejected = person.token("work").await;
        write_private(&file, &rejected);
        widen(&person, round).await;
        let before = person.server.counts().await;
        let tokens = tokens_of_all(&person, |_| line.to_vec(), round).await;
        refreshed(&person, &before, 1, round).await;
        let token = one_live_token(&person, tokens, round).await;
        assert_ne!(token, rejected, "round {round}");
    }
}

#[tokio::test]
async fn five_accounts_refresh_independently() {
    let person = Person::new().await;
    for account in FIVE {
        person.server.sign_in(account).await;
        person.log_in(account).await.succeeded();
    }
    for round in 0..FIVE_ACCOUNT_ROUNDS {
        expire(&person, &FIVE).await;
        widen(&person, round).await;
        let before = person.server.counts().await;
        let line = |process: usize| vec!["token", FIVE[process % FIVE.len()]];
        let tokens = tokens_of_all(&person, line, round).await;
        refreshed(&person, &before, 5, round).await;
        let mut different = Vec::new();
        for account in 0..FIVE.len() {
            let own = tokens.iter().skip(account).step_by(FIVE.len()).cloned().collect();
            different.push(one_live_token(&person, own, round).await);
        }
        different.sort();
        different.dedup();
        assert_eq!(different.len(), FIVE.len(), "round {round}: accounts share a token");
    }
}

const FIVE: [&str; 5] = ["ada", "bob", "carol", "dan", "eve"];
/// Each is five races of about thirteen processes.
const FIVE_ACCOUNT_ROUNDS: usize = 10;

/// Leaves every account with an access token past its end, and lets the next ones live long.
async fn expire(person: &Person, accounts: &[&str]) {
    person.server.set_delay(Duration::ZERO).await;
    person.server.set_access_lifetime(1).await;
    person.home.run(&["refresh", "--all"]).await.succeeded();
    for account in accounts {
        person.wait_for_state(account, "expired").await;
    }
    person.server.set_access_lifetime(600).await;
}

/// Answers that take long let more processes arrive while the refresh is under way; answers that come at once let the
/// late ones meet the lock just as it is let go.
async fn widen(person: &Person, round: usize) {
    const DELAYS: [u64; 4] = [0, 20, 150, 400];
    person.server.set_delay(Duration::from_millis(DELAYS[round % DELAYS.len()])).await;
}

/// Starts all processes behind a gate, opens it, and collects the token each has printed.
async fn tokens_of_all<'a>(
    person: &Person,
    line: impl Fn(usize) -> Vec<&'a str>,
    round: usize,
) -> Vec<String> {
    let gate = Gate::new();
    let held: Vec<_> = (0..PROCESSES).map(|process| gate.hold(&person.home, &line(process))).collect();
    gate.open();
    let mut tokens = Vec::new();
    for process in held {
        let ended = process.ended().await;
        assert_eq!(ended.code, 0, "round {round}: {ended}");
        tokens.push(ended.stdout.trim_end().to_owned());
    }
    tokens
}

/// The one token that all have got; the server honours it.
async fn one_live_token(person: &Person, mut tokens: Vec<String>, round: usize) -> String {
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "round {round}: {} different tokens were handed out", tokens.len());
    assert!(person.server.is_live(&tokens[0]).await, "round {round}: the token is dead");
    tokens.remove(0)
}

/// Exactly so many refreshes have reached the server since `before`, and none with a spent token.
async fn refreshed(person: &Person, before: &Counts, times: u64, round: usize) {
    let expected = Counts {
        refreshes: before.refreshes + times,
        refresh_successes: before.refresh_successes + times,
        reuse_detected: 0,
        ..before.clone()
    };
    assert_eq!(person.server.counts().await, expected, "round {round}");
    let accounts = person.home.run(&["status", "--json"]).await.succeeded();
    let accounts: Value = serde_json::from_str(&accounts.stdout).unwrap();
    for account in accounts.as_array().unwrap() {
        assert_eq!(account["state"], "valid", "round {round}: {account}");
    }
}
