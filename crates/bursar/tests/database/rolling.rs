//! Nodes are replaced one after the other while clients go on: whoever tries again elsewhere notices nothing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;
use futures::future::{join, join_all};

use super::world::{Installation, On, Tokens};

const CLIENTS: usize = 6;
const NODES: usize = 3;

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
    let counts = [(); CLIENTS].map(|()| AtomicUsize::new(0));
    let load = join_all(logins.into_iter().zip(&counts).map(|(mut token, count)| async move {
        while !is_over.load(Ordering::SeqCst) {
            token = refreshed(installation, known, &token, count.load(Ordering::SeqCst)).await;
            count.fetch_add(1, Ordering::SeqCst);
        }
    }));
    // Each of them comes to every node.
    let has_gone_round = async |turn: usize| {
        while counts.iter().any(|count| count.load(Ordering::SeqCst) < turn * NODES) {
            SystemClock.sleep(Duration::from_millis(10)).await;
        }
    };
    let mut replaced = Vec::new();
    let rolling = async {
        for (turn, old) in nodes.into_iter().enumerate() {
            has_gone_round(turn + 1).await;
            let next = installation.node().await;
            known.lock().unwrap()[turn] = next.url.clone();
            old.stop().await.succeeded();
            replaced.push(next);
        }
        has_gone_round(NODES + 1).await;
        is_over.store(true, Ordering::SeqCst);
    };
    join(load, rolling).await;
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
