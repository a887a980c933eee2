//! The store goes away and comes back: clients are asked to wait, and lose nothing.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::world::{DATABASE, Installation, Machine, Node, On, Tokens, get};
use crate::servers::{Network, Servers};

/// A network before the servers of an installation.
pub(super) fn network(on: On, servers: &Servers) -> Network {
    if on == On::Redis { servers.network_before_redis() } else { servers.network() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_is_cut_before_postgres() {
    let servers = Arc::new(Servers::start());
    let network = servers.network();
    let installation = Installation::with(servers, vec![(DATABASE, network.url())]).await;
    let token = installation.log_in().await.refresh;
    network.is_down(true);
    waits(&installation, &token).await;
    network.is_down(false);
    goes_on(&installation, &token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_parted_from_postgres_forks_nothing_and_finds_back() {
    a_parted_node_forks_nothing(On::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_parted_from_redis_forks_nothing_and_finds_back() {
    a_parted_node_forks_nothing(On::Redis).await;
}

async fn a_parted_node_forks_nothing(on: On) {
    let servers = Arc::new(Servers::start());
    let network = network(on, &servers);
    let variables = on.variables(&servers);
    let installation = Installation::with(servers, variables).await;
    let parted = Machine::new(vec![(DATABASE, network.url())]);
    let parted = Node::start(&parted, Some(&installation.first.issuer)).await.ready().await;
    let mut token = installation.log_in().await.refresh;
    for _ in 0..2 {
        network.is_partitioned(true);
        // Under way when it happens, or asked in the middle of it: what it writes may arrive long after.
        let lost = installation.refresh(&parted.url, &token).await.unwrap();
        assert_eq!(lost.status, 503, "{lost:?}");
        assert!(lost.retry_after.is_some(), "{lost:?}");
        let pair = Tokens::of(&installation.refresh(&installation.first.url, &token).await.unwrap());
        network.is_partitioned(false);
        let answer = async {
            loop {
                let answer = installation.refresh(&parted.url, &token).await.unwrap();
                if answer.status != 503 {
                    return Tokens::of(&answer);
                }
            }
        };
        let again = tokio::time::timeout(Duration::from_mins(1), answer).await.expect("it finds back");
        assert_eq!(again.pair(), pair.pair());
        token = pair.refresh;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hears_nothing_of_revocations_soon_vouches_for_nothing() {
    a_deaf_node_vouches_for_nothing(On::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hears_nothing_of_revocations_in_redis_soon_vouches_for_nothing() {
    a_deaf_node_vouches_for_nothing(On::Redis).await;
}

async fn a_deaf_node_vouches_for_nothing(on: On) {
    let servers = Arc::new(Servers::start());
    let network = network(on, &servers);
    let variables = on.variables(&servers);
    let installation = Installation::with(servers, variables).await;
    let introspector = installation.introspector().await;
    let parted = Machine::new(vec![(DATABASE, network.url())]);
    let parted = Node::start(&parted, Some(&installation.first.issuer)).await.ready().await;
    let tokens = installation.log_in().await;
    let answer = introspector.ask(&parted.url, &tokens.access).await;
    assert_eq!((answer.status, &answer.document["active"]), (200, &true.into()), "{answer:?}");
    network.is_partitioned(true);
    installation.revoke(&installation.first.url, &tokens.refresh).await;
    let silent = async {
        loop {
            let answer = introspector.ask(&parted.url, &tokens.access).await;
            if answer.status != 200 {
                return answer;
            }
            assert_eq!(answer.document["active"], true, "it cannot know yet");
        }
    };
    // Five seconds, and what waiting for the store may take.
    let answer = tokio::time::timeout(Duration::from_secs(25), silent).await.expect("it notices");
    assert_eq!(answer.status, 503, "{answer:?}");
    // Nobody stands in a line in which each waits for the store by itself.
    let all = join_all((0..40).map(|_| introspector.ask(&parted.url, &tokens.access)));
    let all = tokio::time::timeout(Duration::from_secs(25), all).await.expect("they wait together");
    assert!(all.iter().all(|answer| answer.status == 503), "{all:?}");
    network.is_partitioned(false);
    let healed = async {
        loop {
            let answer = introspector.ask(&parted.url, &tokens.access).await;
            if answer.status == 200 {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(Duration::from_mins(1), healed).await.expect("it finds back");
    assert_eq!(answer.document["active"], false, "{answer:?}");
}

/// Nobody may read beyond a number that another writer has locked. What was told of meanwhile is read when that one is done.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_beside_a_writer_that_takes_its_time_is_heard_of() {
    let installation = Installation::on(On::Postgres).await;
    let introspector = installation.introspector().await;
    let tokens = installation.log_in().await;
    let node = &installation.first.url;
    let servers = Arc::clone(&installation.servers);
    let slow = std::thread::spawn(move || servers.ask_postgres(SLOW_WRITER));
    while installation.servers.ask_postgres(IS_UNDER_WAY) != "1" {}
    installation.revoke(node, &tokens.refresh).await;
    let heard = async { while introspector.ask(node, &tokens.access).await.document["active"] != false {} };
    tokio::time::timeout(Duration::from_mins(1), heard).await.expect("it is heard of");
    slow.join().unwrap();
}

/// As a commit begins.
const SLOW_WRITER: &str = "BEGIN; \
    SELECT pg_advisory_xact_lock_shared((11::bigint << 56) | last_value) FROM bursar.commit_sequence; \
    SELECT pg_sleep(4); COMMIT";
const IS_UNDER_WAY: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_and_comes_back() {
    for on in [On::Redis, On::Mixed] {
        let installation = Installation::on(on).await;
        let token = installation.log_in().await.refresh;
        installation.servers.kill_redis();
        if on == On::Redis {
            waits(&installation, &token).await;
        }
        let ready = format!("{}/readyz", installation.first.url);
        while get(&ready).await != 503 {}
        installation.servers.restart_redis();
        goes_on(&installation, &token).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_crashes_and_starts_again_while_a_client_asks() {
    let installation = Installation::on(On::Postgres).await;
    let mut token = installation.log_in().await.refresh;
    for _ in 0..3 {
        let asked = installation.refresh(&installation.first.url, &token);
        let crashed = async { installation.servers.crash_postgres() };
        let (crash, ()) = futures::join!(asked, crashed);
        // Answered, or asked to wait; then there is one successor, whoever asked first.
        let again = goes_on(&installation, &token).await;
        if let Some(answer) = crash.filter(|answer| answer.status == 200) {
            assert_eq!(Tokens::of(&answer).pair(), again.pair());
        }
        token = again.refresh;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_breaks_off_transactions_is_asked_again_and_then_clients_wait() {
    let installation = Installation::on(On::Postgres).await;
    let mut token = installation.log_in().await.refresh;
    for code in ["serialization_failure", "deadlock_detected"] {
        let break_off = |times: u32| {
            installation.servers.ask_postgres(&format!(
                "CREATE SEQUENCE IF NOT EXISTS bursar.tries; ALTER SEQUENCE bursar.tries RESTART; \
                 CREATE OR REPLACE FUNCTION bursar.break_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF nextval('bursar.tries') <= {times} THEN \
                 RAISE EXCEPTION 'broken off' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$; \
                 CREATE OR REPLACE TRIGGER break_off BEFORE UPDATE ON bursar.kind_family \
                 FOR EACH ROW EXECUTE FUNCTION bursar.break_off()"
            ))
        };
        break_off(u32::MAX);
        waits(&installation, &token).await;
        break_off(3);
        // Nobody notices.
        let answer = installation.refresh(&installation.first.url, &token).await.unwrap();
        token = Tokens::of(&answer).refresh;
        assert_eq!(installation.servers.ask_postgres("SELECT last_value FROM bursar.tries"), "4", "{code}");
    }
}

/// A client that asks now is told to come again, and not that its grant is gone.
async fn waits(installation: &Installation, token: &str) {
    let answer = installation.refresh(&installation.first.url, token).await.unwrap();
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.retry_after.is_some(), "{answer:?}");
    assert_ne!(answer.document["error"], "invalid_grant", "{answer:?}");
    assert_eq!(get(&format!("{}/healthz", installation.first.url)).await, 200);
}

/// The same token is good as soon as the store is back.
async fn goes_on(installation: &Installation, token: &str) -> Tokens {
    for _ in 0..20 {
        let answer = installation.refresh(&installation.first.url, token).await.unwrap();
        if answer.status != 503 {
            return Tokens::of(&answer);
        }
    }
    panic!("the server does not find back to its store");
}
