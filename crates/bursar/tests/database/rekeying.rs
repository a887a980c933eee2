//! New data keys for an installation whose servers are at work: whoever does it is killed again and again, and no client
//! notices anything.

use std::cell::Cell;
use std::sync::Arc;

use futures::future::join;
use rustix::process::Signal;
use serde_json::Value;

use super::world::{Installation, Machine, On, Tokens};
use crate::issuing::client::jose_header;
use crate::servers::Servers;
use crate::support::{Ended, Running, write_private};

/// Enough for several pages at the pace that is asked for.
const ACCOUNTS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn data_keys_change_under_load_and_under_kills_on_postgres() {
    let installation = Installation::on(On::Postgres).await;
    let other = installation.node().await;
    let nodes = [installation.first.url.clone(), other.url.clone()];
    change_keys(&installation, &nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_keys_change_under_load_and_under_kills_on_redis() {
    let installation = Installation::on(On::Redis).await;
    let other = installation.node().await;
    let nodes = [installation.first.url.clone(), other.url.clone()];
    change_keys(&installation, &nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_keys_change_under_load_and_under_kills_in_a_file() {
    let installation = Installation::with(Arc::new(Servers::start()), Vec::new()).await;
    let nodes = [installation.first.url.clone()];
    change_keys(&installation, &nodes).await;
}

async fn change_keys(installation: &Installation, nodes: &[String]) {
    let machine = &installation.machine;
    hold_accounts(machine).await;
    let tenant = installation.tenant("tenant").await;
    let of_tenant = tenant.log_in().await;
    assert_eq!(status(machine).await["data_key"], 1);
    let introspector = installation.introspector().await;
    let mut tokens = installation.log_in().await;
    let first = tokens.clone();

    let is_over = Cell::new(false);
    let refreshes = Cell::new(0);
    let load = async {
        while !is_over.get() {
            for node in nodes {
                let answer = installation.refresh(node, &tokens.refresh).await.expect("the node answers");
                tokens = Tokens::of(&answer);
                let told = introspector.ask(node, &first.access).await;
                assert_eq!((told.status, &told.document["active"]), (200, &true.into()), "{told:?}");
                let number = refreshes.get() % ACCOUNTS;
                refreshes.set(refreshes.get() + 1);
                let handed = machine.run(&["token", &format!("gitlab:n{number}")]).await.succeeded();
                assert_eq!(handed.stdout.trim(), token(number));
            }
        }
    };
    let change = async {
        // The second line comes with the first page, or with the end where a server was faster.
        for killed_after in [1, 2, 2, 2] {
            let mut doomed = Running::of(&mut machine.command(REKEY));
            for _ in 0..killed_after {
                doomed.says(|line| line.contains("data keys").then_some(()).or_else(|| progress(line))).await;
            }
            doomed.signal(Signal::KILL);
            doomed.ended().await;
        }
        let ended: Ended = machine.run(REKEY).await.succeeded();
        assert!(ended.stderr.contains("the old ones are gone"), "{ended}");
        is_over.set(true);
    };
    join(load, change).await;
    assert!(refreshes.get() >= 10, "clients were at work all the time");

    let after = status(machine).await;
    assert!(after["data_key"].as_u64().unwrap() >= 2, "{after}");
    assert_eq!(after["changes"], Value::Array(Vec::new()));
    for number in 0..ACCOUNTS {
        let handed = machine.run(&["token", &format!("gitlab:n{number}")]).await.succeeded();
        assert_eq!(handed.stdout.trim(), token(number));
    }
    // Who starts now has never seen the old key.
    let late = installation.node_beside().await;
    let theirs = Tokens::of(&tenant.refresh(&late.url, &of_tenant.refresh).await);
    // One that is lost on the way is given again by any node.
    assert_eq!(Tokens::of(&tenant.refresh(&nodes[0], &of_tenant.refresh).await).pair(), theirs.pair());
    assert_eq!(kid(&theirs.access), kid(&of_tenant.access), "the sandbox still has its key");
    tenant.log_in().await;
    Tokens::of(&installation.refresh(&late.url, &tokens.refresh).await.expect("the node answers"));
}

const REKEY: &[&str] = &["vault", "rekey", "--keep-old", "8s", "--rate", "20", "--wait"];

/// Which key has signed a token.
fn kid(token: &str) -> Value {
    jose_header(token)["kid"].clone()
}

fn progress(line: &str) -> Option<()> {
    line.contains("records looked at").then_some(())
}

fn token(number: usize) -> String {
    format!("glpat-0123456789abcd{number:02}")
}

async fn hold_accounts(machine: &Machine) {
    for number in 0..ACCOUNTS {
        let key = machine.home.beside("api-key");
        write_private(&key, &token(number));
        let (key, name) = (key.display().to_string(), format!("n{number}"));
        machine.run(&["login", "gitlab", "--api-key-file", &key, "--as", &name]).await.succeeded();
    }
}

async fn status(machine: &Machine) -> Value {
    let ended = machine.run(&["vault", "status", "--json"]).await.succeeded();
    serde_json::from_str(&ended.stdout).unwrap()
}
