//! Three servers that are one cluster: every space lives on one of them, and all spaces are served.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Batch, CommitId, EventQuery, Expected, Page, SandboxId, Space, Store as _, StoreError,
};
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
    /// Three masters.
    fn start() -> Self {
        Self::of(3)
    }

    /// Three masters, then a replica of each in the same order.
    fn with_replicas() -> Self {
        let cluster = Self::of(6);
        for ((master, _), (replica, _)) in cluster.nodes.iter().zip(&cluster.nodes[3..]) {
            let id = master.ask("CLUSTER MYID");
            let id = id.lines().nth(1).unwrap();
            // Refused as long as it has not heard of its master.
            until(|| replica.ask(&format!("CLUSTER REPLICATE {id}")).starts_with("+OK"));
        }
        until(|| (0..3).all(|master| cluster.is_followed(master)));
        cluster
    }

    fn of(count: usize) -> Self {
        let folders: Vec<TempDir> = (0..count).map(|_| tempfile::tempdir().unwrap()).collect();
        let mut nodes = Vec::new();
        let mut meetings = Vec::new();
        for folder in &folders {
            // Held until both are known, so that they differ.
            let (client, bus) = (free_port(), free_port());
            let ports = (client.1.to_string(), bus.1.to_string());
            drop((client.0, bus.0));
            let settings = ["--port", &ports.0, "--cluster-port", &ports.1, "--bind", "127.0.0.1"];
            let settings = [&settings[..], &CLUSTER].concat();
            nodes.push((Server::start(folder.path(), &settings), ports.0.parse().unwrap()));
            meetings.push(format!("CLUSTER MEET 127.0.0.1 {} {}", ports.0, ports.1));
        }
        for ((node, _), slots) in nodes.iter().zip(["0 5460", "5461 10922", "10923 16383"]) {
            assert!(node.ask(&format!("CLUSTER ADDSLOTSRANGE {slots}")).starts_with("+OK"));
            for meeting in &meetings {
                node.ask(meeting);
            }
        }
        let known = format!("cluster_known_nodes:{count}");
        let is_whole = |node: &Server| {
            let info = node.ask("CLUSTER INFO");
            info.contains("cluster_state:ok") && info.contains(&known)
        };
        until(|| nodes.iter().all(|(node, _)| is_whole(node)));
        Self { nodes, _folders: folders }
    }

    /// Whether everything that this master has acknowledged is at its replica as well.
    fn is_followed(&self, master: usize) -> bool {
        let [master, replica] =
            [master, master + 3].map(|number| self.nodes[number].0.ask("INFO replication"));
        let offset = |info: &str, name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            line.map(|offset| offset.trim().to_owned())
        };
        let wanted = offset(&master, "master_repl_offset:");
        replica.contains("master_link_status:up") && wanted == offset(&replica, "slave_repl_offset:")
    }

    /// Which of them keeps what has this tag.
    fn node_of(&self, tag: &str) -> usize {
        let slot = self.nodes[0].0.ask(&format!("CLUSTER KEYSLOT {{{tag}}}"));
        slot.trim().trim_start_matches(':').parse::<usize>().unwrap() / 5461
    }

    fn options(&self) -> RedisOptions {
        let urls: Vec<String> =
            self.nodes.iter().map(|(_, port)| format!("redis://127.0.0.1:{port}")).collect();
        let url = Secret::new(urls.join(","));
        RedisOptions::new(url, KINDS, Arc::new(RealClock), "first", runtime())
    }

    fn store(&self) -> Arc<RedisStore> {
        Arc::new(block_on(RedisStore::open(self.options())).unwrap())
    }

    /// One that takes what a failover may lose.
    fn accepting_store(&self) -> Arc<RedisStore> {
        let mut options = self.options();
        options.accept_replicas = true;
        Arc::new(block_on(RedisStore::open(options)).unwrap())
    }
}

fn create(space: &Space, key: &str) -> Batch {
    let event = Event::new(start(), "account.created", key);
    let id = CommitId(key.to_owned());
    Batch::new(space.clone(), id).put(record(&ACCOUNT, key, ""), Expected::Absent).event(event)
}

/// As in earnest, but a server that is silent for a second counts as dead.
const CLUSTER: [&str; 8] = [
    "--cluster-enabled",
    "yes",
    "--cluster-node-timeout",
    "1000",
    "--cluster-replica-validity-factor",
    "0",
    "--repl-diskless-sync-delay",
    "0",
];

