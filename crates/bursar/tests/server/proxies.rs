//! Proxies that are named, and neighbours that are not.

use axum::Router;
use axum::routing::get;
use bursar::server::{DoorRules, Limits, Source, TrustedProxies};

use super::client::{exchange, status};
use super::entrance::Open;
use super::world::{Server, client, get as fetch, outer_address};
use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn a_named_proxy_tells_who_calls() {
    let told = async |axum::Extension(source): axum::Extension<Source>| {
        format!("{} {}", source.address, source.is_https)
    };
    let rules = DoorRules {
        is_tls: false,
        proxies: TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()]),
    };
    let open = Open::with(Router::new().route("/", get(told)), Limits::default(), rules, None);
    for (headers, expected) in [
        ("", "127.0.0.1 false"),
        ("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n", "192.0.2.1 true"),
        ("X-Forwarded-For: 203.0.113.9, 192.0.2.1, 10.0.0.3\r\n", "192.0.2.1 false"),
        ("X-Forwarded-For: nobody\r\n", "127.0.0.1 false"),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}Connection: close\r\n\r\n");
        let answer = exchange(&open.address, request.as_bytes()).await;
        assert!(answer.ends_with(&format!("\r\n\r\n{expected}")), "{headers}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_around_the_proxy_learns_its_health_and_nothing_else() {
    let home = Home::new();
    let outer = outer_address();
    assert!(!outer.is_loopback(), "this machine has a network");
    home.write_config(
        "[server]\ntrusted_proxies = [\"192.0.2.1\"]\npublic_url = \"https://auth.example.com\"\n",
    );
    let server = Server::start(&home, &["--listen", &format!("{outer}:0"), "--listen", "127.0.0.1:0"]).await;
    assert_eq!(server.issuer, "https://auth.example.com");
    let (around, inside) = (&server.urls[0], &server.urls[1]);
    assert_eq!(fetch(&format!("{around}/healthz")).await.0, 200);
    let (status_around, text) = fetch(&format!("{around}/nowhere")).await;
    assert_eq!(status_around, 403);
    assert!(text.contains("insecure_transport"), "{text}");
    assert!(text.contains("(reference: "), "{text}");
    let claim =
        client().get(format!("{around}/nowhere")).header("X-Forwarded-Proto", "https").send().await.unwrap();
    assert_eq!(claim.status(), 403, "anybody can write that header");
    assert_eq!(fetch(&format!("{inside}/nowhere")).await.0, 404);
    let odd =
        exchange(server.address(), b"GET //healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&odd), "403", "{odd}");
    assert_eq!(server.stopped().await.code, 0);
}
