//! Logins that nobody finishes: each has an end, few wait at a time, and none holds up the agent.

use std::time::{Duration, Instant};

use misbehaving_provider::DeviceApproval;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{World, place};
use crate::support::redirect_of;

#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_person_never_comes_ends_by_itself() {
    let world = World::new().await;
    world.provider.change(|behaviour| behaviour.device.approval = DeviceApproval::Never);
    let mut logins = Vec::new();
    for way in ["browser", "paste", "device"] {
        logins.push(world.begin(way, &json!({"seconds": 5})).await);
    }
    for login in logins {
        let ended = world.end_of(&login).await;
        assert_eq!(ended["state"], "failed", "{ended}");
        assert_eq!(ended["error"]["error"], "login_required", "{ended}");
        assert!(ended["error"]["hint"].as_str().unwrap().contains("nothing was stored"), "{ended}");
        let (status, late) = world
            .call("POST", &format!("{}/answer", place(&login)), &json!({"redirect_url": "code=1&state=2"}))
            .await;
        assert!([400, 409].contains(&status), "{late}");
    }
    assert_eq!(world.accounts().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_device_fails_the_login_with_the_reason() {
    let world = World::new().await;
    world.provider.change(|behaviour| behaviour.device.approval = DeviceApproval::Deny);
    let login = world.begin("device", &Value::Null).await;
    let ended = world.end_of(&login).await;
    assert_eq!(ended["state"], "failed", "{ended}");
    assert_eq!(ended["error"]["message"], "the login was denied on the other device");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_login_is_gone_with_its_port() {
    let world = World::new().await;
    let login = world.begin("browser", &Value::Null).await;
    let redirect = redirect_of(login["url"].as_str().unwrap()).await;
    world.ask("DELETE", &place(&login), &Value::Null).await;
    for (method, target) in [("GET", place(&login)), ("DELETE", place(&login))] {
        let (status, gone) = world.call(method, &target, &Value::Null).await;
        assert_eq!((status, &gone["error"]), (404, &json!("no_such_login")), "{gone}");
    }
    let browser = reqwest::Client::builder().no_proxy().build().unwrap();
    // The listener goes with the task that waited, a moment later.
    while browser.get(&redirect).send().await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.accounts().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_logins_wait_at_a_time_and_one_that_goes_makes_room() {
    let world = World::new().await;
    let mut waiting = Vec::new();
    for _ in 0..16 {
        waiting.push(world.begin("paste", &Value::Null).await);
    }
    let request = json!({"target": world.provider.issuer(), "way": "paste", "client_id": "bursar-cli"});
    let (status, refused) = world.call("POST", "/v1/logins", &request).await;
    assert_eq!((status, &refused["error"]), (429, &json!("too_many_logins")), "{refused}");
    let listed = world.ask("GET", "/v1/logins", &Value::Null).await;
    assert_eq!(listed.as_array().unwrap().len(), 16);
    world.ask("DELETE", &place(&waiting[7]), &Value::Null).await;
    world.begin("paste", &Value::Null).await;
    // An answer makes room too.
    let redirect = redirect_of(waiting[0]["url"].as_str().unwrap()).await;
    let answer = json!({"redirect_url": redirect});
    world.ask("POST", &format!("{}/answer", place(&waiting[0])), &answer).await;
    world.begin("paste", &Value::Null).await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "the end of a real process, by a real clock")]
async fn an_agent_that_is_told_to_stop_does_not_wait_for_people() {
    let mut world = World::new().await;
    world.provider.change(|behaviour| behaviour.device.approval = DeviceApproval::Never);
    for way in ["browser", "paste", "device"] {
        world.begin(way, &Value::Null).await;
    }
    let began = Instant::now();
    let id = Pid::from_raw(world.agent.id().unwrap().cast_signed()).unwrap();
    kill_process(id, Signal::TERM).unwrap();
    assert!(world.agent.wait().await.unwrap().success(), "{}", world.log());
    // Half of what it grants to refreshes; people have minutes.
    assert!(began.elapsed() < Duration::from_secs(25));
}
