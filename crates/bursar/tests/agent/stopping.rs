//! The end: asked for, by a signal, or because nobody finds the agent any more; what is under way is kept.

use misbehaving_provider::{Endpoint, When};
use rustix::process::Signal;

use super::raw::socket;
use super::running::Agent;
use super::world::{World, with_keys};

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_its_socket_is_removed() {
    let home = with_keys(1).await;
    let mut agent = Agent::start(&home).await;
    std::fs::remove_file(socket(&home)).unwrap();
    assert_eq!(agent.ended().await, 0);
    assert!(agent.log().contains("its socket is gone"), "{}", agent.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_its_home_is_removed() {
    let home = with_keys(1).await;
    let mut agent = Agent::start(&home).await;
    std::fs::remove_dir_all(home.path()).unwrap();
    assert_eq!(agent.ended().await, 0, "{}", agent.log());
    assert!(!home.path().exists(), "it leaves nothing there on its way out");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_taken_the_socket_s_place_stays_when_it_ends() {
    let home = with_keys(1).await;
    let mut agent = Agent::start(&home).await;
    let other = home.beside("other");
    std::fs::write(&other, "other").unwrap();
    std::fs::rename(&other, socket(&home)).unwrap();
    assert_eq!(agent.ended().await, 0);
    assert_eq!(std::fs::read_to_string(socket(&home)).unwrap(), "other");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_waits_for_the_refresh_under_way_and_its_caller_gets_the_answer() {
    let world = World::new().await;
    let mut agent = Agent::start(&world.home).await;
    let before = world.token().await;
    let hold = world.provider.hold(Endpoint::Token, When::AfterProcessing);
    let mut refresh = world.home.start(&["refresh", "work"]);
    refresh.until(hold.arrived()).await;
    agent.signal(Signal::TERM);
    agent.writes("the agent is stopping").await;
    assert!(agent.is_there());
    hold.release();

    assert_eq!(agent.ended().await, 0, "{}", agent.log());
    refresh.ended().await.succeeded();
    let after = world.token().await;
    assert!(after != before && world.provider.is_live(&after));
    assert_eq!((world.provider.refreshes(), world.provider.reuse_detected()), (1, 0));
    assert!(!socket(&world.home).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_whose_caller_is_gone_is_saved_before_the_end() {
    let world = World::new().await;
    let mut agent = Agent::start(&world.home).await;
    let hold = world.provider.hold(Endpoint::Token, When::AfterProcessing);
    let mut refresh = world.home.start(&["refresh", "work"]);
    refresh.until(hold.arrived()).await;
    refresh.signal(Signal::KILL);
    refresh.ended().await;
    agent.signal(Signal::TERM);
    agent.writes("the agent is stopping").await;
    hold.release();
    assert_eq!(agent.ended().await, 0, "{}", agent.log());
    assert!(world.provider.is_live(&world.token().await));
    assert_eq!((world.provider.refreshes(), world.provider.reuse_detected()), (1, 0));
    assert_eq!(world.account().await["state"], "valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once_and_the_journal_stays() {
    let world = World::new().await;
    let mut agent = Agent::start(&world.home).await;
    let hold = world.provider.hold(Endpoint::Token, When::AfterProcessing);
    let mut refresh = world.home.start(&["refresh", "work"]);
    refresh.until(hold.arrived()).await;
    // Its caller would go on by itself, and wait for the same provider.
    refresh.signal(Signal::KILL);
    refresh.ended().await;
    agent.signal(Signal::TERM);
    agent.writes("the agent is stopping").await;
    let ended = loop {
        agent.signal(Signal::TERM);
        let a_moment = std::time::Duration::from_millis(500);
        if let Ok(ended) = tokio::time::timeout(a_moment, agent.ended()).await {
            break ended;
        }
    };
    assert_eq!(ended, 0, "{}", agent.log());
    assert!(agent.log().contains("stopped at once"), "{}", agent.log());
    hold.release();

    let token = world.token().await;
    assert!(world.provider.is_live(&token), "the old token still serves");
    let refresh = world.home.run(&["refresh", "work"]).await;
    assert_eq!(refresh.code, 5, "{refresh}");
    assert_eq!(
        (world.provider.refreshes(), world.provider.reuse_detected()),
        (1, 0),
        "a spent one stays unsent"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_waits_for_the_refresh_under_way() {
    let world = World::new().await;
    let mut agent = Agent::start(&world.home).await;
    let hold = world.provider.hold(Endpoint::Token, When::AfterProcessing);
    let mut refresh = world.home.start(&["refresh", "work"]);
    refresh.until(hold.arrived()).await;
    let stop = world.home.start(&["agent", "stop"]);
    agent.writes("the agent is stopping").await;
    hold.release();
    stop.ended().await.succeeded();
    refresh.ended().await.succeeded();
    assert_eq!(agent.ended().await, 0);
    assert_eq!(world.provider.refresh_successes(), 1);
}
