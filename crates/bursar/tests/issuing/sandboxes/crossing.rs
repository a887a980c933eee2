//! What one server gave away, tried at another one of the same installation: it is worth what nonsense is worth, and whoever
//! tries cannot tell one from the other.

use bursar_core::engine::issuer::administration::first_code::FirstCodeError;
use bursar_core::engine::issuer::records::resource::TokenFormat;
use bursar_core::secret::Secret;

use super::things::{Things, admin_token, attempts};
use super::{on_every_store, told};
use crate::issuing::browser::{Browser, is_sign_in};
use crate::issuing::client::{Answer, said};
use crate::issuing::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_another_tenant_is_worth_what_nonsense_is() {
    on_every_store(async |main| {
        let (one, other) = (main.sandbox("one").await, main.sandbox("other").await);
        let worlds = [&main, &one, &other];
        let things = [Things::of(&main).await, Things::of(&one).await, Things::of(&other).await];
        for (from, here) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
            let (world, own) = (worlds[here], &things[here]);
            let tried = attempts(world, own, &things[from]).await;
            let nonsense = attempts(world, own, &things[from].nonsense()).await;
            for ((what, answer), (_, expected)) in tried.iter().zip(&nonsense) {
                assert_eq!(told(answer), told(expected), "{what}, from {from} to {here}");
                // Whoever gives back a token that is none has what they want, and so has whoever asks about it.
                let is_refused = answer.status >= 400
                    || is_sign_in(answer)
                    || answer.text == "{\"active\":false}"
                    || ["a token is revoked", "a user code"].contains(what)
                    || (*what == "an ID token at the end of a session"
                        && answer.header("location").is_empty());
                assert!(is_refused, "{what}: {answer:?}");
            }
        }
        // Where they belong all of them are still good.
        for (world, own) in worlds.into_iter().zip(&things) {
            assert!(world.is_active(&own.access).await);
            assert_eq!(world.token(&world.redeeming(&own.code)).await.status, 200);
            assert_eq!(world.refresh(&own.refresh).await.status, 200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_of_one_tenant_is_nobody_at_every_operation_of_another() {
    on_every_store(async |main| {
        let (one, other) = (main.sandbox("one").await, main.sandbox("other").await);
        let tokens = [admin_token(&main).await, admin_token(&one).await, admin_token(&other).await];
        let document: serde_json::Value = serde_json::from_str(&bursar::http::openapi()).unwrap();
        let mut tried = 0;
        for (here, world) in [&main, &one, &other].into_iter().enumerate() {
            for (path, operations) in document["paths"].as_object().unwrap() {
                let is_guarded = |operation: &serde_json::Value| {
                    operation["security"].as_array().is_some_and(|ways| !ways.is_empty())
                };
                for (method, _) in operations.as_object().unwrap().iter().filter(|(_, one)| is_guarded(one)) {
                    // Sandboxes are the business of the server around them alone.
                    let is_of_all =
                        ["/v1/sandboxes", "/v1/vault"].iter().any(|start| path.starts_with(start));
                    let is_there = !is_of_all || here == 0;
                    let path = path.replace(['{', '}'], "");
                    let method = method.to_ascii_uppercase().parse::<http::Method>().unwrap();
                    for (from, token) in tokens.iter().enumerate().filter(|(from, _)| *from != here) {
                        let request = world.http.request(method.clone(), world.at(&path));
                        let answer =
                            Answer::of(request.header("authorization", format!("Bearer {token}"))).await;
                        let expected = if is_there { 401 } else { 404 };
                        assert_eq!(answer.status, expected, "{method} {path} from {from} at {here}");
                        tried += 1;
                    }
                }
            }
        }
        assert!(tried > 100, "{tried} operations");
        // Nor does the right to change a server reach into its sandboxes, or to them.
        let request = main.http.get(main.at("/v1/sandboxes"));
        let answer = Answer::of(request.header("authorization", format!("Bearer {}", tokens[0]))).await;
        assert_eq!(answer.status, 403, "{answer:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_code_of_one_tenant_makes_nobody_an_administrator_of_another() {
    on_every_store(async |main| {
        let (one, other) = (main.sandbox("one").await, main.sandbox("other").await);
        let worlds = [&main, &one, &other];
        let mut codes = Vec::new();
        for world in worlds {
            codes.push(world.server.issue_first_code().await.unwrap().expect("nobody administers yet"));
        }
        let claimed = async |here: usize, code: usize| {
            worlds[here].server.claim_first_code(&codes[code], "root", Secret::new("a horse of my own")).await
        };
        for (from, here) in [(0, 1), (1, 0), (1, 2), (2, 1)] {
            let refused = claimed(here, from).await;
            assert!(matches!(refused, Err(FirstCodeError::NotGood)), "from {from} to {here}: {refused:?}");
        }
        for here in 0..3 {
            claimed(here, here).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opaque_tokens_and_nonces_of_one_tenant_open_nothing_in_another() {
    on_every_store(async |main| {
        let (one, other) = (main.sandbox("one").await, main.sandbox("other").await);
        for world in [&main, &one, &other] {
            let url = crate::issuing::world::MCP;
            let opaque = |resource: &mut bursar_core::engine::issuer::records::resource::Resource| {
                resource.format = TokenFormat::Opaque;
            };
            world.server.update_resource(url, &opaque).await.unwrap();
        }
        let tokens = [main.log_in().await.access, one.log_in().await.access, other.log_in().await.access];
        for (here, world) in [&main, &one, &other].into_iter().enumerate() {
            for (from, token) in tokens.iter().enumerate() {
                assert!(said(token).is_empty(), "opaque");
                assert_eq!(world.is_active(token).await, from == here, "from {from} at {here}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_browser_is_signed_in_at_each_tenant_alone() {
    on_every_store(async |main| {
        let (one, other) = (main.sandbox("one").await, main.sandbox("other").await);
        let browser = Browser::of(&one, "ada");
        browser.agree(&one.request()).await.code();
        assert!(
            browser.cookie_names().iter().all(|name| name.ends_with("_one")),
            "{:?}",
            browser.cookie_names()
        );
        for world in [&main, &other] {
            let moved = browser.moved_to(world);
            assert!(is_sign_in(&moved.ask(&world.request()).await));
            // Whoever can write cookies gives them the names that count there.
            let suffix = world.base.replace("/s/", "_");
            moved.renaming_cookies(|name| format!("{}{suffix}", name.trim_end_matches("_one")));
            assert!(is_sign_in(&moved.ask(&world.request()).await));
            // Signed in there as well, both go on beside each other.
            let both = browser.moved_to(world);
            both.agree(&world.request()).await.code();
            let back = both.moved_to(&one);
            assert!(!is_sign_in(&back.ask(&one.request()).await));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_in_a_tenant_is_told_there_alone() {
    on_every_store(async |main: World| {
        let one = main.sandbox("one").await;
        let name = one.refresh("brt_nonsense").await.header("bursar-correlation-id").to_owned();
        // Refusals are gathered for a moment before they are stored.
        while one.server.noted_refusal(&name).await.unwrap().is_none() {
            main.pass(1);
            tokio::task::yield_now().await;
        }
        assert!(main.server.noted_refusal(&name).await.unwrap().is_none());
        let name = main.refresh("brt_nonsense").await.header("bursar-correlation-id").to_owned();
        assert!(one.server.noted_refusal(&name).await.unwrap().is_none());
    })
    .await;
}
