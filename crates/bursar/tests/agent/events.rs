//! The event log as a stream.

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;

use super::raw::connect;
use super::running::Agent;
use super::world::World;
use crate::support::Home;

/// Somebody who listens.
struct Listener {
    lines: Lines<BufReader<UnixStream>>,
}

impl Listener {
    /// Listens from now on, as soon as the answer has begun.
    async fn to(home: &Home, query: &str, header: &str) -> Self {
        let mut stream = connect(home).await;
        let request = format!("GET /v1/events{query} HTTP/1.1\r\nHost: bursar\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        let first = lines.next_line().await.unwrap().unwrap();
        assert!(first.starts_with("HTTP/1.1 200 "), "{first}");
        let mut head = String::new();
        loop {
            let line = lines.next_line().await.unwrap().unwrap();
            if line.is_empty() {
                break;
            }
            head.push_str(&line.to_lowercase());
        }
        assert!(head.contains("text/event-stream"), "{head}");
        Self { lines }
    }

    /// The next message: its id, its name, and what it says.
    async fn next(&mut self) -> (u64, String, Value) {
        let (mut id, mut name) = (None, None);
        loop {
            // Lengths of chunks stand between the fields and mean nothing here.
            let line = self.lines.next_line().await.unwrap().expect("the stream has ended");
            if let Some(text) = line.strip_prefix("id: ") {
                id = text.parse().ok();
            } else if let Some(text) = line.strip_prefix("event: ") {
                name = Some(text.to_owned());
            } else if let Some(text) = line.strip_prefix("data: ") {
                return (id.unwrap(), name.unwrap(), serde_json::from_str(text).unwrap());
            }
        }
    }

    /// The next one of this name.
    async fn next_named(&mut self, wanted: &str) -> (u64, Value) {
        loop {
            let (id, name, document) = self.next().await;
            if name == wanted {
                return (id, document);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_after_the_answer_has_begun_arrives() {
    let world = World::new().await;
    let _agent = Agent::start(&world.home).await;
    let mut listener = Listener::to(&world.home, "", "").await;
    world.home.run(&["refresh", "work"]).await.succeeded();
    let (_, name, event) = listener.next().await;
    assert_eq!((name.as_str(), &event["subject"]), ("account.refreshed", &world.work.as_str().into()));
    // And what another process does, without the agent.
    let mut alone = world.home.command(&["pause", "work"]);
    alone.env("BURSAR_SOCKET", world.home.beside("no.sock"));
    crate::support::ended(&mut alone).await.succeeded();
    assert_eq!(listener.next_named("account.paused").await.1["subject"], world.work);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_listener_goes_on_where_it_was_without_gap_or_repeat() {
    let world = World::new().await;
    let _agent = Agent::start(&world.home).await;
    for _ in 0..3 {
        world.home.run(&["refresh", "work"]).await.succeeded();
    }
    let mut whole = Listener::to(&world.home, "?after=0", "").await;
    let mut all = Vec::new();
    while all.iter().filter(|(_, name, _)| name == "account.refreshed").count() < 3 {
        all.push(whole.next().await);
    }
    let ids: Vec<u64> = all.iter().map(|(id, ..)| *id).collect();
    assert!(ids.len() >= 4 && ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");

    for cut in 0..ids.len() - 1 {
        let header = format!("Last-Event-ID: {}\r\n", ids[cut]);
        let mut resumed = Listener::to(&world.home, "", &header).await;
        for expected in &all[cut + 1..] {
            assert_eq!(&resumed.next().await, expected);
        }
    }
    let after = ids[0];
    let mut both =
        Listener::to(&world.home, &format!("?after={}", ids[2]), &format!("Last-Event-ID: {after}\r\n"))
            .await;
    assert_eq!(both.next().await.0, ids[1], "where it was counts, not where it once began");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_hears_of_one_subject_alone_if_it_wants() {
    let world = World::new().await;
    world.home.login(&world.provider, "play").await.succeeded();
    let _agent = Agent::start(&world.home).await;
    let play = world.work.replace(":work", ":play");
    let mut listener = Listener::to(&world.home, &format!("?subject={play}"), "").await;
    world.home.run(&["refresh", "work"]).await.succeeded();
    world.home.run(&["refresh", "play"]).await.succeeded();
    assert_eq!(listener.next().await.2["subject"], play);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_does_not_keep_the_agent_from_ending() {
    let world = World::new().await;
    let mut agent = Agent::start(&world.home).await;
    let mut listener = Listener::to(&world.home, "", "").await;
    world.home.run(&["agent", "stop"]).await.succeeded();
    assert_eq!(agent.ended().await, 0);
    while listener.lines.next_line().await.is_ok_and(|line| line.is_some()) {}
}
