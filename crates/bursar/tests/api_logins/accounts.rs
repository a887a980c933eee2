//! What a program sees and changes of accounts, beside what the command line prints of the same.

use serde_json::{Value, json};

use super::{World, place};
use crate::support::redirect_of;

async fn with_account() -> (World, String) {
    let world = World::new().await;
    let login = world.begin("paste", &json!({"as": "work"})).await;
    let redirect = redirect_of(login["url"].as_str().unwrap()).await;
    let answer = json!({"redirect_url": redirect});
    world.ask("POST", &format!("{}/answer", place(&login)), &answer).await;
    let reference = world.reference("work");
    (world, reference)
}

/// `document` without what time alone changes.
fn timeless(mut document: Value) -> Value {
    for element in document.as_array_mut().into_iter().flatten() {
        element.as_object_mut().unwrap().remove("seconds_left");
    }
    document
}

async fn printed(world: &World, arguments: &[&str]) -> Value {
    let ended = world.home.run(arguments).await;
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_deadlines_are_the_documents_the_command_line_prints() {
    let (world, reference) = with_account().await;
    for (target, arguments) in [
        ("/v1/accounts", vec!["list", "--json"]),
        ("/v1/accounts", vec!["status", "--json"]),
        ("/v1/deadlines", vec!["status", "--calendar", "--json"]),
    ] {
        let asked = timeless(world.ask("GET", target, &Value::Null).await);
        assert!(!asked.as_array().unwrap().is_empty(), "{target}");
        assert_eq!(asked[0]["ref"], reference);
        assert_eq!(asked, timeless(printed(&world, &arguments).await), "{target}");
    }
    let one = world.ask("GET", &format!("/v1/accounts/{reference}"), &Value::Null).await;
    assert_eq!(timeless(one), timeless(world.ask("GET", "/v1/accounts", &Value::Null).await));
    let (status, none) = world.call("GET", "/v1/accounts/nobody", &Value::Null).await;
    assert_eq!((status, &none["error"]), (404, &json!("no_such_account")), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_account_is_not_handed_out_until_it_is_resumed() {
    let (world, reference) = with_account().await;
    let account = format!("/v1/accounts/{reference}");
    for _again in 0..2 {
        world.ask("POST", &format!("{account}/pause"), &Value::Null).await;
    }
    let (status, refused) = world.call("POST", &format!("{account}/token"), &Value::Null).await;
    assert_eq!((status, &refused["error"]), (403, &json!("denied")), "{refused}");
    assert_eq!(world.ask("GET", &account, &Value::Null).await[0]["state"], "paused");
    for _again in 0..2 {
        world.ask("POST", &format!("{account}/resume"), &Value::Null).await;
    }
    assert!(world.is_live(&reference).await);
    for act in ["pause", "resume"] {
        let (status, none) = world.call("POST", &format!("/v1/accounts/nobody/{act}"), &Value::Null).await;
        assert_eq!((status, &none["error"]), (404, &json!("no_such_account")), "{none}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_revokes_at_the_provider_and_says_so() {
    let (world, reference) = with_account().await;
    let account = format!("/v1/accounts/{reference}");
    let handed = world.ask("POST", &format!("{account}/token"), &Value::Null).await;
    let token = handed["access_token"].as_str().unwrap();
    let gone = world.ask("DELETE", &account, &Value::Null).await;
    assert_eq!((&gone["ref"], &gone["revocation"]), (&json!(reference), &json!("revoked")), "{gone}");
    assert_eq!((&gone["schema"], &gone["sessions"]), (&json!(1), &json!(0)), "{gone}");
    assert!(!world.provider.is_live(token));
    assert_eq!(world.accounts().await, 0);
    let (status, none) = world.call("DELETE", &account, &Value::Null).await;
    assert_eq!((status, &none["error"]), (404, &json!("no_such_account")), "{none}");
}
