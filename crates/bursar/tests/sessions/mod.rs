//! Sessions of real processes: counted while they live, gone with them however they end, and safe from cleaning up.

mod race;
mod world;

use std::process::Stdio;

use bursar_core::ports::processes::ProcessId;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use self::world::{World, accounts, die, idle, name, open, told};

fn signal(process: &Child, signal: Signal) {
    let number = i32::try_from(process.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(number).unwrap(), signal).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_counts_until_its_process_is_killed() {
    let world = World::with(2).await;
    let engine = world.engine();
    let accounts = accounts(&engine).await;
    let (mut first, second) = (idle(), idle());
    open(&engine, &accounts[0], name(&engine, &first)).await;
    open(&engine, &accounts[0], name(&engine, &second)).await;
    assert_eq!(world.counted().await, [2, 0]);
    let status = world.home.run(&["status"]).await;
    assert!(status.stdout.contains("sessions        2"), "{status}");

    first.start_kill().unwrap();
    first.wait().await.unwrap();
    assert_eq!(world.counted().await, [1, 0]);
    // Nobody has taken notice of this one's end: its number is still taken, but it does nothing any more.
    signal(&second, Signal::KILL);
    while world.counted().await != [0, 0] {
        assert!(second.id().is_some());
    }
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_counts_until_it_ends_and_until_its_bursar_is_killed() {
    let world = World::with(1).await;
    let start = || {
        let mut command = world.home.command(&["exec", "gitlab:ci0", "--", "/bin/cat"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    };
    let (mut ends, mut dies) = (start(), start());
    while world.counted().await != [2] {
        assert!(ends.try_wait().unwrap().is_none() && dies.try_wait().unwrap().is_none());
    }
    // What `cat` reads comes to its end, and so does `cat`.
    drop(ends.stdin.take());
    assert!(ends.wait().await.unwrap().success());
    assert_eq!(world.counted().await, [1]);
    dies.start_kill().unwrap();
    // Its `cat` would go on for ever.
    drop(dies.stdin.take());
    dies.wait().await.unwrap();
    assert_eq!(world.counted().await, [0]);
    assert_eq!(world.json(&["cleanup"]).await[0]["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_process_still_uses_its_account() {
    let world = World::with(1).await;
    let engine = world.engine();
    let account = accounts(&engine).await.remove(0);
    let process = idle();
    open(&engine, &account, name(&engine, &process)).await;
    signal(&process, Signal::STOP);
    assert_eq!(world.counted().await, [1]);
    signal(&process, Signal::CONT);
    assert_eq!(world.counted().await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_used_again_and_another_boot_are_told_apart() {
    let world = World::with(1).await;
    let engine = world.engine();
    let account = accounts(&engine).await.remove(0);
    let process = idle();
    let owner = name(&engine, &process);
    open(&engine, &account, ProcessId { started: owner.started.map(|ticks| ticks - 1), ..owner.clone() })
        .await;
    open(&engine, &account, ProcessId { boot: "an earlier one".to_owned(), ..owner.clone() }).await;
    assert_eq!(world.counted().await, [0]);
    // What cannot be judged counts.
    open(&engine, &account, ProcessId { machine: "another".to_owned(), ..owner }).await;
    assert_eq!(world.counted().await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cleaning_up_removes_the_sessions_of_the_dead_and_says_how_many() {
    let world = World::with(1).await;
    let engine = world.engine();
    let account = accounts(&engine).await.remove(0);
    let (mut dead, alive) = (idle(), idle());
    let owner = name(&engine, &dead);
    open(&engine, &account, owner.clone()).await;
    open(&engine, &account, owner).await;
    open(&engine, &account, name(&engine, &alive)).await;
    dead.kill().await.unwrap();

    let dry = world.home.run(&["cleanup", "--dry-run"]).await;
    insta::assert_snapshot!(dry, @"
    exit 0
    --- stdout
    would remove 2 orphaned sessions
    --- stderr
    ");
    let element = |removed| serde_json::json!([{"schema": 1, "action": "end_sessions", "count": 2, "removed": removed}]);
    assert_eq!(world.json(&["cleanup", "--dry-run"]).await, element(false));
    assert_eq!(world.json(&["cleanup"]).await, element(true));
    let again = world.home.run(&["cleanup"]).await;
    insta::assert_snapshot!(again, @"
    exit 0
    --- stdout
    --- stderr
    nothing to clean up
    ");
    assert_eq!(world.counted().await, [1]);
    assert_eq!(told(&engine, &account).await.iter().filter(|name| *name == "session.ended").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_login_stays_as_long_as_a_session_uses_it() {
    let world = World::with(1).await;
    let engine = world.engine();
    let account = accounts(&engine).await.remove(0);
    die(&engine).await;
    let mut process = idle();
    open(&engine, &account, name(&engine, &process)).await;
    for arguments in [&["cleanup", "--dry-run"][..], &["cleanup"], &["cleanup", "--unused", "0s"]] {
        assert_eq!(world.json(arguments).await, serde_json::json!([]));
    }
    assert_eq!(world.counted().await, [1]);

    process.kill().await.unwrap();
    let removed = world.json(&["cleanup"]).await;
    let actions: Vec<_> = removed.as_array().unwrap().iter().map(|element| &element["action"]).collect();
    assert_eq!(actions, ["end_sessions", "remove"]);
    assert_eq!(world.counted().await, [0_u64; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_log_out_of_an_account_in_use_and_is_told() {
    let world = World::with(2).await;
    let engine = world.engine();
    let accounts = accounts(&engine).await;
    let process = idle();
    open(&engine, &accounts[0], name(&engine, &process)).await;
    open(&engine, &accounts[1], name(&engine, &process)).await;
    open(&engine, &accounts[1], name(&engine, &process)).await;
    let ended = world.home.run(&["logout", "gitlab:ci0"]).await;
    insta::assert_snapshot!(ended, @"
    exit 0
    --- stdout
    --- stderr
    Logged out of gitlab:ci0: it is gone here
    gitlab offers no revocation and names no end
    to end it now, remove the access on its website (see https://docs.gitlab.com/api/oauth2/)
    1 running session was using it and gets no new token
    ");
    assert_eq!(world.json(&["logout", "gitlab:ci1"]).await["sessions"], 2);
    assert_eq!(world.counted().await, [0_u64; 0]);
}
