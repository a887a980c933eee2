//! Accounts that fall due together, and three nodes that all see it: each is refreshed once.

use std::time::Duration;

use futures::future::join_all;
use futures::{StreamExt as _, stream};
use misbehaving_provider::{Behaviour, MisbehavingProvider};
use serde_json::Value;

use super::world::{Machine, Node, On};
use crate::servers::Servers;

const ACCOUNTS: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_expire_together_are_refreshed_once_each_on_postgres() {
    once_each(On::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_expire_together_are_refreshed_once_each_on_redis() {
    once_each(On::Redis).await;
}

async fn once_each(on: On) {
    let servers = Servers::start();
    let machines = [(); 3].map(|()| Machine::new(on.variables(&servers)));
    // What was spent ends its login: a second refresh would not be forgiven.
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_secs(1));
    stream::iter(0..ACCOUNTS)
        .for_each_concurrent(8, async |number| {
            machines[number % 3].log_in(&provider, &format!("n{number:03}")).await;
        })
        .await;
    assert_eq!(provider.refreshes(), 0);
    while accounts(&machines[0]).await.iter().any(|account| account["state"] != "expired") {}
    provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_hours(1));
    let starting = machines.iter().map(|machine| async { Node::start(machine, None).await.ready().await });
    let nodes = join_all(starting).await;
    while accounts(&machines[1]).await.iter().any(|account| account["state"] != "valid") {}
    // What they are at they finish first.
    for ended in join_all(nodes.into_iter().map(Node::stop)).await {
        ended.succeeded();
    }
    assert_eq!((provider.refreshes(), provider.reuse_detected()), (ACCOUNTS, 0));
    let accounts = accounts(&machines[2]).await;
    assert!(accounts.iter().all(|account| account["state"] == "valid"), "{accounts:?}");
}

async fn accounts(machine: &Machine) -> Vec<Value> {
    let list = machine.run(&["list", "--json"]).await.succeeded();
    let accounts: Vec<Value> = serde_json::from_str(&list.stdout).unwrap();
    assert_eq!(accounts.len(), ACCOUNTS);
    accounts
}
