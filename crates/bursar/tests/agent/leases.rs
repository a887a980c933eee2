//! Sessions that API callers open.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::raw::ask;
use super::running::{Agent, a_moment, status};
use super::world::with_keys;
use crate::support::Home;

/// A process that does nothing until it is ended.
fn idle() -> Child {
    let mut command = Command::new("/bin/cat");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap()
}

async fn open(home: &Home, request: &Value) -> Value {
    ask(home, "POST", "/v1/sessions", &request.to_string()).await.succeeded()
}

async fn names(home: &Home) -> Vec<String> {
    let sessions = ask(home, "GET", "/v1/sessions", "").await.succeeded();
    sessions.as_array().unwrap().iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_opened_counted_renewed_and_ended() {
    let home = with_keys(2).await;
    let _agent = Agent::start(&home).await;
    let owner = idle();
    let request =
        json!({ "accounts": ["gitlab:ci0"], "label": "nightly build", "process": owner.id(), "seconds": 60 });
    let session = open(&home, &request).await;
    let id = session["id"].as_str().unwrap();
    for (key, value) in [
        ("kind", json!("lease")),
        ("label", json!("nightly build")),
        ("accounts", json!(["gitlab:ci0"])),
        ("process", json!(owner.id())),
    ] {
        assert_eq!(session[key], value, "{session}");
    }
    assert_eq!(names(&home).await, [id]);
    assert_eq!(status(&home).await["sessions"], 1);
    let listed: Value =
        serde_json::from_str(&home.run(&["list", "--json"]).await.succeeded().stdout).unwrap();
    assert_eq!((&listed[0]["sessions"], &listed[1]["sessions"]), (&json!(1), &json!(0)));

    let place = format!("/v1/sessions/{id}");
    assert_eq!(ask(&home, "PUT", &place, "{\"seconds\":3600}").await.status, 204);
    let renewed = ask(&home, "GET", "/v1/sessions", "").await.succeeded();
    assert!(renewed[0]["until"].as_str() > session["until"].as_str(), "{renewed}");
    assert_eq!(ask(&home, "DELETE", &place, "").await.status, 204);
    assert_eq!(ask(&home, "DELETE", &place, "").await.refused(404), "no_such_session");
    assert_eq!(ask(&home, "PUT", &place, "{\"seconds\":1}").await.refused(404), "no_such_session");
    assert!(names(&home).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_ends_with_its_process_or_its_time() {
    let home = with_keys(1).await;
    let _agent = Agent::start(&home).await;
    let mut owner = idle();
    let request = json!({ "accounts": ["gitlab"], "label": "x", "process": owner.id() });
    let session = open(&home, &request).await;
    assert_eq!(session["until"], Value::Null);
    owner.kill().await.unwrap();
    assert!(names(&home).await.is_empty(), "killed, and reaped");
    let place = format!("/v1/sessions/{}", session["id"].as_str().unwrap());
    assert_eq!(ask(&home, "PUT", &place, "{\"seconds\":60}").await.refused(404), "no_such_session");

    open(&home, &json!({ "accounts": ["gitlab"], "label": "x", "seconds": 1 })).await;
    while !names(&home).await.is_empty() {
        a_moment().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_belongs_to_its_caller_unless_it_names_a_process_that_runs() {
    let home = with_keys(1).await;
    let _agent = Agent::start(&home).await;
    let session = open(&home, &json!({ "accounts": ["gitlab:ci0"], "label": "x" })).await;
    assert_eq!(session["process"], std::process::id(), "this test is the caller");
    let mut gone = idle();
    let number = gone.id();
    gone.kill().await.unwrap();
    let request = json!({ "accounts": ["gitlab:ci0"], "label": "x", "process": number });
    let refused = ask(&home, "POST", "/v1/sessions", &request.to_string()).await;
    assert_eq!(refused.refused(400), "usage");
    let request = json!({ "accounts": ["gitlab:ci0", "nobody"], "label": "x" });
    let refused = ask(&home, "POST", "/v1/sessions", &request.to_string()).await;
    assert_eq!(refused.refused(404), "no_such_account");
    assert_eq!(names(&home).await.len(), 1, "what was refused was not opened");
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_outlive_the_agent() {
    let home = with_keys(1).await;
    let mut agent = Agent::start(&home).await;
    let session = open(&home, &json!({ "accounts": ["gitlab:ci0"], "label": "x" })).await;
    agent.signal(rustix::process::Signal::KILL);
    agent.ended().await;
    let _next = Agent::start(&home).await;
    assert_eq!(names(&home).await, [session["id"].as_str().unwrap()]);
}
