//! Commands with an agent: the same words, the same codes, and one refresh for all.

use std::time::Duration;

use misbehaving_provider::{Endpoint, Fault, Times, When};
use rustix::process::Signal;

use super::running::{Agent, a_moment};
use super::world::World;
use crate::support::{Ended, ended};

/// What a command says, without what differs from call to call: secrets, times and numbers.
fn masked(world: &World, ended: &Ended) -> String {
    let mut text = ended.to_string();
    for secret in world.provider.secrets() {
        text = text.replace(&secret, "[SECRET]");
    }
    let mut masked = String::new();
    for letter in text.chars() {
        if !letter.is_ascii_digit() {
            masked.push(letter);
        } else if !masked.ends_with('#') {
            masked.push('#');
        }
    }
    masked
}

/// The command with the agent, and as if there were none.
async fn both_ways(world: &World, arguments: &[&str]) -> [Ended; 2] {
    let with = world.home.run(arguments).await;
    let mut alone = world.home.command(arguments);
    let without = ended(alone.env("BURSAR_SOCKET", world.home.beside("no.sock"))).await;
    [with, without]
}

async fn assert_the_same(world: &World, table: &[(&[&str], i32)]) {
    for (arguments, code) in table {
        let [with, without] = both_ways(world, arguments).await;
        assert_eq!(with.code, *code, "{arguments:?}: {with}");
        assert_eq!(masked(world, &with), masked(world, &without), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_says_the_same_with_and_without() {
    let world = World::new().await;
    for nickname in ["play", "away", "gone"] {
        world.home.login(&world.provider, nickname).await.succeeded();
    }
    world.home.run(&["pause", "away"]).await.succeeded();
    let refused = Fault::OauthError { status: 400, code: "invalid_grant".into(), description: None };
    world.provider.inject(Endpoint::Token, refused, Times::Once);
    assert_eq!(world.home.run(&["refresh", "gone"]).await.code, 4);
    let last = world.home.run(&["token", "gone"]).await.succeeded();
    let last_of_gone = world.home.beside("last");
    crate::support::write_private(&last_of_gone, &last.stdout);
    let last_of_gone = last_of_gone.to_str().unwrap();
    let provider = world.work.split_once(':').unwrap().0;
    let rejected = world.home.beside("rejected");
    crate::support::write_private(&rejected, "not-the-token-you-know");
    let rejected = rejected.to_str().unwrap();

    let _agent = Agent::start(&world.home).await;
    assert_the_same(
        &world,
        &[
            (&["token", "work"], 0),
            (&["token", &world.work], 0),
            (&["token", "wo"], 0),
            (&["token", "work", "--header"], 0),
            (&["token", "work", "--json"], 0),
            (&["token", "work", "--no-check"], 0),
            (&["token", "work", "--no-wait"], 0),
            (&["token", "work", "--min-valid", "1m"], 0),
            (&["token", "work", "--min-valid", "9h"], 0),
            (&["token", "work", "--rejected-file", rejected], 0),
            (&["token", "work", "--expect", "nobody@example.com"], 8),
            (&["token", provider], 2),
            (&["token", "nobody"], 3),
            (&["token", "gitlab:nobody"], 3),
            (&["token", "away"], 8),
            (&["token", "gone"], 0),
            (&["token", "gone", "--rejected-file", last_of_gone], 4),
            (&["token", "gone", "--rejected-file", last_of_gone, "--json"], 4),
            (&["refresh", "gone"], 4),
            (&["refresh", "nobody"], 3),
            (&["refresh", "work"], 0),
            (&["refresh", "work", "--json"], 0),
            (&["exec", "work", "--", "sh", "-c", "echo $ACCESS_TOKEN; exit 7"], 7),
            (&["exec", "nobody", "--", "true"], 3),
            (&["list"], 0),
            (&["which", "work"], 0),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_reads_the_same_with_and_without() {
    let world = World::new().await;
    world.provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_secs(1));
    world.home.run(&["refresh", "work"]).await.succeeded();
    while world.account().await["state"] == "valid" {}
    world.provider.stop().await;
    assert_eq!(world.home.run(&["token", "work"]).await.code, 5);
    let _agent = Agent::start(&world.home).await;
    assert_the_same(
        &world,
        &[
            (&["token", "work"], 5),
            (&["token", "work", "--header"], 5),
            (&["token", "work", "--no-wait"], 5),
            (&["exec", "work", "--", "true"], 5),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_vault_reads_the_same_with_and_without() {
    let world = World::new().await;
    std::fs::rename(world.home.key_file(), world.home.beside("taken")).unwrap();
    let _agent = Agent::start(&world.home).await;
    assert_the_same(&world, &[(&["token", "work"], 7), (&["refresh", "work"], 7), (&["list"], 0)]).await;
    std::fs::rename(world.home.beside("taken"), world.home.key_file()).unwrap();
    world.home.run(&["token", "work"]).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_takes_seconds_is_waited_for_and_not_done_twice() {
    let world = World::new().await;
    let _agent = Agent::start(&world.home).await;
    world.provider.inject(Endpoint::Token, Fault::Slow(Duration::from_secs(4)), Times::Once);
    // This one could not do it itself.
    let mut refresh = world.home.command(&["refresh", "work"]);
    let refresh = ended(refresh.env("BURSAR_MASTER_KEY_FILE", world.home.beside("nowhere"))).await;
    refresh.succeeded();
    assert_eq!((world.provider.refreshes(), world.provider.refresh_successes()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_goes_on_when_its_caller_goes_away() {
    let world = World::new().await;
    let agent = Agent::start(&world.home).await;
    let before = world.account().await["generation"].as_u64().unwrap();
    let hold = world.provider.hold(Endpoint::Token, When::AfterProcessing);
    let mut refresh = world.home.start(&["refresh", "work"]);
    refresh.until(hold.arrived()).await;
    refresh.signal(Signal::KILL);
    assert_eq!(refresh.ended().await.code, -1);
    hold.release();
    while world.account().await["generation"] != before + 1 {
        assert!(agent.is_there());
        a_moment().await;
    }
    assert!(world.provider.is_live(&world.token().await));
    assert_eq!((world.provider.refreshes(), world.provider.reuse_detected()), (1, 0));
}
