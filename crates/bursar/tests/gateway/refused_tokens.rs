//! When the upstream refuses a token: one refresh, one repetition, and never a second.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures::future::join_all;
use misbehaving_provider::{Behaviour, MisbehavingProvider};

use super::upstream::Upstream;
use super::world::{World, route};

/// A gateway whose upstream is the provider's own resource, which knows live tokens from dead ones.
async fn before_resource() -> World {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let config = route("api", &provider.issuer());
    World::at(provider, &config).await
}

fn unauthorized() -> Response {
    let mut answer = Response::new(Body::from("no"));
    *answer.status_mut() = http::StatusCode::UNAUTHORIZED;
    answer.headers_mut().insert("www-authenticate", "Bearer error=\"invalid_token\"".parse().unwrap());
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_refusals_at_once_cause_one_refresh_and_sixty_four_successes() {
    let world = before_resource().await;
    assert_eq!(world.get("/resource").send().await.unwrap().status(), 200);
    // The tokens end at the provider, and nobody here knows.
    world.provider.advance(Duration::from_hours(3));
    let answers = join_all((0..64).map(|_| world.get("/resource").send())).await;
    for answer in answers {
        assert_eq!(answer.unwrap().status(), 200);
    }
    assert_eq!(world.provider.refreshes(), 1);
    assert_eq!(world.provider.refresh_successes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_repeated_once_with_its_whole_body() {
    let upstream = Upstream::answering(|arrival| {
        if arrival.headers.contains_key("x-again") { unauthorized() } else { Response::new(Body::from("ok")) }
    })
    .await;
    let world = World::before(&upstream).await;
    let answer = world.post("/x", "hello").header("x-again", "1").send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()["www-authenticate"], "Bearer error=\"invalid_token\"");
    let arrivals = upstream.arrivals();
    assert_eq!(arrivals.len(), 2, "once more, and no more");
    assert!(arrivals.iter().all(|arrival| arrival.body == "hello"));
    assert_ne!(arrivals[0].headers["authorization"], arrivals[1].headers["authorization"]);
    assert_eq!(world.provider.refreshes(), 1);
    // A fresh token was refused as well: the upstream means something else, and refreshing again would not help.
    for _ in 0..5 {
        assert_eq!(world.post("/x", "hello").header("x-again", "1").send().await.unwrap().status(), 401);
    }
    assert_eq!((upstream.arrivals().len(), world.provider.refreshes()), (7, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_was_not_kept_is_never_sent_twice_but_the_next_request_has_a_new_token() {
    let world = {
        let provider = MisbehavingProvider::start(Behaviour::default()).await;
        let upstream = Upstream::answering(|_| unauthorized()).await;
        let config = format!("{}{}", route("api", &upstream.url("")), route("resource", &provider.issuer()));
        (World::at(provider, &config).await, upstream)
    };
    let (world, upstream) = world;
    let before = world.account_token().await;
    let large = world.post("/x", vec![b'a'; 1024 * 1024 + 1]).send().await.unwrap();
    assert_eq!(large.status(), 401);
    assert_eq!(upstream.arrival().body.len(), 1024 * 1024 + 1);
    assert_eq!(world.provider.refreshes(), 1);
    assert_ne!(world.account_token().await, before);
    // An upstream that refuses every large body does not make a refresh of each.
    for _ in 0..5 {
        assert_eq!(world.post("/x", vec![b'a'; 1024 * 1024 + 1]).send().await.unwrap().status(), 401);
    }
    assert_eq!((upstream.arrivals().len(), world.provider.refreshes()), (6, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_passed_on_when_no_other_token_can_be_had() {
    let world = before_resource().await;
    let token = world.account_token().await;
    assert!(world.provider.revoke(&token));
    let answer = world.get("/resource").send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(
        answer.headers()["www-authenticate"].to_str().unwrap().contains("invalid_token"),
        "the upstream's own words"
    );
    // From now on the account itself says what is needed.
    let later = world.get("/resource").send().await.unwrap();
    assert!(matches!(later.status().as_u16(), 401 | 503), "{later:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_a_401_is_repeated() {
    let upstream = Upstream::answering(|arrival| {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = arrival.target.trim_start_matches('/').parse().unwrap();
        answer
    })
    .await;
    let world = World::before(&upstream).await;
    for status in [400, 403, 404, 407, 408, 425, 429, 500, 502, 503, 504] {
        assert_eq!(world.post(&format!("/{status}"), "x").send().await.unwrap().status(), status);
    }
    assert_eq!((upstream.arrivals().len(), world.provider.refreshes()), (11, 0));
}
