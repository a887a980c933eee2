//! Nobody waits for an agent that is silent, or for a crowd that stands in its door.

use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use super::super::raw::{ask, socket};
use super::super::running::Agent;
use super::super::world::{World, with_keys};
use crate::support::{Ended, Home};

/// Lets this test open as many connections as the system allows it.
fn raise_limit() {
    let most = getrlimit(Resource::Nofile).maximum;
    assert!(
        most.is_none_or(|most| most > 12_000),
        "this test needs `ulimit -Hn` above 12000, it is {most:?}"
    );
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).unwrap();
}

/// Runs a command and tells how long it took.
async fn timed(home: &Home, arguments: &[&str]) -> (Ended, Duration) {
    #[expect(clippy::disallowed_methods, reason = "real processes are measured by the real clock")]
    let started = Instant::now();
    (home.run(arguments).await, started.elapsed())
}

/// A second of patience, five that the store waits for a writer who was stopped in the middle, and room for a busy
/// machine.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_one_is_passed_by_and_named() {
    let world = World::new().await;
    let agent = Agent::start(&world.home).await;
    agent.signal(Signal::STOP);
    for _ in 0..2 {
        let (token, took) = timed(&world.home, &["token", "work"]).await;
        assert!(world.provider.is_live(token.succeeded().stdout.trim_end()));
        assert!(took < SOON, "{took:?}");
    }
    let (refresh, took) = timed(&world.home, &["refresh", "work"]).await;
    refresh.succeeded();
    assert!(took < SOON, "{took:?}");
    let (shown, took) = timed(&world.home, &["agent", "status"]).await;
    assert!(shown.code == 6 && took < SOON, "{shown} {took:?}");
    assert!(shown.stderr.contains(&format!("(process {}) does not answer", agent.id())), "{shown}");
    let stop = world.home.run(&["agent", "stop"]).await;
    assert_eq!(stop.code, 6, "{stop}");
    assert!(stop.stderr.contains(&format!("`kill {}`", agent.id())), "{stop}");

    agent.signal(Signal::CONT);
    while world.home.run(&["agent", "status"]).await.code != 0 {
        assert!(agent.is_there(), "it heeds those who have gone on without it: {}", agent.log());
    }
    assert!(world.provider.is_live(&world.token().await), "it hands out what was refreshed meanwhile");
    assert_eq!((world.provider.refreshes(), world.provider.reuse_detected()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_before_a_silent_one_holds_nobody_up() {
    raise_limit();
    let world = World::new().await;
    let agent = Agent::start(&world.home).await;
    agent.signal(Signal::STOP);
    let mut queue = Vec::new();
    while let Ok(stream) = tokio::net::UnixStream::connect(socket(&world.home)).await {
        queue.push(stream);
    }
    assert!(queue.len() > 100, "{}", queue.len());
    let (token, took) = timed(&world.home, &["token", "work"]).await;
    token.succeeded();
    assert!(took < SOON, "{took:?}");
    let (shown, took) = timed(&world.home, &["agent", "status"]).await;
    assert!(shown.code == 6 && took < SOON, "{shown} {took:?}");
    drop(queue);
    agent.signal(Signal::CONT);
    while world.home.run(&["agent", "status"]).await.code != 0 {}
}

/// Resident memory of a process that no file backs, in KiB.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A hand-out now, and how long it took.
async fn hand_out(home: &Home) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "real processes are measured by the real clock")]
    let started = Instant::now();
    let token = ask(home, "POST", "/v1/accounts/gitlab:ci0/token", "{}").await.succeeded();
    assert_eq!(token["access_token"], "glpat-never-print-me-0");
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stderr, reason = "figures to read beside the limits")]
async fn ten_thousand_idle_connections_hold_nobody_up() {
    const CROWD: usize = 10_000;
    raise_limit();
    let home = with_keys(1).await;
    let agent = Agent::start(&home).await;
    let alone = (hand_out(&home).await, memory(agent.id()));

    let crowd: Vec<UnixStream> = (0..CROWD).map(|_| UnixStream::connect(socket(&home)).unwrap()).collect();
    let crowded = (hand_out(&home).await, memory(agent.id()));
    eprintln!("a hand-out and RssAnon: alone {alone:?} KiB, beside {CROWD} idle connections {crowded:?} KiB");
    assert!(crowded.0 < Duration::from_secs(1), "{crowded:?}");
    assert!(crowded.1 < 160 * 1024, "{crowded:?}");
    let command = home.run(&["token", "gitlab:ci0"]).await.succeeded();
    assert_eq!(command.stdout, "glpat-never-print-me-0\n");

    drop(crowd);
    assert!(hand_out(&home).await < Duration::from_secs(1));
    home.run(&["agent", "stop"]).await.succeeded();
}
