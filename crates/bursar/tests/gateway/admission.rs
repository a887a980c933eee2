//! Who gets through: tokens in every place tools put them, names, pages, and other users of the machine.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;

use super::client::{exchange, status};
use super::upstream::Upstream;
use super::world::{World, add_token, refusal, route};
use crate::support::ended;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_forwarded_without_a_gateway_token() {
    let upstream = Upstream::agreeable().await;
    let world = World::before(&upstream).await;
    let account_token = world.account_token().await;
    let url = world.api("/user");
    let request = || world.client.get(&url);
    for refused in [
        request(),
        request().bearer_auth("bgw_wrong"),
        request().bearer_auth(&account_token),
        request().bearer_auth(""),
        request().bearer_auth(format!("{}x", world.token)),
        request().header("cookie", format!("token={}", world.token)),
        world.client.get(format!("{url}?access_token={}", world.token)),
        request().header("authorization", &world.token),
    ] {
        let answer = refused.send().await.unwrap();
        assert!(
            answer
                .headers()
                .get_all("www-authenticate")
                .iter()
                .any(|value| value.as_bytes().starts_with(b"Bearer"))
        );
        assert_eq!(refusal(answer).await, (401, "unauthorized".to_owned()));
    }
    assert!(upstream.arrivals().is_empty(), "{:?}", upstream.arrivals());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_wherever_a_tool_can_put_it() {
    let upstream = Upstream::agreeable().await;
    let world = World::before(&upstream).await;
    let account_token = world.account_token().await;
    let basic = format!("Basic {}", STANDARD.encode(format!("anybody:{}", world.token)));
    let bearer = format!("bEARER {}", world.token);
    for (name, value) in [
        ("authorization", bearer.as_str()),
        ("authorization", basic.as_str()),
        ("x-api-key", world.token.as_str()),
        ("x-bursar-token", world.token.as_str()),
    ] {
        let answer = world.client.get(world.api("/user")).header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
    }
    for arrival in upstream.arrivals() {
        assert_eq!(arrival.headers["authorization"], format!("Bearer {account_token}"));
        assert!(!format!("{arrival:?}").contains(&world.token), "{arrival:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_its_own_routes_and_tells_nothing_of_others() {
    let upstream = Upstream::agreeable().await;
    let config = format!("{}{}", route("api", &upstream.url("")), route("other", &upstream.url("")));
    let world = World::with(&config).await;
    let limited = add_token(&world.home, &["limited", "--route", "other"]).await;
    let ask = |route: &str, token: &str| {
        world.client.get(format!("{}/gateway/{route}/x", world.url)).bearer_auth(token).send()
    };
    assert_eq!(ask("other", &limited).await.unwrap().status(), 200);
    assert_eq!(refusal(ask("api", &limited).await.unwrap()).await, (403, "route_refused".to_owned()));
    assert_eq!(refusal(ask("none", &limited).await.unwrap()).await, (403, "route_refused".to_owned()));
    assert_eq!(refusal(ask("none", &world.token).await.unwrap()).await, (404, "unknown_route".to_owned()));
    let elsewhere = world.client.get(format!("{}/v1/accounts", world.url)).bearer_auth(&world.token).send();
    assert_eq!(refusal(elsewhere.await.unwrap()).await, (404, "unknown_route".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_token_is_refused_within_a_second() {
    let upstream = Upstream::agreeable().await;
    let world = World::before(&upstream).await;
    assert_eq!(world.get("/x").send().await.unwrap().status(), 200);
    let removed = world.home.run(&["gateway", "token", "remove", "tests"]).await;
    assert_eq!(removed.code, 0, "{removed}");
    let refused = async { while world.get("/x").send().await.unwrap().status() != 401 {} };
    tokio::time::timeout(Duration::from_secs(1), refused).await.expect("refused at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_ours_is_refused() {
    let upstream = Upstream::agreeable().await;
    let config = format!("[gateway]\nhosts = [\"gateway.test\"]\n{}", route("api", &upstream.url("")));
    let world = World::with(&config).await;
    let port = world.address().rsplit_once(':').unwrap().1.to_owned();
    for (host, answer) in [
        (format!("127.0.0.1:{port}"), "200"),
        (format!("[::1]:{port}"), "200"),
        (format!("localhost:{port}"), "200"),
        ("gateway.test".to_owned(), "200"),
        (format!("rebound.attacker.test:{port}"), "421"),
        ("127.0.0.1".to_owned(), "421"),
        ("127.0.0.1:1".to_owned(), "421"),
        (String::new(), "421"),
    ] {
        let request = format!(
            "GET /gateway/api/x HTTP/1.1\r\nHost: {host}\r\nX-Bursar-Token: {}\r\nConnection: close\r\n\r\n",
            world.token
        );
        assert_eq!(status(&exchange(world.address(), request.as_bytes()).await), answer, "{host}");
    }
    assert_eq!(upstream.arrivals().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_must_be_listed_to_send_or_read_anything() {
    let upstream = Upstream::answering(|_| {
        let mut answer = axum::response::Response::new("ok".into());
        answer.headers_mut().insert("access-control-allow-origin", "*".parse().unwrap());
        answer
    })
    .await;
    let config = format!("[gateway]\norigins = [\"https://app.test\"]\n{}", route("api", &upstream.url("")));
    let world = World::with(&config).await;
    for origin in ["https://evil.test", "null", "http://app.test"] {
        let answer = world.get("/x").header("origin", origin).send().await.unwrap();
        assert!(answer.headers().get("access-control-allow-origin").is_none());
        assert_eq!(refusal(answer).await, (403, "origin_refused".to_owned()), "{origin}");
        let question = world.client.request(Method::OPTIONS, world.api("/x")).header("origin", origin);
        let question = question.header("access-control-request-method", "POST").send().await.unwrap();
        assert_eq!(question.status(), 403, "{origin}");
    }
    assert!(upstream.arrivals().is_empty());

    let question =
        world.client.request(Method::OPTIONS, world.api("/x")).header("origin", "https://app.test");
    let question = question
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization, content-type")
        .send()
        .await
        .unwrap();
    assert_eq!(question.status(), 204);
    assert_eq!(question.headers()["access-control-allow-origin"], "https://app.test");
    assert_eq!(question.headers()["access-control-allow-headers"], "authorization, content-type");
    assert!(upstream.arrivals().is_empty(), "the gateway answers that itself");

    let answer = world.get("/x").header("origin", "https://app.test").send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.test");
    assert!(upstream.arrival().headers.get("origin").is_none());
    let without = world.get("/x").send().await.unwrap();
    assert!(
        without.headers().get("access-control-allow-origin").is_none(),
        "the upstream's word is not ours"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_of_the_machine_gets_nothing() {
    let upstream = Upstream::agreeable().await;
    let world = World::before(&upstream).await;
    let curl = |arguments: &[&str]| {
        let mut command = tokio::process::Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "curl", "--silent", "--noproxy", "*"])
            .args(arguments)
            .arg("--write-out")
            .arg(" %{http_code}")
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/");
        command
    };
    let refused = ended(&mut curl(&[&world.api("/user")])).await;
    assert!(refused.stdout.ends_with(" 401"), "{refused}");
    let database = world.home.path().join("bursar.db");
    let stolen = ended(&mut curl(&[&format!("file://{}", database.display())])).await;
    assert_ne!(stolen.code, 0, "the store is not theirs to read: {stolen}");
    assert!(upstream.arrivals().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_reaches_the_upstream_through_it() {
    let upstream = Upstream::agreeable().await;
    let world = World::before(&upstream).await;
    let answer = ended(
        tokio::process::Command::new("curl")
            .args(["--silent", "--fail", "--noproxy", "*", "--data", "a=b", "--header"])
            .arg(format!("Authorization: Bearer {}", world.token))
            .arg(world.api("/v1/things?page=2&q=a%20b"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin"),
    )
    .await;
    assert_eq!((answer.code, answer.stdout.as_str()), (0, "ok"), "{answer}");
    let arrival = upstream.arrival();
    assert_eq!((arrival.method, arrival.body.as_str()), (Method::POST, "a=b"));
    assert_eq!(arrival.target, "/v1/things?page=2&q=a%20b");
}
