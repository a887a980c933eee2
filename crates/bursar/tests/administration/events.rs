//! What happens at the server, heard as it happens by whoever may look.

use reqwest::{Method, Response};
use rustix::process::Signal;
use serde_json::Value;

use super::over_http::World;
use super::world::done;

/// Somebody who listens.
struct Listener {
    answer: Response,
    heard: String,
}

impl Listener {
    /// Listens as soon as the answer has begun.
    async fn to(world: &World, query: &str, token: &str) -> Self {
        let answer = world.request(Method::GET, &format!("/v1/events{query}"), token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { answer, heard: String::new() }
    }

    /// The next message: its name, and what it says; `None`: the stream has come to its end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((message, rest)) = self.heard.split_once("\n\n") {
                let field = |name| message.lines().find_map(|line: &str| line.strip_prefix(name));
                let found = field("event: ").zip(field("data: "));
                let found = found.map(|(name, data)| (name.to_owned(), serde_json::from_str(data).unwrap()));
                self.heard = rest.to_owned();
                // What keeps the connection open says nothing.
                if found.is_some() {
                    return found;
                }
                continue;
            }
            let more = self.answer.chunk().await.expect("the stream was cut off")?;
            self.heard.push_str(std::str::from_utf8(&more).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_out_is_told_at_once_and_nothing_else_is() {
    let world = World::start().await;
    let token = world.token("bursar:read").await;
    let mut listener = Listener::to(&world, "?only=logouts", &token).await;
    let mut of_everything = Listener::to(&world, "", &token).await;
    done(&world.home, &["user", "add", "ada", "--no-password"]).await;
    done(&world.home, &["user", "disable", "ada"]).await;
    let (name, event) = listener.next().await.unwrap();
    assert_eq!(name, "user.disabled");
    assert!(event["subject"].as_str().unwrap().starts_with("usr_"), "{event}");
    // The server's own doings are told as well, whenever they happen.
    let added = loop {
        let (name, told) = of_everything.next().await.unwrap();
        if told["subject"] == event["subject"] {
            assert_eq!(name, "user.added");
            break told;
        }
    };
    // Whoever was away hears what it has missed.
    let after = format!("?only=logouts&after={}", added["id"]);
    assert_eq!(Listener::to(&world, &after, &token).await.next().await.unwrap().1["id"], event["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens_longer_than_they_may_look() {
    let world = World::start().await;
    let admin = world.token("bursar:admin").await;
    let narrowed = serde_json::json!({ "scope": "read" });
    for (method, change) in [(Method::DELETE, None), (Method::PATCH, Some(narrowed))] {
        let (id, secret) = world.client("bursar:read").await;
        let token = world.token_of(&id, &secret, &[("scope", "bursar:read")]).await;
        let mut listener = Listener::to(&world, "?only=logouts&subject=nobody", &token).await;
        let status = world.send(method, &format!("/v1/clients/{id}"), &admin, change).await.0;
        assert!((200..300).contains(&status), "{status}");
        assert_eq!(listener.next().await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_listens_does_not_keep_the_server_from_stopping() {
    let world = World::start().await;
    let token = world.token("bursar:read").await;
    let mut listener = Listener::to(&world, "?only=logouts", &token).await;
    let World { running, .. } = world;
    running.signal(Signal::TERM);
    // Its end, where a server whose patience has run out would cut it off.
    assert_eq!(listener.next().await, None);
    assert_eq!(running.ended().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_hear_nothing_and_nonsense_is_told() {
    let world = World::start().await;
    let answer = world.http.get(world.at("/v1/events")).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let token = world.token("bursar:read").await;
    assert_eq!(world.send(Method::GET, "/v1/events?only=gossip", &token, None).await.0, 400);
}
