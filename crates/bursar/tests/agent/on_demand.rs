//! Commands that work with tokens start an agent for those to come, and only where one is of use.

use std::time::Duration;

use tokio::process::Command;

use super::running::{Background, a_moment, status};
use super::world::with_keys;
use crate::race::gate::Gate;
use crate::support::{Home, ended};

/// A command that may start one.
fn command(home: &Home, arguments: &[&str]) -> Command {
    let mut command = home.command(arguments);
    command.env_remove("BURSAR_AGENT_ON_DEMAND");
    command
}

/// Whether one was tried: whatever starts it makes its log first.
fn was_tried(home: &Home) -> bool {
    home.path().join("agent.log").exists()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_wants_a_token_starts_one_and_does_not_wait_for_it() {
    let home = with_keys(1).await;
    let token = ended(&mut command(&home, &["token", "gitlab:ci0"])).await.succeeded();
    assert_eq!((token.stdout.as_str(), token.stderr.as_str()), ("glpat-never-print-me-0\n", ""));
    let agent = Background::of(&home).await;
    ended(&mut command(&home, &["token", "gitlab:ci0"])).await.succeeded();
    assert_eq!(status(&home).await["process"], agent.id(), "there is one already");
    home.run(&["agent", "stop"]).await.succeeded();
    ended(&mut command(&home, &["token", "gitlab:ci0"])).await.succeeded();
    assert_eq!(home.run(&["agent", "status"]).await.code, 6, "one that was just stopped stays stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn none_is_started_where_none_is_of_use() {
    let home = with_keys(1).await;
    let mut in_ci = command(&home, &["token", "gitlab:ci0"]);
    ended(in_ci.env("CI", "true")).await.succeeded();
    assert!(!was_tried(&home), "build machines start nothing that outlives the build");

    let mut with_descriptor = Command::new("/bin/sh");
    let script = "exec 3<\"$1\"; BURSAR_MASTER_KEY_FD=3 exec \"$0\" token gitlab:ci0";
    with_descriptor
        .args(["-c", script, env!("CARGO_BIN_EXE_bursar"), home.key_file().to_str().unwrap()])
        .env_clear()
        .env("HOME", home.beside(""))
        .env("BURSAR_HOME", home.path())
        .stdin(std::process::Stdio::null());
    let token = ended(&mut with_descriptor).await.succeeded();
    assert_eq!(token.stdout, "glpat-never-print-me-0\n");
    assert!(!was_tried(&home), "an agent could not open the vault");

    for arguments in
        [&["list"][..], &["status"], &["which", "gitlab"], &["config", "show"], &["agent", "status"]]
    {
        ended(&mut command(&home, arguments)).await;
        assert!(!was_tried(&home), "{arguments:?} wants no token");
    }
    home.write_config("[agent]\non_demand = false\n");
    ended(&mut command(&home, &["token", "gitlab:ci0"])).await.succeeded();
    assert!(!was_tried(&home), "the configuration says no");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_commands_at_once_leave_one() {
    let home = with_keys(1).await;
    let gate = Gate::new();
    let held: Vec<_> =
        (0..20).map(|_| gate.hold_program(&command(&home, &["token", "gitlab:ci0"]))).collect();
    gate.open();
    for process in held {
        let token = process.ended().await.succeeded();
        assert_eq!(token.stdout, "glpat-never-print-me-0\n");
    }
    let agent = Background::of(&home).await;
    while agents_of(&home) != [agent.id()] {
        a_moment().await;
    }
    let quiet = tokio::time::timeout(Duration::from_millis(300), std::future::pending::<()>());
    assert!(quiet.await.is_err() && agents_of(&home) == [agent.id()], "no more come");
    home.run(&["agent", "stop"]).await.succeeded();
}

/// The processes that are, or try to be, the agent of this home.
fn agents_of(home: &Home) -> Vec<u32> {
    let variable = format!("BURSAR_HOME={}\0", home.path().display());
    let is_one = |number: &u32| {
        let read = |file: &str| {
            let bytes = std::fs::read(format!("/proc/{number}/{file}")).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        read("cmdline").contains("\0agent\0run\0") && read("environ").contains(&variable)
    };
    let entries = std::fs::read_dir("/proc").unwrap();
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers.filter(is_one).collect()
}
