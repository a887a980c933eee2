//! The agent, asked for accounts of sandboxes.

use std::time::Duration;

use super::world::World;
use crate::agent::raw::ask;
use crate::agent::running::{Agent, a_moment};

#[tokio::test(flavor = "multi_thread")]
async fn it_hands_out_and_refreshes_in_each_sandbox_its_own() {
    let world = World::with(&["one", "other"]).await;
    world.home.login(&world.provider, "work").await.succeeded();
    world.login("work", "one").await;
    let agent = Agent::start(&world.home).await;
    let account = world.account("work");
    let handed = async |place: &str| {
        let path = format!("{place}/v1/accounts/{account}/token");
        ask(&world.home, "POST", &path, "{}").await
    };
    let own = handed("").await.succeeded()["access_token"].as_str().unwrap().to_owned();
    let there = handed("/s/one").await.succeeded()["access_token"].as_str().unwrap().to_owned();
    assert_ne!(own, there);
    assert_eq!(world.token("work", "one").await, there, "the command asks there too");
    assert_eq!(handed("/s/other").await.refused(404), "no_such_account");
    assert_eq!(handed("/s/none").await.refused(404), "no_such_sandbox");
    // Only what is about accounts is in a sandbox.
    assert_eq!(ask(&world.home, "GET", "/s/one/v1/agent", "").await.refused(404), "unknown_route");

    let refreshed = format!("/s/one/v1/accounts/{account}/refresh");
    assert_eq!(ask(&world.home, "POST", &refreshed, "{}").await.status, 204);
    assert_eq!(world.provider.refresh_successes(), 1);
    assert_ne!(world.token("work", "one").await, there);
    assert_eq!(handed("").await.succeeded()["access_token"], own);
    let listed = ask(&world.home, "GET", "/s/one/v1/accounts", "").await.succeeded();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["sandbox"]), (1, &"one".into()));
    drop(agent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_of_a_person_s_holds_in_sandboxes_and_a_made_one_is_known_at_once() {
    let world = World::with(&[]).await;
    let _agent = Agent::start(&world.home).await;
    for name in ["one", "other"] {
        assert_eq!(ask(&world.home, "GET", &format!("/s/{name}/v1/accounts"), "").await.status, 404);
        world.home.run(&["sandbox", "new", name]).await.succeeded();
        assert_eq!(ask(&world.home, "GET", &format!("/s/{name}/v1/accounts"), "").await.status, 200);
        world.login("work", name).await;
    }
    world.token("work", "one").await;
    world.home.run(&["vault", "lock"]).await.succeeded();
    let locked = world.home.run(&["token", "work", "--sandbox", "one"]).await;
    assert_eq!((locked.code, locked.stdout.as_str()), (7, ""), "{locked}");
    world.home.run(&["vault", "unlock"]).await.succeeded();
    world.token("work", "one").await;
    // What has ended is gone at once as well.
    world.home.run(&["sandbox", "reset", "one", "--yes"]).await.succeeded();
    assert_eq!(world.home.run(&["token", "work", "--sandbox", "one"]).await.code, 3);
    world.home.run(&["sandbox", "delete", "other", "--yes"]).await.succeeded();
    assert_eq!(ask(&world.home, "GET", "/s/other/v1/accounts", "").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_accounts_of_sandboxes_fresh() {
    let world = World::with(&["one"]).await;
    world.provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_secs(4));
    world.login("work", "one").await;
    let _agent = Agent::start(&world.home).await;
    while world.provider.refresh_successes() < 2 {
        a_moment().await;
    }
    assert_eq!(world.provider.reuse_detected(), 0);
}
