//! Session tokens over the line: who gets one, and what is said to whoever has to sign in again.

use serde_json::{Map, json};

use super::browser::Browser;
use super::client::{Answer, Form, claims};
use super::world::{World, on_every_store};

const PATH: &str = "/v1/session/token";

async fn signed_in(world: &World) -> Browser<'_> {
    let browser = Browser::of(world, "ada");
    browser.agree(&world.request()).await.code();
    browser
}

#[track_caller]
fn assert_over(answer: &Answer) {
    answer.assert_refused(401, "login_required");
    assert_eq!(answer.json()["requires_reauth"], true, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_server_itself_get_a_session_token_for_the_cookie_and_no_others() {
    on_every_store(async |world| {
        let browser = signed_in(&world).await;
        let said: Map<_, _> = json!({ "plan": "team", "sub": "usr_root" }).as_object().unwrap().clone();
        let id = &world.user.id;
        world.server.update_user(id, &|user| user.claims.clone_from(&said)).await.unwrap();
        for answer in [
            browser.post(PATH, &Form::default()).await,
            browser.post_from("same-origin", PATH).await,
            browser.post_from("none", PATH).await,
        ] {
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(answer.header("cache-control").contains("no-store"), "{answer:?}");
            let document = answer.json();
            let mut members: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
            members.sort_unstable();
            assert_eq!(members, ["access_token", "expires_in", "scope", "token_type"]);
            assert_eq!(
                (&document["token_type"], &document["expires_in"]),
                (&json!("Bearer"), &json!(604_800))
            );
            let claims = claims(&answer.member("access_token"));
            assert_eq!((&claims["sub"], &claims["plan"]), (&json!(id), &json!("team")));
        }
        for site in ["cross-site", "same-site", "SAME-ORIGIN", ""] {
            assert_over(&browser.post_from(site, PATH).await);
        }
        assert_over(&Browser::of(&world, "ada").post(PATH, &Form::default()).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_token_is_renewed_until_the_session_behind_it_has_ended() {
    on_every_store(async |world| {
        let browser = signed_in(&world).await;
        let first = browser.post(PATH, &Form::default()).await.member("access_token");
        world.pass(60);
        let renewing = |token: &str| Form::of(&[("session_token", token)]);
        let renewed = world.post(PATH, &renewing(&first), &[]).await;
        assert_eq!(renewed.status, 200, "{renewed:?}");
        let renewed = renewed.member("access_token");
        assert_eq!(claims(&renewed)["sessionId"], claims(&first)["sessionId"]);
        for token in ["x", "a.b.c", &renewed[1..], &world.log_in().await.access] {
            assert_over(&world.post(PATH, &renewing(token), &[]).await);
        }
        world.server.set_user_disabled(&world.user.id, true).await.unwrap();
        for token in [&first, &renewed] {
            assert_over(&world.post(PATH, &renewing(token), &[]).await);
        }
        assert_over(&browser.post(PATH, &Form::default()).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_refresh_token_of_a_client_outside_the_application_brings_a_session_token() {
    on_every_store(async |world| {
        let tokens = world.log_in().await;
        let form = Form::of(&[("refresh_token", &tokens.refresh)]);
        assert_over(&world.post(PATH, &form, &[]).await);
        assert_eq!(world.refresh(&tokens.refresh).await.status, 200, "and it is not spent by that");
    })
    .await;
}
