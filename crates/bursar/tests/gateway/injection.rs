//! What crosses the gateway, and how the token is carried.

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::client::exchange;
use super::upstream::Upstream;
use super::world::{World, route};

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_sees_the_accounts_token_and_nothing_of_the_callers_rights() {
    let upstream = Upstream::agreeable().await;
    let world = World::before(&upstream).await;
    let request = format!(
        "POST /gateway/api/v1/x HTTP/1.1\r\nHost: {}\r\nAUTHORIZATION: Bearer {}\r\nProxy-Authorization: Basic eDp5\r\n\
         X-API-Key: mine\r\nCookie: a=b\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n\
         Forwarded: for=10.0.0.1\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Host: evil.test\r\nX-Real-IP: 10.0.0.1\r\n\
         Referer: http://127.0.0.1/secret\r\nAccept: text/plain\r\nContent-Length: 5\r\nUser-Agent: tool/1\r\n\r\nhello",
        world.address(),
        world.token
    );
    let answer = exchange(world.address(), request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let arrival = upstream.arrival();
    let mut names: Vec<&str> = arrival.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "authorization", "content-length", "host", "user-agent"]);
    assert_eq!(arrival.headers["authorization"], format!("Bearer {}", world.account_token().await));
    assert_eq!(arrival.headers["host"], upstream.address.to_string());
    assert_eq!((arrival.target.as_str(), arrival.body.as_str()), ("/v1/x", "hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_a_parameter_or_a_password_carries_the_token() {
    let upstream = Upstream::agreeable().await;
    let to = upstream.url("/base");
    let config = [
        route("header", &to) + "name = \"PRIVATE-TOKEN\"\n",
        route("templated", &to) + "template = \"token {token}!\"\n",
        route("query", &to) + "inject = \"query\"\nname = \"access_token\"\n",
        route("basic", &to) + "inject = \"basic\"\nname = \"x-access-token\"\n",
    ]
    .concat();
    let world = World::with(&config).await;
    let token = world.account_token().await;
    for name in ["header", "templated", "query", "basic"] {
        let url = format!("{}/gateway/{name}/x?q=1&Access_Token=mine", world.url);
        let request = world.client.get(url).header("x-bursar-token", &world.token);
        let answer =
            request.header("private-token", "mine").header("authorization", "mine").send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let arrivals = upstream.arrivals();
    assert_eq!(arrivals[0].headers["private-token"], token);
    assert!(arrivals[0].headers.get("authorization").is_none());
    assert_eq!(arrivals[1].headers["authorization"], format!("token {token}!"));
    assert_eq!(arrivals[2].target, format!("/base/x?q=1&access_token={token}"));
    assert!(arrivals[2].headers.get("authorization").is_none());
    let pair = STANDARD.encode(format!("x-access-token:{token}"));
    assert_eq!(arrivals[3].headers["authorization"], format!("Basic {pair}"));
    assert_eq!(arrivals[3].target, "/base/x?q=1&Access_Token=mine", "not this route's parameter");
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_passed_back_and_lead_through_the_route_again_if_they_stay_inside() {
    let upstream = Upstream::answering(|arrival| {
        let host = arrival.headers["host"].to_str().unwrap();
        let location = match arrival.target.as_str() {
            "/base/relative" => "next".to_owned(),
            "/base/inside" => format!("http://{host}/base/next?a=b"),
            "/base/rooted" => "/base/next".to_owned(),
            "/base/above" => "/login".to_owned(),
            "/base/beside" => "/basement".to_owned(),
            _ => "https://elsewhere.test/x".to_owned(),
        };
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = http::StatusCode::FOUND;
        answer.headers_mut().insert("location", location.parse().unwrap());
        answer.headers_mut().insert("set-cookie", "session=1".parse().unwrap());
        answer
    })
    .await;
    let world = World::with(&route("api", &upstream.url("/base"))).await;
    for (path, location) in [
        ("/relative", "next".to_owned()),
        ("/inside", "/gateway/api/next?a=b".to_owned()),
        ("/rooted", "/gateway/api/next".to_owned()),
        ("/above", upstream.url("/login")),
        ("/beside", upstream.url("/basement")),
        ("/outside", "https://elsewhere.test/x".to_owned()),
    ] {
        let answer = world.get(path).send().await.unwrap();
        assert_eq!(answer.status(), 302);
        assert_eq!(answer.headers()["location"], location, "{path}");
        assert!(answer.headers().get("set-cookie").is_none());
    }
    assert_eq!(upstream.arrivals().len(), 6, "nobody followed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_keeps_its_account_when_the_default_changes() {
    let upstream = Upstream::agreeable().await;
    let world = World::with("[gateway.routes.none]\naccount = \"x\"\n").await;
    let provider_name = {
        let list = world.home.run(&["list", "--json"]).await;
        let accounts: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
        accounts[0]["provider"].as_str().unwrap().to_owned()
    };
    let World { home, provider, token, .. } = world;
    let login = home.login(&provider, "second").await;
    assert_eq!(login.code, 0, "{login}");
    let default = |account: &str| format!("{provider_name}:{account}");
    let chosen = home.run(&["use", &default("work")]).await;
    assert_eq!(chosen.code, 0, "{chosen}");
    home.write_config(&route("api", &upstream.url("")).replace("\"work\"", &format!("\"{provider_name}\"")));
    let mut gateway = home.start(&["gateway", "--listen", "127.0.0.1:0"]);
    let url = super::world::address(&mut gateway).await;
    let client = super::world::client();
    let ask = || client.get(format!("{url}/gateway/api/x")).bearer_auth(&token).send();
    assert_eq!(ask().await.unwrap().status(), 200);
    let chosen = home.run(&["use", &default("second")]).await;
    assert_eq!(chosen.code, 0, "{chosen}");
    assert_eq!(ask().await.unwrap().status(), 200);
    let arrivals = upstream.arrivals();
    assert_eq!(arrivals[0].headers["authorization"], arrivals[1].headers["authorization"]);
}
