//! Other users of the machine, and readers of what the agent writes down.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::raw::{ask, socket};
use super::running::Agent;
use super::world::World;
use crate::support::{Ended, ended};

/// Nobody, on every system.
const STRANGER: &str = "65534";

/// A command with the rights to become another user.
fn privileged(program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["--non-interactive", "--", program]);
    command
}

/// Gives a file to another user.
pub(super) async fn give_to_another_user(path: &Path) {
    let given = ended(privileged("chown").arg(STRANGER).arg(path)).await;
    assert_eq!(given.code, 0, "this test must run as root, or with sudo that asks nothing: {given}");
}

/// Calls a socket as another user, with curl.
async fn as_a_stranger(socket: &Path, arguments: &[&str]) -> Ended {
    let ids = [format!("--reuid={STRANGER}"), format!("--regid={STRANGER}")];
    let line = ["--clear-groups", "--", "curl", "--silent", "--max-time", "10", "--unix-socket"];
    let mut command = privileged("setpriv");
    ended(command.args(ids).args(line).arg(socket).args(arguments)).await
}

/// The same as oneself.
async fn as_oneself(socket: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new("curl");
    let line = ["--silent", "--max-time", "10", "--unix-socket"];
    ended(command.args(line).arg(socket).args(arguments)).await
}

/// Opens a path and every folder above it, up to the test's own, to everybody.
fn open_to_all(path: &Path, top: &Path) {
    for place in path.ancestors().take_while(|place| place.starts_with(top)) {
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
}

/// curl's codes for a connection that was closed without an answer: before it looked, in between, and after it asked.
const NO_ANSWER: [i32; 3] = [7, 52, 56];

#[tokio::test(flavor = "multi_thread")]
async fn another_user_gets_nothing_whatever_the_modes_have_become() {
    let world = World::new().await;
    let agent = Agent::start(&world.home).await;
    let shut = as_a_stranger(&socket(&world.home), &["http://localhost/v1/accounts"]).await;
    assert_eq!((shut.code, shut.stdout.as_str()), (7, ""), "it cannot even connect: {shut}");

    open_to_all(&socket(&world.home), &world.home.beside(""));
    let token = format!("http://localhost/v1/accounts/{}/token", world.work);
    for line in [
        &["http://localhost/v1/accounts"][..],
        &["http://localhost/healthz"],
        &["http://localhost/v1/openapi.json"],
        &["--data", "{}", &token],
        &["--data", "{}", "http://localhost/v1/agent/stop"],
    ] {
        let nothing = as_a_stranger(&socket(&world.home), line).await;
        assert!(NO_ANSWER.contains(&nothing.code) && nothing.stdout.is_empty(), "{line:?}: {nothing}");
    }
    assert!(agent.is_there());
    let refused = agent.log().matches("a connection of another user was refused").count();
    assert_eq!(refused, 5, "{}", agent.log());
    let mine = as_oneself(&socket(&world.home), &["--data", "{}", &token]).await;
    assert!(mine.code == 0 && mine.stdout.contains("access_token"), "{mine}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_gets_nothing_from_a_session_s_socket_even_with_its_token() {
    let world = World::new().await;
    let script = "echo \"$BURSAR_SOCKET\"; echo \"$BURSAR_SESSION_TOKEN\"; cat";
    let mut command = world.home.command(&["exec", "--socket", "work", "--", "sh", "-c", script]);
    let mut exec = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(exec.stdout.take().unwrap()).lines();
    let door = lines.next_line().await.unwrap().unwrap();
    let token = lines.next_line().await.unwrap().unwrap();
    let door = Path::new(&door);
    open_to_all(door, &world.home.beside(""));
    let shown = format!("Authorization: Bearer {token}");
    let place = format!("http://localhost/v1/accounts/{}/token", world.work);
    let line = ["--header", &shown, "--data", "{}", &place];
    let nothing = as_a_stranger(door, &line).await;
    assert!(NO_ANSWER.contains(&nothing.code) && nothing.stdout.is_empty(), "{nothing}");
    let mine = as_oneself(door, &line).await;
    assert!(mine.code == 0 && mine.stdout.contains("access_token"), "{mine}");
    drop(exec.stdin.take());
    assert!(exec.wait().await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_it_writes_down_or_shows_has_a_secret_in_it() {
    let world = World::new().await;
    let mut command = world.home.command(&["agent", "run"]);
    let mut agent = Agent::of(&world.home, command.env("BURSAR_LOG", "trace")).answering(&world.home).await;
    let home = &world.home;
    let key = std::fs::read_to_string(home.key_file()).unwrap();
    let token = world.token().await;
    let place = format!("/v1/accounts/{}/token", world.work);
    ask(home, "POST", &place, &json!({ "rejected": token }).to_string()).await.succeeded();
    ask(home, "POST", &place, &json!({ "rejected": token, "unknown": token }).to_string()).await.refused(400);
    let unlock = json!({ "master_key": key.trim() }).to_string();
    assert_eq!(ask(home, "POST", "/v1/vault/unlock", &unlock).await.status, 204);
    home.run(&["refresh", "work"]).await.succeeded();

    let mut seen = String::new();
    for target in ["/v1/agent", "/v1/accounts", "/v1/sessions", "/v1/openapi.json"] {
        seen += &ask(home, "GET", target, "").await.body;
    }
    for arguments in [&["agent", "status"][..], &["agent", "status", "--json"], &["list", "--json"]] {
        seen += &home.run(arguments).await.succeeded().to_string();
    }
    let shown = seen.clone();
    home.run(&["agent", "stop"]).await.succeeded();
    assert_eq!(agent.ended().await, 0);
    seen += &agent.log();
    assert!(shown.contains(&world.work) && agent.log().contains("DEBUG"), "{}", agent.log());
    let secrets = world.provider.secrets();
    assert!(secrets.contains(&token) && secrets.len() > 5);
    for secret in secrets.iter().map(String::as_str).chain([key.trim()]) {
        assert!(!seen.contains(secret), "{secret} is told");
    }
}
