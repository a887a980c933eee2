//! This computer's own troubles: stopped processes, dead sockets, keychains and desktops.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::Value;

use super::desktop::Desktop;
use super::{findings, logged_in};
use crate::support::{Ended, Home, ended};
use misbehaving_provider::{Behaviour, Endpoint, When};

fn one(examined: &Ended, name: &str) -> Value {
    let [finding] = &*findings(examined, name) else { panic!("{examined}") };
    finding.clone()
}

fn said(finding: &Value, member: &str) -> String {
    finding[member].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_holder_of_a_refresh_lock_is_named() {
    let (home, provider) = logged_in(Behaviour::default()).await;
    let held = provider.hold(Endpoint::Token, When::BeforeProcessing);
    let mut refreshing = home.start(&["refresh", "work"]);
    refreshing.until(held.arrived()).await;
    let at_work = one(&home.run(&["doctor", "--json"]).await, "locks");
    assert_eq!(at_work["verdict"], "ok");
    assert!(said(&at_work, "what").contains(&format!("process {} (bursar)", refreshing.id())), "{at_work}");

    refreshing.signal(Signal::STOP);
    let examined = super::until(&home, |examined| one(examined, "locks")["verdict"] == "warn").await;
    let stopped = one(&examined, "locks");
    assert!(said(&stopped, "what").contains("is stopped; nobody else can refresh"), "{stopped}");
    assert!(said(&stopped, "remedy").contains(&format!("kill -CONT {}", refreshing.id())), "{stopped}");

    refreshing.signal(Signal::CONT);
    drop(held);
    assert_eq!(refreshing.ended().await.code, 0);
    let free = one(&home.run(&["doctor", "--json"]).await, "locks");
    assert!(said(&free, "what").starts_with("nobody holds"), "{free}");
}

fn socket(home: &Home) -> PathBuf {
    home.path().join("agent.sock")
}

fn set_mode(path: &std::path::Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The finding about the agent, and what it is to look at.
async fn agent(home: &Home) -> Value {
    one(&home.run(&["doctor", "--json"]).await, "agent")
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_no_agent_answers_on_are_told_apart() {
    let home = Home::new();
    home.write_config("[agent]\non_demand = false\n");
    assert!(said(&agent(&home).await, "what").starts_with("no agent is running; commands"));

    std::fs::write(socket(&home), "").unwrap();
    let file = agent(&home).await;
    assert_eq!(file["verdict"], "fail");
    assert!(said(&file, "remedy").contains("rm '"), "{file}");
    std::fs::remove_file(socket(&home)).unwrap();

    let listening = UnixListener::bind(socket(&home)).unwrap();
    set_mode(&socket(&home), 0o666);
    let loose = agent(&home).await;
    assert!(said(&loose, "remedy").contains("chmod 600"), "{loose}");
    set_mode(&socket(&home), 0o600);
    let silent = agent(&home).await;
    assert_eq!(silent["verdict"], "warn", "{silent}");
    assert!(said(&silent, "remedy").contains(&format!("kill -CONT {}", std::process::id())), "{silent}");

    drop(listening);
    let abandoned = agent(&home).await;
    assert_eq!(abandoned["verdict"], "ok", "{abandoned}");
    assert!(said(&abandoned, "what").contains("harmless"), "{abandoned}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_another_version_is_noticed() {
    let home = Home::new();
    home.write_config("[agent]\non_demand = false\n");
    let listening = UnixListener::bind(socket(&home)).unwrap();
    set_mode(&socket(&home), 0o600);
    std::thread::spawn(move || {
        for mut stream in listening.incoming().flatten() {
            let mut asked = [0_u8; 1024];
            let _read = std::io::Read::read(&mut stream, &mut asked);
            let answer = b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{\"version\":\"0.0.1\"}";
            let _written = std::io::Write::write_all(&mut stream, answer);
        }
    });
    let older = agent(&home).await;
    assert_eq!(older["verdict"], "warn", "{older}");
    assert!(said(&older, "what").contains("version 0.0.1"), "{older}");
    assert!(said(&older, "remedy").contains("bursar agent stop"), "{older}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installed_service_is_compared_with_this_program() {
    let home = Home::new();
    let service = async || one(&home.run(&["doctor", "--json"]).await, "service");
    assert!(said(&service().await, "what").contains("bursar agent install"));
    assert_eq!(home.run(&["agent", "install"]).await.code, 0);
    assert!(said(&service().await, "what").contains("at every login"));
    let mut elsewhere = home.command(&["doctor", "--json"]);
    elsewhere.env("BURSAR_HOME", home.beside("another"));
    let other = one(&ended(&mut elsewhere).await, "service");
    assert_eq!(other["verdict"], "warn", "{other}");
    assert!(said(&other, "remedy").contains("bursar agent install"), "{other}");
}

/// Examines with this desktop around.
async fn at(home: &Home, desktop: &Desktop, display: bool) -> Ended {
    let mut command = home.command(&["doctor", "--json"]);
    command.env_remove("BURSAR_MASTER_KEY_FILE").env("DBUS_SESSION_BUS_ADDRESS", desktop.address());
    if display {
        command.env("DISPLAY", ":0");
    }
    ended(&mut command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_keychain_is_told_from_a_missing_one_and_from_no_bus() {
    let home = Home::new();
    let mut desktop = Desktop::start();
    let missing = one(&at(&home, &desktop, false).await, "keychain");
    assert!(said(&missing, "what").contains("no Secret Service runs"), "{missing}");
    desktop.start_keyring(true);
    let works = one(&at(&home, &desktop, false).await, "keychain");
    assert!(said(&works, "what").starts_with("the keychain answers"), "{works}");
    desktop.stop_keyring();
    desktop.start_keyring(false);
    let locked = one(&at(&home, &desktop, false).await, "keychain");
    assert_eq!(locked["verdict"], "warn", "{locked}");
    assert!(said(&locked, "what").starts_with("the keychain is locked"), "{locked}");
    assert!(said(&locked, "remedy").contains("unlock the keychain"), "{locked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_that_nobody_would_see_are_told() {
    let home = Home::new();
    let notifications = async |desktop: &Desktop| one(&at(&home, desktop, true).await, "notifications");
    let desktop = Desktop::start();
    let nobody = notifications(&desktop).await;
    assert_eq!(nobody["verdict"], "warn", "{nobody}");
    assert!(said(&nobody, "what").starts_with("nothing on this desktop"), "{nobody}");
    let none = one(&at(&home, &desktop, false).await, "notifications");
    assert_eq!(none["verdict"], "ok", "where there is no display, nothing is missed: {none}");

    let service = desktop.show_notifications().await;
    let shown = notifications(&desktop).await;
    assert_eq!(shown["verdict"], "ok", "{shown}");
    assert!(said(&shown, "what").contains("shown by Tester 1.0"), "{shown}");
    service.do_not_disturb();
    let suppressed = notifications(&desktop).await;
    assert_eq!(suppressed["verdict"], "warn", "{suppressed}");
    assert!(said(&suppressed, "what").contains("Do Not Disturb is on"), "{suppressed}");

    let mut command = home.command(&["doctor", "--json"]);
    command.env("DISPLAY", ":0");
    let no_bus = one(&ended(&mut command).await, "notifications");
    assert!(said(&no_bus, "what").contains("no D-Bus session bus"), "{no_bus}");
}
