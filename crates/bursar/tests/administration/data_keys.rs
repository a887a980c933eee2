//! `/v1/vault`: new data keys over the line, which the server itself brings to their end.

use std::time::Duration;

use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::over_http::World;

#[tokio::test(flavor = "multi_thread")]
async fn new_data_keys_are_asked_for_over_the_line_and_the_server_goes_on_with_them() {
    let world = World::start().await;
    let (admin, reader) = (world.token("bursar:admin").await, world.token("bursar:read").await);
    let show = async || world.send(Method::GET, "/v1/vault", &reader, None).await;
    let (status, vault) = show().await;
    assert_eq!((status, &vault["data_key"], &vault["changes"]), (200, &1.into(), &json!([])));

    let rekey = async |token: &str, body| world.send(Method::POST, "/v1/vault/rekey", token, body).await;
    assert_eq!(rekey(&reader, None).await.0, 403);
    for wrong in [json!({ "keep_old": "soon" }), json!({ "rate": 5 })] {
        let (status, refused) = rekey(&admin, Some(wrong)).await;
        assert_eq!((status, &refused["error"]), (400, &"usage".into()));
    }
    assert_eq!(show().await.1["changes"], json!([]), "nothing was begun");
    let (status, begun) = rekey(&admin, Some(json!({ "keep_old": "2h" }))).await;
    assert_eq!(status, 202, "{begun}");
    let change = &begun["changes"][0];
    assert_eq!((&change["sandbox"], &change["from"], &change["to"]), (&Value::Null, &1.into(), &2.into()));
    assert_eq!((&change["state"], &change["old_key_until"]), (&"announced".into(), &Value::Null));
    let (status, again) = rekey(&admin, None).await;
    assert_eq!(
        (status, &again["changes"][0]["began_at"]),
        (202, &change["began_at"]),
        "there is one at a time"
    );

    let sealed = loop {
        let (_, vault) = show().await;
        if vault["changes"][0]["state"] == "kept" {
            break vault;
        }
        SystemClock.sleep(Duration::from_millis(100)).await;
    };
    assert_eq!((&sealed["data_key"], &sealed["changes"][0]["held_back"]), (&2.into(), &0.into()));
    assert!(sealed["changes"][0]["resealed"].as_u64().unwrap() > 0, "{sealed}");
    // Tokens from before count as they did.
    assert_eq!(world.send(Method::GET, "/v1/clients", &admin, None).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_of_a_sandbox_knows_nothing_of_the_keys_of_the_installation() {
    let world = World::start().await;
    super::world::done(&world.home, &["sandbox", "new", "tenant"]).await;
    let admin = world.token("bursar:admin").await;
    for (method, path) in [(Method::GET, "/s/tenant/v1/vault"), (Method::POST, "/s/tenant/v1/vault/rekey")] {
        assert_eq!(world.send(method, path, &admin, None).await.0, 404, "{path}");
    }
    let (_, vault) = world.send(Method::GET, "/v1/vault", &admin, None).await;
    assert_eq!(vault["changes"], json!([]));
}
