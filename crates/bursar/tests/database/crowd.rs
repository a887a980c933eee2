//! Many logins that fall due at once, and three machines that all keep them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::{StreamExt as _, stream};
use misbehaving_provider::{Behaviour, Endpoint, Hold, MisbehavingProvider, When};
use serde_json::Value;

use super::world::{Machine, Node, On};
use crate::servers::Servers;

/// Accounts on one store.
pub(super) struct Crowd {
    pub(super) servers: Arc<Servers>,
    pub(super) machines: [Machine; 3],
    /// What was spent ends its login there: nothing that is not promised is forgiven.
    pub(super) provider: MisbehavingProvider,
    accounts: usize,
}

impl Crowd {
    /// So many logins, which have all ended before anybody keeps them.
    pub(super) async fn expired(servers: Arc<Servers>, machines: [Machine; 3], accounts: usize) -> Self {
        let provider = MisbehavingProvider::start(Behaviour::default()).await;
        provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_secs(1));
        stream::iter(0..accounts)
            .for_each_concurrent(8, async |number| {
                machines[number % 3].log_in(&provider, &format!("n{number:03}")).await;
            })
            .await;
        let crowd = Self { servers, machines, provider, accounts };
        crowd.until(|states| states.iter().all(|state| state == "expired")).await;
        assert_eq!(crowd.provider.refreshes(), 0);
        crowd.provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_hours(1));
        crowd
    }

    /// Nodes on these machines.
    pub(super) async fn nodes(&self, machines: &[usize]) -> Vec<Node> {
        let starting = machines
            .iter()
            .map(|number| async { Node::start(&self.machines[*number], None).await.ready().await });
        join_all(starting).await
    }

    /// A node on the first machine that refreshes as many accounts as it does at once, and all its calls stand there.
    pub(super) async fn busy_node(&self, when: When) -> (Node, Vec<Hold>) {
        let holds: Vec<Hold> = (0..AT_ONCE).map(|_| self.provider.hold(Endpoint::Token, when)).collect();
        let node = Node::start(&self.machines[0], None).await.ready().await;
        join_all(holds.iter().map(Hold::arrived)).await;
        assert_eq!(self.provider.refreshes(), AT_ONCE);
        (node, holds)
    }

    /// Waits until every account but so many has new tokens.
    pub(super) async fn all_are_refreshed_but(&self, others: usize) {
        self.until(|states| states.iter().filter(|state| *state != "valid").count() <= others).await;
    }

    /// Every account hands out a token of its own, and the provider accepts it.
    pub(super) async fn all_serve(&self) {
        let check = self.machines[1].run(&["check", "--live", "--json"]).await.succeeded();
        let checked: Vec<Value> = serde_json::from_str(&check.stdout).unwrap();
        assert_eq!(checked.len(), self.accounts);
        let bad: Vec<&Value> = checked.iter().filter(|of| of["live"]["outcome"] != "accepted").collect();
        assert!(bad.is_empty(), "{bad:?}");
        let generations: BTreeSet<u64> =
            checked.iter().map(|account| account["generation"].as_u64().unwrap()).collect();
        // That of the login, and one more.
        assert_eq!(generations.len(), 1, "{generations:?}");
    }

    async fn until(&self, holds: impl Fn(&[Value]) -> bool) {
        let held = async {
            loop {
                // A machine that nobody parts from the store.
                let list = self.machines[1].run(&["list", "--json"]).await;
                if list.code != 0 {
                    continue;
                }
                let accounts: Vec<Value> = serde_json::from_str(&list.stdout).unwrap();
                assert_eq!(accounts.len(), self.accounts);
                let states: Vec<Value> =
                    accounts.into_iter().map(|mut account| account["state"].take()).collect();
                assert!(!states.contains(&"login_required".into()), "{states:?}");
                if holds(&states) {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(1), held).await.expect("the accounts get there");
    }
}

impl On {
    /// Ends the server that keeps accounts without warning.
    pub(super) fn kill(self, servers: &Servers) {
        if self == Self::Redis { servers.kill_redis() } else { servers.kill_postgres() }
    }

    /// Starts it again.
    pub(super) fn restart(self, servers: &Servers) {
        if self == Self::Redis { servers.restart_redis() } else { servers.restart_postgres() }
    }

    /// Lets the minute pass after which the right to refresh ends by itself, for everybody who has it.
    pub(super) fn end_leases(self, servers: &Servers) {
        if self == Self::Redis {
            let script =
                "for _, k in ipairs(redis.call('KEYS', '*:r:refresh_lease:*')) do redis.call('DEL', k) end";
            servers.ask_redis(&format!("EVAL \"{script}\" 0"));
        } else {
            servers.ask_postgres("DELETE FROM bursar.kind_refresh_lease");
        }
    }
}

/// Refreshes that a keeper has under way at once.
pub(super) const AT_ONCE: usize = 32;
