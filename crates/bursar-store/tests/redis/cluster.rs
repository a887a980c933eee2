//! Three servers that are one cluster: every space lives on one of them, and all spaces are served.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{Expected, Page, SandboxId, Space, Store as _};
use bursar_core::secret::Secret;
use bursar_store::redis::{RedisOpenError, RedisOptions, RedisStore};
use futures::executor::block_on;
use tempfile::TempDir;

use super::contract::concurrency::{assert_nothing_lost, race};
use super::contract::{ACCOUNT, Bench, KINDS, SETTING, done, record, start};
use super::server::{RealClock, Server, runtime};

struct Cluster {
    nodes: Vec<(Server, u16)>,
    _folders: Vec<TempDir>,
}

fn free_port() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

impl Cluster {
    fn start() -> Self {
        let folders: Vec<TempDir> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
        let mut nodes = Vec::new();
        let mut meetings = Vec::new();
        for folder in &folders {
            // Held until both are known, so that they differ.
            let (client, bus) = (free_port(), free_port());
            let ports = (client.1.to_string(), bus.1.to_string());
            drop((client.0, bus.0));
            let settings = ["--port", &ports.0, "--cluster-port", &ports.1, "--bind", "127.0.0.1"];
            let settings = [&settings[..], &["--cluster-enabled", "yes"]].concat();
            nodes.push((Server::start(folder.path(), &settings), ports.0.parse().unwrap()));
            meetings.push(format!("CLUSTER MEET 127.0.0.1 {} {}", ports.0, ports.1));
        }
        for ((node, _), slots) in nodes.iter().zip(["0 5460", "5461 10922", "10923 16383"]) {
            assert!(node.ask(&format!("CLUSTER ADDSLOTSRANGE {slots}")).starts_with("+OK"));
            for meeting in &meetings {
                node.ask(meeting);
            }
        }
        let is_whole = |node: &Server| {
            let info = node.ask("CLUSTER INFO");
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        };
        while !nodes.iter().all(|(node, _)| is_whole(node)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { nodes, _folders: folders }
    }

    /// Which of them keeps what has this tag.
    fn node_of(&self, tag: &str) -> usize {
        let slot = self.nodes[0].0.ask(&format!("CLUSTER KEYSLOT {{{tag}}}"));
        slot.trim().trim_start_matches(':').parse::<usize>().unwrap() / 5461
    }

    fn store(&self) -> Arc<RedisStore> {
        let urls: Vec<String> =
            self.nodes.iter().map(|(_, port)| format!("redis://127.0.0.1:{port}")).collect();
        let url = Secret::new(urls.join(","));
        let options = RedisOptions::new(url, KINDS, Arc::new(RealClock), "first", runtime());
        Arc::new(block_on(RedisStore::open(options)).unwrap())
    }
}

fn sandbox(number: u32) -> Space {
    Space::Sandbox(SandboxId::parse(&format!("tenant-{number}")).unwrap())
}

#[test]
fn all_spaces_of_a_cluster_are_served_watched_backed_up_and_restored() {
    let cluster = Cluster::start();
    let (store, other) = (cluster.store(), cluster.store());
    let bench = Bench::new(Arc::clone(&store), ManualClock::new(start()));
    let mut watch = other.watch();
    for number in 0..12 {
        watch.mark_unchanged();
        let space = sandbox(number);
        let mut account = record(&ACCOUNT, "a", &number.to_string());
        account.indexes = vec![("provider", "github".to_owned())];
        let event = Event::new(start(), "account.created", "a");
        let batch = bench.batch_in(space.clone()).put(account, Expected::Absent).event(event);
        done(&bench.commit(batch));
        block_on(watch.changed()).unwrap();
        let found =
            block_on(other.find(&space, &ACCOUNT, "provider", "github", Page::first(10))).unwrap().value;
        assert_eq!(found.len(), 1);
        assert_eq!(block_on(other.changes(&space, 0, 10)).unwrap().value.list.len(), 1);
    }
    done(&bench.commit(bench.batch_in(Space::System).put(record(&SETTING, "s", "1"), Expected::Absent)));
    // The tags spread them: no node has all.
    for (node, _) in &cluster.nodes {
        assert_ne!(node.ask("DBSIZE").trim(), ":0");
    }
    let mut bytes = Vec::new();
    block_on(store.backup(&mut bytes)).unwrap();
    drop((store, other));
    for (node, _) in &cluster.nodes {
        node.ask("FLUSHALL");
    }
    let store = cluster.store();
    let origin = bursar_core::ports::store::Origin::Fresh;
    let second = bursar_core::ports::store::Incarnation { id: "second".to_owned(), origin };
    block_on(async { store.restore(&mut bytes.as_slice(), second).await }).unwrap();
    for number in 0..12 {
        let read = block_on(store.get(&sandbox(number), &ACCOUNT, "a")).unwrap().value.unwrap();
        assert_eq!(read.body, number.to_string().as_bytes());
    }
    assert_eq!(block_on(store.health()).unwrap().incarnation.id, "second");
}

#[test]
fn a_store_that_hears_two_of_three_servers_knows_that_it_hears_too_little() {
    let cluster = Cluster::start();
    for (node, _) in &cluster.nodes {
        // Those that are left go on.
        assert!(node.ask("CONFIG SET cluster-require-full-coverage no").starts_with("+OK"));
    }
    let store = cluster.store();
    let bench = Bench::new(Arc::clone(&store), ManualClock::new(start()));
    let system = cluster.node_of("~");
    let tenant = (0..100).find(|number| cluster.node_of(&format!("tenant-{number}")) != system).unwrap();
    done(&bench.commit(bench.batch_in(sandbox(tenant)).put(record(&ACCOUNT, "a", ""), Expected::Absent)));
    let (lost, _) = &cluster.nodes[cluster.node_of(&format!("tenant-{tenant}"))];
    assert!(!store.is_deaf());
    lost.kill();
    while !store.is_deaf() {
        std::thread::sleep(Duration::from_millis(50));
    }
    lost.restart();
    while store.is_deaf() {
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn cluster_is_refused_for_one_master_that_may_lose_commits() {
    let cluster = Cluster::start();
    cluster.nodes[2].0.ask("CONFIG SET appendfsync everysec");
    let url = Secret::new(format!("redis://127.0.0.1:{}", cluster.nodes[0].1));
    let options = RedisOptions::new(url, KINDS, Arc::new(RealClock), "first", runtime());
    let refused = block_on(RedisStore::open(options)).unwrap_err();
    assert!(matches!(&refused, RedisOpenError::Setting { setting: "appendfsync", .. }), "{refused}");
}

#[test]
fn two_stores_on_one_cluster_lose_no_increment() {
    let cluster = Cluster::start();
    let stores = [cluster.store(), cluster.store()];
    race(&[stores[0].clone(), stores[1].clone()]);
    for store in stores {
        assert_nothing_lost(&Bench::new(store, ManualClock::new(start())));
    }
}
