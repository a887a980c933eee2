//! Every way, from the first call to a token that works.

use misbehaving_provider::{DeviceApproval, SERVICE_CLIENT, SERVICE_SECRET};
use serde_json::{Value, json};

use super::{World, place};
use crate::support::{redirect_of, visit};

#[tokio::test(flavor = "multi_thread")]
async fn a_login_with_a_code_is_done_when_the_person_has_confirmed_it() {
    let world = World::new().await;
    world.provider.change(|behaviour| behaviour.device.approval = DeviceApproval::Never);
    let login = world.begin("device", &json!({"as": "work"})).await;
    assert_eq!(login["url"], Value::Null);
    assert_eq!(login["verification_uri"], format!("{}/device", world.provider.issuer()));
    let code = login["user_code"].as_str().unwrap();
    assert!(login["verification_uri_complete"].as_str().unwrap().ends_with(code), "{login}");
    let before = world.ask("GET", &place(&login), &Value::Null).await;
    assert_eq!(before, login, "nobody has done anything yet");

    assert!(world.provider.approve_device(code));
    let ended = world.end_of(&login).await;
    let reference = world.reference("work");
    assert_eq!((&ended["state"], &ended["ref"]), (&json!("done"), &json!(reference)), "{ended}");
    assert_eq!((&ended["renewed"], &ended["error"]), (&json!(false), &Value::Null), "{ended}");
    assert!(world.is_live(&reference).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_on_this_machine_comes_back_by_itself() {
    let world = World::new().await;
    let login = world.begin("browser", &json!({"as": "work", "scopes": ["openid", "email"]})).await;
    let (page, end) = visit(login["url"].as_str().unwrap()).await;
    assert!(page.contains("You can close this page"), "{page}");
    assert!(end.starts_with("http://127.0.0.1:"), "{end}");
    let ended = world.end_of(&login).await;
    assert_eq!(ended["ref"], world.reference("work"), "{ended}");
    assert!(world.is_live(&world.reference("work")).await);

    // Again, by the name the account has and nothing else.
    let name = world.reference("work").split_once(':').unwrap().0.to_owned();
    let request = json!({"target": name, "as": "work", "way": "browser"});
    let again = world.ask("POST", "/v1/logins", &request).await;
    visit(again["url"].as_str().unwrap()).await;
    let ended = world.end_of(&again).await;
    assert_eq!((&ended["state"], &ended["renewed"]), (&json!("done"), &json!(true)), "{ended}");
    assert_eq!(world.accounts().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_carried_over_completes_a_login_once() {
    let world = World::new().await;
    for way in ["paste", "browser"] {
        let login = world.begin(way, &json!({"as": way})).await;
        let redirect = redirect_of(login["url"].as_str().unwrap()).await;
        let target = format!("{}/answer", place(&login));
        let ended = world.ask("POST", &target, &json!({"redirect_url": redirect})).await;
        assert_eq!(
            (&ended["state"], &ended["ref"]),
            (&json!("done"), &json!(world.reference(way))),
            "{ended}"
        );
        assert!(world.is_live(&world.reference(way)).await);
        let (status, late) = world.call("POST", &target, &json!({"redirect_url": redirect})).await;
        assert_eq!((status, &late["error"]), (409, &json!("too_late")), "{late}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_secret_goes_to_the_provider_and_is_told_to_nobody_else() {
    let world = World::new().await;
    let more = json!({"as": "work", "client_id": SERVICE_CLIENT, "client_secret": SERVICE_SECRET});
    let login = world.begin("paste", &more).await;
    let redirect = redirect_of(login["url"].as_str().unwrap()).await;
    let answer = json!({"redirect_url": redirect});
    let ended = world.ask("POST", &format!("{}/answer", place(&login)), &answer).await;
    assert_eq!(ended["state"], "done", "{ended}");
    world.ask("GET", "/v1/logins", &Value::Null).await;
    world.ask("GET", "/v1/accounts", &Value::Null).await;
    let (heard, log) = (world.heard.lock().unwrap().clone(), world.log());
    assert!(!log.is_empty());
    assert!(heard.contains("\"done\""));
    for secret in world.provider.secrets().iter().map(String::as_str).chain([SERVICE_SECRET]) {
        assert!(!heard.contains(secret), "an answer tells {secret}");
        assert!(!log.contains(secret), "the log tells {secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_names_client_and_secret_as_for_the_command_line() {
    let world = World::new().await;
    let name = world.reference("work").split_once(':').unwrap().0.to_owned();
    let secret = world.home.beside("secret");
    crate::support::write_private(&secret, SERVICE_SECRET);
    let section = format!(
        "[providers.\"{name}\"]\nclient_id = \"{SERVICE_CLIENT}\"\nclient_secret_file = \"{}\"\n",
        secret.display()
    );
    let configured = World::with_config(&section).await;
    let request = json!({"target": world.provider.issuer(), "way": "paste", "as": "work"});
    let login = configured.ask("POST", "/v1/logins", &request).await;
    let redirect = redirect_of(login["url"].as_str().unwrap()).await;
    let answer = json!({"redirect_url": redirect});
    let ended = configured.ask("POST", &format!("{}/answer", place(&login)), &answer).await;
    assert_eq!(ended["ref"], format!("{name}:work"), "{ended}");
}
