//! Nodes are replaced one after the other while clients go on: whoever tries again elsewhere notices nothing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::{join, join_all};

use super::world::{Installation, On, Tokens};

const CLIENTS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_fails_no_request_on_postgres() {
    no_request_fails(On::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_fails_no_request_on_redis() {
    no_request_fails(On::Redis).await;
}

async fn no_request_fails(on: On) {
    let installation = Installation::on(on).await;
    let mut logins = Vec::new();
    for _ in 0..CLIENTS {
        logins.push(installation.log_in().await.refresh);
    }
    let nodes = [installation.node().await, installation.node().await, installation.node().await];
    let known = Mutex::new(nodes.iter().map(|node| node.url.clone()).collect::<Vec<_>>());
    let (is_over, installation, known) = (&AtomicBool::new(false), &installation, &known);
    let load = join_all(logins.into_iter().map(|mut token| async move {
        let mut refreshes = 0;
        while !is_over.load(Ordering::SeqCst) {
            token = refreshed(installation, known, &token, refreshes).await;
            refreshes += 1;
        }
        refreshes
    }));
    let mut replaced = Vec::new();
    let rolling = async {
        for (turn, old) in nodes.into_iter().enumerate() {
            let next = installation.node().await;
            known.lock().unwrap()[turn] = next.url.clone();
            old.stop().await.succeeded();
            replaced.push(next);
        }
        is_over.store(true, Ordering::SeqCst);
    };
    let (counts, ()) = join(load, rolling).await;
    assert!(counts.iter().all(|count| *count > 3), "{counts:?}");
}

/// A client with more than one address: whoever does not answer, or asks to wait, is passed over.
async fn refreshed(
    installation: &Installation,
    known: &Mutex<Vec<String>>,
    token: &str,
    turn: usize,
) -> String {
    for attempt in 0..12 {
        let url = {
            let known = known.lock().unwrap();
            known[(turn + attempt) % known.len()].clone()
        };
        if let Some(answer) = installation.refresh(&url, token).await.filter(|answer| answer.status != 503) {
            return Tokens::of(&answer).refresh;
        }
    }
    panic!("no node has answered");
}
