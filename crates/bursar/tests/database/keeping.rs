//! Accounts that fall due together, and three nodes that all see it: each is refreshed once, whatever happens to a node or
//! to the store meanwhile.

use std::sync::Arc;

use futures::future::join_all;
use misbehaving_provider::{Endpoint, Fault, Times, When};

use super::crowd::{AT_ONCE, Crowd};
use super::outage::network;
use super::world::{DATABASE, Machine, Node, On, get};
use crate::servers::Servers;

const ACCOUNTS: usize = 200;
/// Several times as many as a node refreshes at once.
const SOME: usize = 120;

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_expire_together_are_refreshed_once_each_on_postgres() {
    once_each(On::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_expire_together_are_refreshed_once_each_on_redis() {
    once_each(On::Redis).await;
}

async fn once_each(on: On) {
    let crowd = crowd(on, ACCOUNTS).await;
    let nodes = crowd.nodes(&[0, 1, 2]).await;
    crowd.all_are_refreshed_but(0).await;
    stop(nodes).await;
    assert_eq!((crowd.provider.refreshes(), crowd.provider.reuse_detected()), (ACCOUNTS, 0));
    crowd.all_serve().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_while_it_refreshes_costs_no_account_on_postgres() {
    a_killed_node_costs_nothing(On::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_while_it_refreshes_costs_no_account_on_redis() {
    a_killed_node_costs_nothing(On::Redis).await;
}

async fn a_killed_node_costs_nothing(on: On) {
    let crowd = crowd(on, SOME).await;
    let (doomed, calls) = crowd.busy_node(When::BeforeProcessing).await;
    let nodes = crowd.nodes(&[1, 2]).await;
    crowd.all_are_refreshed_but(SOME - AT_ONCE / 2).await;
    doomed.kill();
    // What it had begun holds nobody else up.
    crowd.all_are_refreshed_but(AT_ONCE).await;
    assert_eq!(crowd.provider.refresh_successes(), SOME - AT_ONCE);
    // Its calls came to nothing.
    crowd.provider.inject(
        Endpoint::Token,
        Fault::CloseBeforeAnswer,
        Times::Exactly(u32::try_from(AT_ONCE).unwrap()),
    );
    drop(calls);
    while crowd.provider.calls().iter().any(|call| call.outcome == "pending") {
        tokio::task::yield_now().await;
    }
    on.end_leases(&crowd.servers);
    crowd.all_are_refreshed_but(0).await;
    stop(nodes).await;
    assert_eq!((crowd.provider.refreshes(), crowd.provider.reuse_detected()), (SOME + AT_ONCE, 0));
    crowd.all_serve().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_parted_while_it_refreshes_keeps_what_it_got_on_postgres() {
    a_parted_node_keeps_what_it_got(On::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_parted_while_it_refreshes_keeps_what_it_got_on_redis() {
    a_parted_node_keeps_what_it_got(On::Redis).await;
}

async fn a_parted_node_keeps_what_it_got(on: On) {
    let servers = Arc::new(Servers::start());
    let network = network(on, &servers);
    let [_, second, third] = machines(on, &servers);
    let parted = Machine::new(vec![(DATABASE, network.url())]);
    let crowd = Crowd::expired(servers, [parted, second, third], SOME).await;
    let (parted, calls) = crowd.busy_node(When::BeforeProcessing).await;
    let mut nodes = crowd.nodes(&[1, 2]).await;
    crowd.all_are_refreshed_but(SOME - AT_ONCE / 2).await;
    network.is_partitioned(true);
    // They succeed, and what they brought exists nowhere else.
    drop(calls);
    crowd.all_are_refreshed_but(AT_ONCE).await;
    while crowd.provider.refresh_successes() < SOME {
        tokio::task::yield_now().await;
    }
    while get(&format!("{}/readyz", parted.url)).await != 503 {}
    network.is_partitioned(false);
    crowd.all_are_refreshed_but(0).await;
    nodes.push(parted);
    stop(nodes).await;
    assert_eq!((crowd.provider.refreshes(), crowd.provider.reuse_detected()), (SOME, 0));
    crowd.all_serve().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_killed_while_nodes_refresh_costs_no_account_on_postgres() {
    a_killed_store_costs_nothing(On::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_killed_while_nodes_refresh_costs_no_account_on_redis() {
    a_killed_store_costs_nothing(On::Redis).await;
}

async fn a_killed_store_costs_nothing(on: On) {
    let crowd = crowd(on, SOME).await;
    let (first, calls) = crowd.busy_node(When::BeforeProcessing).await;
    let mut nodes = crowd.nodes(&[1, 2]).await;
    crowd.all_are_refreshed_but(SOME - AT_ONCE / 2).await;
    on.kill(&crowd.servers);
    drop(calls);
    // All that was asked is answered, and nothing of it can be kept yet.
    while crowd.provider.calls().iter().any(|call| call.outcome == "pending") {
        tokio::task::yield_now().await;
    }
    on.restart(&crowd.servers);
    crowd.all_are_refreshed_but(0).await;
    nodes.push(first);
    stop(nodes).await;
    assert_eq!((crowd.provider.refreshes(), crowd.provider.reuse_detected()), (SOME, 0));
    crowd.all_serve().await;
}

async fn crowd(on: On, accounts: usize) -> Crowd {
    let servers = Arc::new(Servers::start());
    let machines = machines(on, &servers);
    Crowd::expired(servers, machines, accounts).await
}

fn machines(on: On, servers: &Servers) -> [Machine; 3] {
    [(); 3].map(|()| Machine::new(on.variables(servers)))
}

/// What they are at they finish first.
async fn stop(nodes: Vec<Node>) {
    for ended in join_all(nodes.into_iter().map(Node::stop)).await {
        ended.succeeded();
    }
}
