//! The API on the socket: what it answers, and how it refuses.

use serde_json::{Value, json};

use super::raw::{ask, connect, exchange};
use super::running::Agent;
use super::world::{World, with_keys};
use crate::support::Home;

async fn token(home: &Home, account: &str, body: &Value) -> super::raw::Answer {
    ask(home, "POST", &format!("/v1/accounts/{account}/token"), &body.to_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_listed_as_the_command_lists_them() {
    let world = World::new().await;
    world.home.login(&world.provider, "play").await.succeeded();
    let _agent = Agent::start(&world.home).await;
    let without_time = |mut accounts: Value| {
        for account in accounts.as_array_mut().unwrap() {
            account.as_object_mut().unwrap().retain(|key, _| !key.contains("left"));
        }
        accounts
    };
    let listed = world.home.run(&["list", "--json"]).await.succeeded();
    let listed = without_time(serde_json::from_str(&listed.stdout).unwrap());
    let all = ask(&world.home, "GET", "/v1/accounts", "").await.succeeded();
    assert_eq!(without_time(all), listed);
    let one = ask(&world.home, "GET", "/v1/accounts/work", "").await.succeeded();
    assert_eq!(without_time(one)[0]["ref"], world.work);
    let refused = ask(&world.home, "GET", "/v1/accounts/nobody", "").await;
    assert_eq!(refused.refused(404), "no_such_account");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_as_it_is_asked_for() {
    let world = World::new().await;
    let _agent = Agent::start(&world.home).await;
    let first = token(&world.home, "work", &json!({})).await.succeeded();
    let text = first["access_token"].as_str().unwrap();
    assert!(world.provider.is_live(text));
    assert_eq!((&first["ref"], &first["account"]), (&json!(world.work), &json!("work")));
    assert!((3590..=3600).contains(&first["seconds_left"].as_i64().unwrap()), "{first}");
    for body in [json!({ "wait": 0 }), json!({ "min_valid": 60 }), json!({ "rejected": "another" })] {
        let same = token(&world.home, "work", &body).await.succeeded();
        assert_eq!(same["access_token"], text, "{body}: the stored one serves");
    }
    assert_eq!(world.provider.refreshes(), 0);

    let second = token(&world.home, "work", &json!({ "rejected": text })).await.succeeded();
    assert_ne!(second["access_token"], text);
    let fingerprint = fingerprint(second["access_token"].as_str().unwrap());
    let third = token(&world.home, "work", &json!({ "rejected_fingerprint": fingerprint })).await.succeeded();
    assert_ne!(third["access_token"], second["access_token"]);
    let again = token(&world.home, "work", &json!({ "rejected": text })).await.succeeded();
    assert_eq!(again["access_token"], third["access_token"], "it is another one already");
    assert_eq!((world.provider.refreshes(), world.provider.reuse_detected()), (2, 0));

    world.provider.stop().await;
    let unavailable = token(&world.home, "work", &json!({ "min_valid": 3_600, "wait": 0 })).await;
    assert!(matches!(unavailable.status, 200 | 503), "{unavailable:?}");
    let unchecked = token(&world.home, "work", &json!({ "unchecked": true })).await.succeeded();
    assert_eq!(unchecked["access_token"], third["access_token"]);
    let refused = ask(&world.home, "POST", "/v1/accounts/work/refresh", "{}").await;
    assert_eq!(refused.refused(503), "unavailable");
    assert!(refused.head.contains("retry-after:"), "{refused:?}");
}

/// The first 128 bits of the SHA-256, in base64url.
fn fingerprint(token: &str) -> String {
    bursar_core::secret::Secret::new(token).fingerprint().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_served_is_refused_in_words_that_repeat_nothing() {
    let home = with_keys(1).await;
    let _agent = Agent::start(&home).await;
    let place = "/v1/accounts/gitlab:ci0/token";
    let secret = "hunter2-hunter2";
    let deep = "[".repeat(50_000);
    let large = format!("{{\"rejected\":\"{}\"}}", secret.repeat(10_000));
    let table = [
        ("POST", "/v1/accounts/nobody/token", "{}", 404, "no_such_account"),
        ("GET", "/v1/accounts/hunter2-hunter2", "", 404, "no_such_account"),
        ("GET", "/v1/hunter2-hunter2", "", 404, "unknown_route"),
        ("GET", "/", "", 404, "unknown_route"),
        ("GET", "/v1/accounts/", "", 404, "unknown_route"),
        ("GET", "/v1/accounts/gitlab:ci0/../../agent", "", 404, "unknown_route"),
        ("GET", place, "", 405, "unknown_route"),
        ("DELETE", "/v1/accounts", "", 405, "unknown_route"),
        ("TRACE", "/v1/agent", "", 405, "unknown_route"),
        ("POST", place, "{\"rejected\":\"hunter2-hunter2\"", 400, "usage"),
        ("POST", place, "hunter2-hunter2", 400, "usage"),
        ("POST", place, "{\"hunter2-hunter2\":1}", 400, "usage"),
        ("POST", place, "{\"wait\":\"hunter2-hunter2\"}", 400, "usage"),
        ("POST", place, "{\"wait\":-1}", 400, "usage"),
        ("POST", place, "{\"min_valid\":99999999999999999999}", 400, "usage"),
        ("POST", place, "{\"rejected_fingerprint\":\"hunter2-hunter2\"}", 400, "usage"),
        ("POST", place, "[]", 400, "usage"),
        ("POST", place, "\u{feff}{}", 400, "usage"),
        ("POST", place, &deep, 400, "usage"),
        ("POST", place, &large, 413, "usage"),
        ("POST", "/v1/accounts/%ff%fe/token", "{}", 400, "usage"),
        ("GET", "/v1/events?after=hunter2-hunter2", "", 400, "usage"),
        ("POST", "/v1/vault/unlock", "{\"master_key\":\"hunter2-hunter2\"}", 400, "usage"),
        ("POST", "/v1/sessions", "{\"accounts\":[],\"label\":\"x\"}", 400, "usage"),
        ("PUT", "/v1/sessions/none", "{\"seconds\":1}", 404, "no_such_session"),
        ("DELETE", "/v1/sessions/none", "", 404, "no_such_session"),
    ];
    for (method, target, body, status, word) in table {
        let what = format!("{method} {target} {}", &body[..body.len().min(60)]);
        let refused = ask(&home, method, target, body).await;
        assert_eq!(refused.status, status, "{what}: {refused:?}");
        assert_eq!(refused.json()["error"], word, "{what}: {refused:?}");
        // The account that was asked for is named; nothing else is.
        let named = target.starts_with("/v1/accounts/hunter2");
        assert!(named || !format!("{refused:?}").contains("hunter2"), "{what}: {refused:?}");
    }
    let huge = token(&home, "gitlab:ci0", &json!({ "min_valid": u32::MAX, "wait": u32::MAX })).await;
    assert_eq!(huge.succeeded()["access_token"], "glpat-never-print-me-0", "a key has no end");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_requests_on_one_connection_are_answered_in_their_order() {
    let home = with_keys(1).await;
    let _agent = Agent::start(&home).await;
    let requests = b"GET /healthz HTTP/1.1\r\nHost: b\r\n\r\n\
        POST /v1/accounts/gitlab:ci0/token HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\n{}\
        GET /nowhere HTTP/1.1\r\nHost: b\r\n\r\n\
        GET /v1/sessions HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n";
    let answers = exchange(&home, requests).await;
    let text = String::from_utf8(answers).unwrap();
    let statuses: Vec<&str> =
        text.split("HTTP/1.1 ").skip(1).map(|answer| answer.split(' ').next().unwrap()).collect();
    assert_eq!(statuses, ["200", "200", "404", "200"], "{text}");
    assert!(text.find("glpat-never").unwrap() < text.find("unknown_route").unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_served_and_every_path_in_it_exists() {
    let home = with_keys(1).await;
    let mut agent = Agent::start(&home).await;
    let served = ask(&home, "GET", "/v1/openapi.json", "").await;
    assert_eq!(served.body.trim_end(), bursar::http::openapi().trim_end());
    let document = served.succeeded();
    let mut documented = 0;
    let stop = ("/v1/agent/stop".to_owned(), "post".to_owned());
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            // The others are the server's.
            if !operation["security"].is_null() || path == "/v1/first-administrator" {
                continue;
            }
            documented += 1;
            if (path, method) == (&stop.0, &stop.1) {
                continue;
            }
            let target = path.replace("{account}", "gitlab:ci0").replace("{id}", "none");
            let method = method.to_uppercase();
            if path == "/v1/events" {
                let head = first_bytes(&home, &format!("{method} {target}")).await;
                assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
                continue;
            }
            let answer = ask(&home, &method, &target, "").await;
            assert_ne!(answer.status, 405, "{method} {path}");
            let unknown = answer.status == 404 && answer.json()["error"] == "unknown_route";
            assert!(!unknown, "{method} {path}");
        }
    }
    assert!(documented >= 12, "{documented}");
    assert_eq!(ask(&home, "POST", &stop.0, "").await.status, 202);
    assert_eq!(agent.ended().await, 0);
}

/// The beginning of an answer that does not end.
async fn first_bytes(home: &Home, line: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = connect(home).await;
    stream.write_all(format!("{line} HTTP/1.1\r\nHost: b\r\n\r\n").as_bytes()).await.unwrap();
    let mut bytes = [0; 32];
    stream.read_exact(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_about_folders_or_variables_is_never_guessed_for_a_caller_who_does_not_say() {
    let home = with_keys(2).await;
    home.write_config(
        "[[rules]]\naccount = \"gitlab:ci1\"\ndirectory = \"/usr\"\n\
         [[rules]]\naccount = \"gitlab:ci0\"\nenvironment = \"TEAM=blue\"\n",
    );
    let _agent = Agent::start(&home).await;
    let chosen = async |body: Value| token(&home, "gitlab", &body).await;
    let silent = chosen(json!({})).await;
    assert_eq!(silent.refused(400), "usage");
    let in_folder = chosen(json!({ "directory": "/usr/bin" })).await.succeeded();
    assert_eq!(in_folder["account"], "ci1");
    let half = chosen(json!({ "directory": "/etc" })).await;
    assert_eq!(half.refused(400), "usage", "whether TEAM is set is not known");
    let blue = json!({ "directory": "/etc", "environment": { "TEAM": "blue" } });
    assert_eq!(chosen(blue).await.succeeded()["account"], "ci0");
    let named = json!({ "directory": "/usr", "environment": { "BURSAR_ACCOUNT_GITLAB": "ci0" } });
    assert_eq!(chosen(named).await.succeeded()["account"], "ci0", "the caller's own choice comes first");
    let neither = chosen(json!({ "directory": "/etc", "environment": { "TEAM": null } })).await;
    assert_eq!(neither.refused(400), "usage", "two fit");
}
