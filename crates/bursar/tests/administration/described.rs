//! The document that describes the API, as the server serves it.

use serde_json::Value;

use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn the_server_serves_the_document_of_the_whole_api_and_every_path_of_its_own_exists() {
    let home = Home::new();
    let mut running = home.start(&["serve", "--listen", "127.0.0.1:0"]);
    let issuer = running.says(|line| line.strip_prefix("its issuer is ").map(str::to_owned)).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.get(format!("{issuer}/v1/openapi.json")).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    let text = answer.text().await.unwrap();
    assert_eq!(text, home.run(&["config", "openapi"]).await.stdout);
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut guarded = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Some(scopes) = operation["security"][0]["access_token"].as_array() else { continue };
            guarded.push(path.as_str());
            let wanted = match method.as_str() {
                _ if path.starts_with("/v1/sandboxes") => "bursar:sandboxes",
                "get" => "bursar:read",
                _ => "bursar:admin",
            };
            assert_eq!(scopes, &[wanted], "{method} {path}");
            let method = method.to_uppercase().parse().unwrap();
            let address = format!("{issuer}{}", path.replace(['{', '}'], ""));
            let answer = http.request(method, address).send().await.unwrap();
            assert_eq!(answer.status(), 401, "{path}");
            let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
            assert!(challenge.contains(wanted), "{path}: {challenge}");
        }
    }
    assert!(guarded.len() >= 21 && guarded.contains(&"/v1/events"), "{guarded:?}");
    // Of both processes: an agent asks for no token, and names no refusal of one.
    let events = &document["paths"]["/v1/events"]["get"];
    assert_eq!(events["security"][1], serde_json::json!({}));
    assert!(events["responses"]["401"].is_object() && events["responses"]["403"].is_object(), "{events}");
}
