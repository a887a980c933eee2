//! Requests that make no login, and answers that complete none: told by word, sentence and hint, with nothing stored.

use std::fmt::Write as _;

use misbehaving_provider::PUBLIC_CLIENT;
use serde_json::{Value, json};

use super::{World, place};
use crate::support::{FILTERS, redirect_of};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named_as_a_member_of_the_request() {
    let world = World::new().await;
    let issuer = world.provider.issuer();
    world.provider.change(|behaviour| behaviour.registration = false);
    let table = [
        json!({}),
        json!({"target": "github", "way": "telepathy"}),
        json!({"target": "github", "way": "device", "client_secret_file": "/etc/passwd"}),
        json!({"target": "gihtub", "way": "device"}),
        json!({"target": "http://example.com", "way": "device"}),
        json!({"target": issuer, "way": "paste"}),
        json!({"target": issuer, "way": "paste", "client_id": PUBLIC_CLIENT, "as": "a:b"}),
        json!({"target": issuer, "way": "paste", "client_id": PUBLIC_CLIENT, "scopes": ["a\"b"]}),
        json!({"target": issuer, "way": "paste", "client_id": PUBLIC_CLIENT, "resource": ["somewhere"]}),
        json!({"target": issuer, "way": "paste", "client_id": PUBLIC_CLIENT, "variables": {"tenant": "x"}}),
        json!({"target": "gitlab", "way": "device", "client_id": "app", "variables": {"host": "a/b"}}),
        json!({"target": "google", "way": "device", "client_id": "app", "scopes": ["https://mail.google.com/"]}),
        json!({"target": "paged", "way": "browser"}),
    ];
    let mut told = String::new();
    for request in table {
        let (status, refused) = world.call("POST", "/v1/logins", &request).await;
        let line = |member: &str| refused[member].as_str().unwrap_or("-").to_owned();
        writeln!(told, "{status} {}: {}\n    {}", line("error"), line("message"), line("hint")).unwrap();
    }
    let mut filters = FILTERS.to_vec();
    filters.push((r"127\.0\.0\.1-\d+", "127.0.0.1-[PORT]"));
    insta::with_settings!({filters => filters}, { insta::assert_snapshot!(told, @r#"
    400 usage: the request's JSON is not as described, at line 1, column 2
        see /v1/openapi.json
    400 usage: the request's JSON is not as described, at line 1, column 36
        see /v1/openapi.json
    400 usage: the request's JSON is not as described, at line 1, column 54
        see /v1/openapi.json
    400 usage: unknown provider 'gihtub'
        did you mean `github`? any other issuer works by its URL
    400 usage: `http://example.com`: must start with https:// (http:// is for localhost, 127.0.0.1 and [::1] only)
        name a provider of the catalogue, or an issuer as `https://HOST`
    400 usage: there is no client id for 127.0.0.1-[PORT]
        register a native app at 127.0.0.1-[PORT], then give its id as `client_id`
    400 usage: `a:b` cannot be a nickname: use 1 to 50 characters without whitespace, `:` or `/`
        give `as` a name without spaces, `:` and `/`, or leave it out
    400 usage: a scope must not contain '"'
        give `scopes` one scope an element
    400 usage: `somewhere`: not an absolute URL such as https://auth.example.com
        give `resource` absolute URLs
    400 usage: http://127.0.0.1:[PORT] has no variable `tenant`
        leave `variables` out
    400 usage: the value of `host` is not acceptable: it is a host name, such as `gitlab.example.com`
        give the members of `variables` the names and forms the provider wants
    400 usage: Google does not give https://mail.google.com/ to a login with a code
        choose another way; with a code it gives: openid, email, profile, https://www.googleapis.com/auth/drive.appdata, https://www.googleapis.com/auth/drive.file, https://www.googleapis.com/auth/youtube, https://www.googleapis.com/auth/youtube.readonly
    400 usage: Paged shows its answer on a page of its own
        choose the way `paste`
    "#); });
    assert_eq!(world.ask("GET", "/v1/logins", &Value::Null).await, json!([]));
    let pasted = json!({"target": "paged", "way": "paste"});
    let login = world.ask("POST", "/v1/logins", &pasted).await;
    let url = url::Url::parse(login["url"].as_str().unwrap()).unwrap();
    let redirect = url.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
    assert_eq!(redirect, "https://paged.example/code", "the provider's own page, as its entry says");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_another_login_fails_this_one_and_stores_nothing() {
    let world = World::new().await;
    let (one, other) = (world.begin("paste", &Value::Null).await, world.begin("paste", &Value::Null).await);
    let foreign = redirect_of(other["url"].as_str().unwrap()).await;
    let answer = json!({"redirect_url": foreign});
    let ended = world.ask("POST", &format!("{}/answer", place(&one)), &answer).await;
    assert_eq!(ended["state"], "failed", "{ended}");
    assert_eq!(ended["error"]["error"], "login_required", "{ended}");
    let code = url::Url::parse(&foreign).unwrap();
    let code = code.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    assert!(!ended.to_string().contains(&code), "{ended}");
    assert_eq!(world.accounts().await, 0);
    // The other one goes on.
    let ended = world.ask("POST", &format!("{}/answer", place(&other)), &answer).await;
    assert_eq!(ended["state"], "done", "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_with_a_code_takes_no_answer_and_unknown_logins_are_told() {
    let world = World::new().await;
    let login = world.begin("device", &Value::Null).await;
    let answer = json!({"redirect_url": "code=1&state=2"});
    let (status, refused) = world.call("POST", &format!("{}/answer", place(&login)), &answer).await;
    assert_eq!((status, &refused["error"]), (400, &json!("usage")), "{refused}");
    let (status, refused) = world.call("POST", "/v1/logins/never-begun/answer", &answer).await;
    assert_eq!((status, &refused["error"]), (404, &json!("no_such_login")), "{refused}");
    let (status, refused) = world.call("GET", &format!("{}?wait=soon", place(&login)), &Value::Null).await;
    assert_eq!((status, &refused["error"]), (400, &json!("usage")), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_told_as_one() {
    let world = World::new().await;
    let request = json!({"target": "http://127.0.0.1:9", "way": "paste", "client_id": PUBLIC_CLIENT});
    let (status, refused) = world.call("POST", "/v1/logins", &request).await;
    assert_eq!((status, &refused["error"]), (503, &json!("unavailable")), "{refused}");
}