/// Gives up long after everything that is waited for.
fn until(holds: impl Fn() -> bool) {
    for _ in 0..1200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("it does not happen");
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
    until(|| store.is_deaf());
    lost.restart();
    until(|| !store.is_deaf());
}

#[test]
fn a_replica_takes_the_place_of_its_master_and_nothing_that_reached_it_is_lost() {
    let cluster = Cluster::with_replicas();
    let refused = block_on(RedisStore::open(cluster.options())).unwrap_err();
    assert!(matches!(refused, RedisOpenError::Replicas(1)), "{refused}");
    let (store, other) = (cluster.accepting_store(), cluster.accepting_store());
    // That of the list of all sandboxes, and one of another master.
    let elsewhere =
        (0..100).find(|number| cluster.node_of(&format!("tenant-{number}")) != cluster.node_of("~"));
    let tagged = (0..100).find(|number| cluster.node_of(&format!("tenant-{number}")) == cluster.node_of("~"));
    for number in [elsewhere.unwrap(), tagged.unwrap()] {
        let (space, master) = (sandbox(number), cluster.node_of(&format!("tenant-{number}")));
        for key in 0..20 {
            done(&block_on(store.commit(create(&space, &key.to_string()))).unwrap().value);
        }
        until(|| cluster.is_followed(master));
        let hint = other.watch();
        cluster.nodes[master].0.kill();
        let mut refused = 0;
        loop {
            match block_on(store.commit(create(&space, "after"))) {
                Ok(answer) => {
                    done(&answer.value);
                    break;
                }
                Err(StoreError::Unavailable(_) | StoreError::UnknownOutcome(_)) => refused += 1,
                Err(error) => panic!("{error}"),
            }
            assert!(refused < 20, "the replica takes no place");
        }
        assert!(cluster.nodes[master + 3].0.ask("ROLE").contains("master"));
        // Every commit that was acknowledged is there, and happened once.
        for store in [&store, &other] {
            let kept = block_on(store.list(&space, &ACCOUNT, Page::first(100))).unwrap().value;
            assert_eq!(kept.len(), 21);
        }
        let query = EventQuery { after: 0, subject: None, limit: 100 };
        assert_eq!(block_on(store.events(&space, query)).unwrap().value.len(), 21);
        until(|| hint.has_changed().unwrap() && !other.is_deaf() && !store.is_deaf());
        // It comes back as a replica of its own.
        cluster.nodes[master].0.restart();
        until(|| cluster.nodes[master].0.ask("ROLE").contains("slave"));
        done(&block_on(cluster.accepting_store().commit(create(&space, "then"))).unwrap().value);
    }
}

/// The loss that whoever sets `store.accept_replicas` is told of: no more than it, and nobody is deceived about it.
#[test]
fn a_commit_that_had_not_reached_the_replica_is_gone_whole_and_can_be_done_again() {
    let cluster = Cluster::with_replicas();
    let store = cluster.accepting_store();
    let space = sandbox(1);
    let master = cluster.node_of(space.as_str());
    done(&block_on(store.commit(create(&space, "kept"))).unwrap().value);
    until(|| cluster.is_followed(master));
    let [(lost, _), (replica, _)] = [master, master + 3].map(|number| &cluster.nodes[number]);
    replica.signal("STOP");
    // Else what it has not read yet would reach it after all.
    lost.ask("CLIENT KILL TYPE replica");
    done(&block_on(store.commit(create(&space, "lost"))).unwrap().value);
    lost.kill();
    replica.signal("CONT");
    let id = CommitId("lost".to_owned());
    until(|| block_on(store.outcome(&space, &id)).is_ok_and(|outcome| outcome.value.is_none()));
    let kept = || block_on(store.list(&space, &ACCOUNT, Page::first(10))).unwrap().value;
    assert_eq!(kept().len(), 1);
    let query = || EventQuery { after: 0, subject: None, limit: 10 };
    assert_eq!(block_on(store.events(&space, query())).unwrap().value.len(), 1);
    done(&block_on(store.commit(create(&space, "lost"))).unwrap().value);
    assert_eq!((kept().len(), block_on(store.events(&space, query())).unwrap().value.len()), (2, 2));
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
