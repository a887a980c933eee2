//! Starting, showing and stopping, and what may stand in the way of the socket.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::process::Signal;
use serde_json::json;

use super::others::give_to_another_user;
use super::raw::{ask, socket};
use super::running::{Agent, Background, status};
use super::world::with_keys;
use crate::support::{Home, ended};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_in_the_background_shows_itself_and_stops() {
    let home = with_keys(1).await;
    let started = home.run(&["agent", "start"]).await.succeeded();
    let agent = Background::of(&home).await;
    assert_eq!((started.stdout.as_str(), started.stderr.as_str()), ("", "the agent is running\n"));
    assert_eq!((mode(&socket(&home)), mode(&home.path())), (0o600, 0o700));
    assert_eq!(mode(&home.path().join("agent.log")), 0o600);

    let shown = home.run(&["agent", "status"]).await.succeeded();
    assert!(shown.stdout.contains(&format!("process {}", agent.id())), "{shown}");
    let document = status(&home).await;
    assert_eq!(
        (&document["running"], &document["accounts"], &document["vault"]),
        (&json!(true), &json!(1), &json!("open"))
    );
    let again = home.run(&["agent", "start"]).await.succeeded();
    assert_eq!(again.stderr, "the agent is running already\n");
    assert_eq!(status(&home).await["process"], agent.id());

    let stopped = home.run(&["agent", "stop"]).await.succeeded();
    assert_eq!(stopped.stderr, "the agent has stopped\n");
    assert!(!socket(&home).exists());
    assert_eq!(home.run(&["agent", "status"]).await.code, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_one_ends_and_names_the_first() {
    let home = with_keys(1).await;
    let agent = Agent::start(&home).await;
    let second = home.run(&["agent", "run"]).await;
    assert_eq!(second.code, 1, "{second}");
    assert!(second.stderr.contains(&format!("running already (process {})", agent.id())), "{second}");
    assert!(second.stderr.contains("`bursar agent status`"), "{second}");
    assert_eq!(status(&home).await["process"], agent.id(), "the first goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_one_every_command_about_it_says_so() {
    let home = Home::new();
    let stopped = home.run(&["agent", "stop"]).await.succeeded();
    assert_eq!(stopped.stderr, "no agent is running\n");
    let shown = home.run(&["agent", "status"]).await;
    assert_eq!((shown.code, shown.stdout.as_str()), (6, "the agent is not running\n"));
    assert!(shown.stderr.contains("`bursar agent start`"), "{shown}");
    let document = status(&home).await;
    assert_eq!(document, json!({ "schema": 1, "running": false }));
    let logs = home.run(&["agent", "logs"]).await;
    assert_eq!(logs.code, 6, "{logs}");
    assert!(logs.stderr.contains("no agent has written a log"), "{logs}");
    assert!(!home.path().exists(), "asking makes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_log_can_be_read_while_it_runs() {
    let home = with_keys(1).await;
    home.run(&["agent", "start"]).await.succeeded();
    let _agent = Background::of(&home).await;
    let logs = home.run(&["agent", "logs"]).await.succeeded();
    assert!(logs.stdout.contains("the agent is ready"), "{logs}");
    let last = home.run(&["agent", "logs", "--lines", "1"]).await.succeeded();
    assert_eq!(last.stdout.lines().count(), 1, "{last}");
    assert!(logs.stdout.lines().count() > 1 || logs.stdout == last.stdout, "{logs}{last}");
    home.run(&["agent", "stop"]).await.succeeded();
    let after = home.run(&["agent", "logs"]).await.succeeded();
    assert!(after.stdout.ends_with("the agent has stopped\n"), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_one_leaves_a_socket_that_holds_nobody_up_and_the_next_one_replaces() {
    let home = with_keys(1).await;
    let mut agent = Agent::start(&home).await;
    agent.signal(Signal::KILL);
    assert_eq!(agent.ended().await, -1);
    assert!(std::os::unix::net::UnixStream::connect(socket(&home)).is_err(), "left behind");

    let token = home.run(&["token", "gitlab:ci0"]).await.succeeded();
    assert_eq!(token.stdout, "glpat-never-print-me-0\n");
    let shown = home.run(&["agent", "status"]).await;
    assert_eq!((shown.code, shown.stdout.as_str()), (6, "the agent is not running\n"), "{shown}");
    assert_eq!(home.run(&["agent", "stop"]).await.succeeded().stderr, "no agent is running\n");

    let _next = Agent::start(&home).await;
    ask(&home, "GET", "/v1/accounts", "").await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_the_socket_s_place_is_left_alone() {
    let home = with_keys(1).await;
    std::fs::write(socket(&home), "mine").unwrap();
    let refused = home.run(&["agent", "run"]).await;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("is in the way") && refused.stderr.contains("move it away"), "{refused}");
    assert_eq!(std::fs::read_to_string(socket(&home)).unwrap(), "mine");
    home.run(&["token", "gitlab:ci0"]).await.succeeded();
    assert_eq!(home.run(&["agent", "status"]).await.code, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_s_socket_is_neither_asked_nor_replaced() {
    let home = with_keys(1).await;
    let theirs = UnixListener::bind(socket(&home)).unwrap();
    theirs.set_nonblocking(true).unwrap();
    give_to_another_user(&socket(&home)).await;

    home.run(&["token", "gitlab:ci0"]).await.succeeded();
    assert_eq!(home.run(&["agent", "status"]).await.code, 6);
    let refused = home.run(&["agent", "run"]).await;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("belongs to user 65534"), "{refused}");
    let asked = theirs.accept().map(|_| ()).unwrap_err();
    assert_eq!(asked.kind(), std::io::ErrorKind::WouldBlock, "nobody has called it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_too_long_for_a_socket_is_told() {
    let home = with_keys(1).await;
    let long = home.path().join("a".repeat(120));
    let run = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("BURSAR_SOCKET", &long);
        command
    };
    let refused = ended(&mut run(&["agent", "run"])).await;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("too long") && refused.stderr.contains("BURSAR_SOCKET"), "{refused}");
    ended(&mut run(&["token", "gitlab:ci0"])).await.succeeded();
    assert_eq!(ended(&mut run(&["agent", "status"])).await.code, 6);
}
