//! The agent beside many callers, and alone for minutes, with npm's `oidc-provider` as the judge: each of its refresh
//! tokens works once, it counts every refresh, and it knows which tokens are live.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;
use futures::{StreamExt as _, stream};
use rustix::process::Signal;
use serde_json::Value;

use super::running::Agent;
use crate::peers::person::Person;
use crate::race::gate::Gate;

const LIFETIME: u32 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_accounts_stay_fresh_for_minutes_with_nobody_asking() {
    let person = Person::new().await;
    person.server.set_access_lifetime(600).await;
    let names = logged_in(&person, 100).await;
    // From now on every token lives so long; the first refresh of each is ours.
    person.server.set_access_lifetime(LIFETIME).await;
    let _agent = Agent::start(&person.home).await;
    person.home.run(&["refresh", "--all"]).await.succeeded();

    let before = person.server.counts().await;
    let started = clock();
    while started.elapsed() < alone() {
        for account in accounts(&person).await {
            assert_eq!(account["state"], "valid", "{account}");
            assert!(account["seconds_left"].as_i64().unwrap() > 0, "an expired token: {account}");
        }
        SystemClock.sleep(Duration::from_secs(2)).await;
    }

    let tokens: Vec<String> = stream::iter(0..1_000)
        .map(|number| {
            let (person, name) = (&person, &names[number % names.len()]);
            async move {
                let ended = person.home.run(&["token", name]).await;
                assert_eq!(ended.code, 0, "{ended}");
                let token = ended.stdout.trim_end().to_owned();
                assert!(person.server.is_live(&token).await, "{name} got a dead token");
                token
            }
        })
        .buffer_unordered(32)
        .collect()
        .await;
    assert_eq!(tokens.len(), 1_000);
    assert!(tokens.iter().collect::<BTreeSet<_>>().len() >= 100, "accounts share tokens");

    let counts = person.server.counts().await;
    // One refresh in two thirds of a lifetime at most, and one more for where in it the time began and ended.
    let spans = started.elapsed().as_secs_f64() / (f64::from(LIFETIME) * 2.0 / 3.0);
    let refreshes = f64::from(u32::try_from(counts.refreshes - before.refreshes).unwrap());
    let most = (spans + 1.0) * 100.0;
    assert!(refreshes <= most, "{refreshes} refreshes, at most {most:.0}");
    // At least one in each whole lifetime, or some token has died in between.
    let fewest = 100.0 * (started.elapsed().as_secs_f64() / f64::from(LIFETIME) - 1.0);
    assert!(refreshes >= fewest, "{refreshes} refreshes, at least {fewest:.0}");
    assert_eq!((counts.refreshes, counts.reuse_detected), (counts.refresh_successes, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_do_without_the_agent_and_the_agent_refresh_once() {
    const ROUNDS: usize = 15;
    let person = Person::logged_in().await;
    let nowhere = person.home.beside("no.sock");
    for round in 0..ROUNDS {
        person.server.set_access_lifetime(1).await;
        person.home.run(&["refresh", "work"]).await.succeeded();
        person.wait_for_state("work", "expired").await;
        person.server.set_access_lifetime(600).await;
        person.server.set_delay(Duration::from_millis([0, 100, 400][round % 3])).await;
        let before = person.server.counts().await;

        let gate = Gate::new();
        let held: Vec<_> = (0..32)
            .map(|_| {
                gate.hold_program(person.home.command(&["token", "work"]).env("BURSAR_SOCKET", &nowhere))
            })
            .collect();
        let mut agent = Agent::starting(&person.home);
        gate.open();
        let mut tokens = BTreeSet::new();
        for process in held {
            let ended = process.ended().await;
            assert_eq!(ended.code, 0, "round {round}: {ended}");
            tokens.insert(ended.stdout.trim_end().to_owned());
        }
        assert_eq!(tokens.len(), 1, "round {round}");
        assert!(person.server.is_live(tokens.first().unwrap()).await, "round {round}");
        // Its own look at the account is over as soon as it answers.
        while person.home.run(&["agent", "status"]).await.code != 0 {}
        let counts = person.server.counts().await;
        assert_eq!(counts.refreshes, before.refreshes + 1, "round {round}");
        assert_eq!(counts.reuse_detected, 0);
        agent.signal(Signal::TERM);
        assert_eq!(agent.ended().await, 0, "{}", agent.log());
        person.server.set_delay(Duration::ZERO).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_stopped_for_longer_than_a_lifetime_wakes_to_a_live_token_and_spreads_the_rest() {
    let person = Person::new().await;
    person.server.set_access_lifetime(600).await;
    let names = logged_in(&person, 20).await;
    person.server.set_access_lifetime(5).await;
    let agent = Agent::start(&person.home).await;
    person.home.run(&["refresh", "--all"]).await.succeeded();
    agent.signal(Signal::STOP);
    loop {
        let accounts = accounts(&person).await;
        if accounts.iter().all(|account| account["state"] == "expired") {
            break;
        }
        SystemClock.sleep(Duration::from_millis(200)).await;
    }
    // It wanted to act 3.4 s after the refresh, and takes two seconds more for a busy machine's delay.
    SystemClock.sleep(Duration::from_secs(2)).await;
    person.server.set_access_lifetime(600).await;
    let before = person.server.counts().await;
    agent.signal(Signal::CONT);

    let token = person.token(&names[7]).await;
    assert!(person.server.is_live(&token).await, "the first hand-out after waking was dead");
    let mut refreshed: Vec<String> = Vec::new();
    while refreshed.len() < names.len() {
        let accounts = accounts(&person).await;
        refreshed = accounts
            .iter()
            .filter(|account| account["state"] == "valid")
            .map(|account| account["last_refreshed"].as_str().unwrap().to_owned())
            .collect();
        SystemClock.sleep(Duration::from_millis(100)).await;
    }
    let moments: BTreeSet<&String> = refreshed.iter().collect();
    assert!(moments.len() >= 3, "everything was refreshed at once: {moments:?}");
    let counts = person.server.counts().await;
    assert_eq!(counts.refreshes - before.refreshes, names.len() as u64, "each once");
    assert_eq!(counts.reuse_detected, 0);
}

/// So many accounts of one person, by their nicknames.
async fn logged_in(person: &Person, count: usize) -> Vec<String> {
    let names: Vec<String> = (0..count).map(|number| format!("n{number:03}")).collect();
    stream::iter(&names)
        .for_each_concurrent(8, async |name| {
            person.log_in(name).await.succeeded();
        })
        .await;
    names
}

async fn accounts(person: &Person) -> Vec<Value> {
    let list = person.home.run(&["list", "--json"]).await.succeeded();
    serde_json::from_str(&list.stdout).unwrap()
}

/// How long nobody asks: two minutes, or what `BURSAR_TEST_ALONE` says in seconds.
#[expect(clippy::disallowed_methods, reason = "a knob of the test, not of the program")]
fn alone() -> Duration {
    let seconds = std::env::var("BURSAR_TEST_ALONE").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(120))
}

#[expect(clippy::disallowed_methods, reason = "real processes are measured by the real clock")]
fn clock() -> Instant {
    Instant::now()
}
