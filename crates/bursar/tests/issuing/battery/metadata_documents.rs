//! Clients whose id is the address of their metadata: what is fetched, what is believed, and what is never called.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use serde_json::{Value, json};

use super::planned;
use crate::issuing::browser::{Browser, is_consent};
use crate::issuing::web::{Page, Web};
use crate::issuing::world::{CALLBACK, Known, Plan, World, beside};

const ID: &str = "https://app.test/oauth/client.json";

fn document() -> Value {
    json!({
        "client_id": ID, "client_name": "App", "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
    })
}

fn with(name: &str, value: Value) -> Page {
    let mut document = document();
    document[name] = value;
    Page::json(&document)
}

fn of(id: &str) -> Known {
    Known { id: id.to_owned(), secret: None }
}

/// A world that is not on this machine for all it knows, with this web around it.
async fn in_web(test: impl AsyncFn(World, Web)) {
    let web = Web::default();
    let plan =
        || Plan { issuer: Some("https://as.test"), upstream: Some(Arc::new(web.clone())), ..Plan::default() };
    planned(&plan, async |world: World| {
        web.clear();
        test(world, web.clone()).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_61_addresses_of_the_inside_are_never_called() {
    let plan = || Plan { issuer: Some("https://as.test"), ..Plan::default() };
    planned(&plan, async |world: World| {
        let trap = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = trap.local_addr().unwrap().port();
        let caught = Arc::new(AtomicUsize::new(0));
        let counter = caught.clone();
        beside(async move {
            while trap.accept().await.is_ok() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        for host in [
            "127.0.0.1",
            "127.0.0.2",
            "localhost",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:10.0.0.1]",
            "0.0.0.0",
            "[::]",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "[fc00::1]",
            "[fe80::1]",
            "[64:ff9b::7f00:1]",
            "localhost.",
            "app.localhost",
        ] {
            for scheme in ["https", "http"] {
                let client = of(&format!("{scheme}://{host}:{port}/client.json"));
                Browser::of(&world, "ada").ask(&world.request_of(&client)).await.assert_page();
            }
        }
        assert_eq!(caught.load(Ordering::SeqCst), 0, "called");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_62_a_document_is_believed_when_everything_about_it_is_right() {
    in_web(async |world, web| {
        let long = format!("https://app.test/{}", "x".repeat(6000));
        let text = document().to_string();
        for page in [
            Page::of(302, "application/json", &text).and("location", "https://app.test/other"),
            Page::of(404, "application/json", &text),
            Page::of(206, "application/json", &text),
            Page::of(200, "text/html", &text),
            Page::of(200, "application/json", &text[..60]),
            Page::of(200, "application/json", "[]"),
            Page::of(200, "application/json", &text).and("content-encoding", "gzip"),
            Page::of(200, "application/json", &text.replacen('{', "{\"client_name\":\"x\",", 1)),
            with("client_uri", json!(long)),
            with("client_id", json!("https://app.test/oauth/client.jsoN")),
            with("client_id", json!(format!("{ID}/"))),
            with("client_id", Value::Null),
            with("token_endpoint_auth_method", json!("client_secret_basic")),
            with("client_secret", json!("s")),
            with("jwks", json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "a", "y": "b", "d": "c"}]})),
            with("redirect_uris", json!(["http://app.test/callback"])),
        ] {
            web.put(ID, page.clone());
            Browser::of(&world, "ada").ask(&world.request_of(&of(ID))).await.assert_page();
            web.put(ID, Page::json(&document()));
            world.pass(3);
            let answer = Browser::of(&world, "ada").ask_signed_in(&world.request_of(&of(ID))).await;
            assert!(is_consent(&answer), "remembered {page:?}: {answer:?}");
            assert!(world.server.client(ID).await.unwrap().is_none(), "stored before anybody agrees");
            // Until the good copy is old.
            world.pass(25 * 3600);
        }
        let before = web.calls();
        for id in [
            "https://app.test/oauth/../client.json",
            "https://app.test/./client.json",
            "https://app.test/%2e%2e/client.json",
            "https://app.test/client.json#x",
            "https://user@app.test/client.json",
            "https://user:pass@app.test/client.json",
            "https://app.test",
            "http://app.test/client.json",
            "ftp://app.test/client.json",
        ] {
            Browser::of(&world, "ada").ask(&world.request_of(&of(id))).await.assert_page();
        }
        assert_eq!(web.calls(), before, "never called");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_62_a_crowd_of_first_requests_fetches_once() {
    in_web(async |world, web| {
        web.put(ID, Page::json(&document()));
        let before = web.calls();
        let client = of(ID);
        let browsers: Vec<Browser<'_>> = (0..500).map(|_| Browser::of(&world, "ada")).collect();
        let request = world.request_of(&client);
        let answers = join_all(browsers.iter().map(|browser| browser.ask(&request))).await;
        for answer in answers {
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        assert_eq!(web.calls() - before, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_63_a_document_that_changes_asks_its_users_again() {
    in_web(async |world, web| {
        web.put(ID, Page::json(&document()));
        let browser = Browser::of(&world, "ada");
        let request = world.request_of(&of(ID));
        browser.agree(&request).await.code();
        browser.ask(&request).await.code();
        world.pass(25 * 3600);
        // Where it tells more of itself is nothing to ask about; another name or another address is.
        web.put(ID, with("client_uri", json!("https://app.test/about")));
        browser.ask(&request).await.code();
        world.pass(25 * 3600);
        web.put(ID, with("client_name", json!("Another name")));
        let page = browser.ask(&request).await;
        assert!(is_consent(&page), "{page:?}");
        world.pass(25 * 3600);
        web.put(ID, with("redirect_uris", json!(["http://127.0.0.1/callback", "https://new.test/callback"])));
        let page = browser.ask(&request).await;
        assert!(is_consent(&page), "{page:?}");
        browser.decide(&page, "allow").await.code();
        world.pass(25 * 3600);
        web.put(ID, with("redirect_uris", json!(["https://new.test/callback"])));
        browser.ask(&request).await.assert_page();
        let moved = request.with("redirect_uri", "https://new.test/callback");
        let page = browser.ask_signed_in(&moved).await;
        assert!(is_consent(&page), "{page:?}");
        assert!(!page.text.contains(CALLBACK));
    })
    .await;
}
