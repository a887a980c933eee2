//! Three real servers on one store: any of them answers anything, and the death of one loses nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream::FuturesUnordered;

use misbehaving_provider::{Behaviour, MisbehavingProvider, ReusePolicy};

use super::world::{Installation, Machine, Node, On, Tokens, get};
use crate::servers::Servers;
use crate::support::{ended, write_private};

/// So many at once, over all nodes.
const REFRESHES: usize = 64;

#[tokio::test(flavor = "multi_thread")]
async fn parallel_refreshes_of_one_token_over_three_nodes_get_one_pair_on_postgres() {
    one_pair(On::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_refreshes_of_one_token_over_three_nodes_get_one_pair_on_redis() {
    one_pair(On::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_refreshes_of_one_token_over_three_nodes_get_one_pair_on_both() {
    one_pair(On::Mixed).await;
}

async fn one_pair(on: On) {
    let installation = Installation::on(on).await;
    let others = [installation.node().await, installation.node().await];
    let nodes = [&installation.first, &others[0], &others[1]].map(|node| node.url.as_str());
    let mut token = installation.log_in().await.refresh;
    for round in 0..3 {
        let asked = (0..REFRESHES).map(|number| installation.refresh(nodes[number % 3], &token));
        let answers = join_all(asked).await;
        let pairs: BTreeSet<_> =
            answers.iter().map(|answer| Tokens::of(answer.as_ref().unwrap()).pair()).collect();
        assert_eq!(pairs.len(), 1, "round {round}");
        (_, token) = pairs.into_iter().next().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_takes_nothing_with_it_on_postgres() {
    nothing_is_lost(On::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_takes_nothing_with_it_on_redis() {
    nothing_is_lost(On::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_takes_nothing_with_it_on_both() {
    nothing_is_lost(On::Mixed).await;
}

async fn nothing_is_lost(on: On) {
    let installation = Installation::on(on).await;
    let mut token = installation.log_in().await.refresh;
    for survived in 1..=4 {
        let mut doomed = Some(installation.node().await);
        let url = doomed.iter().map(|node| node.url.clone()).collect::<String>();
        // Several are under way when it dies; whoever hears nothing asks elsewhere, as clients do.
        let mut asked: FuturesUnordered<_> = (0..8).map(|_| installation.refresh(&url, &token)).collect();
        let mut answers = Vec::new();
        while let Some(answer) = asked.next().await {
            answers.push(answer);
            if let Some(doomed) = doomed.take_if(|_| answers.len() == survived) {
                doomed.kill();
            }
        }
        drop(asked);
        let again = installation.refresh(&installation.first.url, &token).await.unwrap();
        let answers = answers.iter().flatten().chain([&again]);
        let pairs: BTreeSet<_> = answers.map(|answer| Tokens::of(answer).pair()).collect();
        assert_eq!(pairs.len(), 1, "{survived} answered");
        (_, token) = pairs.into_iter().next().unwrap();
    }
    let answer = installation.refresh(&installation.first.url, &token).await.unwrap();
    Tokens::of(&answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_takes_back_the_others_soon_know() {
    for on in On::ALL {
        let installation = Installation::on(on).await;
        let other = installation.node().await;
        let introspector = installation.introspector().await;
        for _ in 0..3 {
            let tokens = installation.log_in().await;
            let told = introspector.ask(&other.url, &tokens.access).await;
            assert_eq!((told.status, &told.document["active"]), (200, &true.into()), "{on:?}: {told:?}");
            installation.revoke(&installation.first.url, &tokens.refresh).await;
            let known = async {
                while introspector.ask(&other.url, &tokens.access).await.document["active"] != false {}
            };
            tokio::time::timeout(SOON, known).await.unwrap_or_else(|_| panic!("{on:?}: it is not told"));
        }
    }
}

/// A second, and what a busy machine takes; less than the silence after which a node reads everything anew.
const SOON: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_master_key_serves_nobody_and_breaks_nothing() {
    let installation = Installation::on(On::Postgres).await;
    let stranger = Machine::new(installation.machine.variables.clone());
    stranger.home.write_key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let node = Node::start(&stranger, Some(&installation.first.issuer)).await;
    let token = installation.log_in().await.refresh;
    let answer = installation.refresh(&node.url, &token).await.unwrap();
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(get(&format!("{}/readyz", node.url)).await, 503);
    let ended = node.stop().await;
    assert!(ended.stderr.contains("does not fit this vault"), "{ended}");
    Tokens::of(&installation.refresh(&installation.first.url, &token).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_that_want_one_account_at_once_refresh_it_once_on_postgres() {
    one_refresh(On::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_that_want_one_account_at_once_refresh_it_once_on_redis() {
    one_refresh(On::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_that_want_one_account_at_once_refresh_it_once_on_both() {
    one_refresh(On::Mixed).await;
}

/// The provider forgives nothing, and no lock of one machine holds another back.
async fn one_refresh(on: On) {
    let servers = Servers::start();
    let machines = [(); 3].map(|()| Machine::new(on.variables(&servers)));
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    provider.change(|behaviour| behaviour.token.reuse = ReusePolicy::RevokeFamily);
    let reference = machines[0].log_in(&provider, "work").await;
    let rejected = machines.each_ref().map(|machine| machine.home.beside("rejected"));
    for round in 1..=3 {
        let old = machines[0].run(&["token", &reference]).await.succeeded().stdout;
        for file in &rejected {
            write_private(file, old.trim());
        }
        let asked = (0..12).map(|number| {
            let (machine, rejected) = (&machines[number % 3], &rejected[number % 3]);
            let line = ["token", &reference, "--rejected-file", rejected.to_str().unwrap()];
            let mut command = machine.command(&line);
            async move { ended(&mut command).await.succeeded().stdout }
        });
        let tokens: BTreeSet<String> = join_all(asked).await.into_iter().collect();
        assert_eq!(tokens.len(), 1, "round {round}");
        assert!(!tokens.contains(&old), "round {round}");
        assert_eq!(provider.refreshes(), round, "round {round}");
    }
}
