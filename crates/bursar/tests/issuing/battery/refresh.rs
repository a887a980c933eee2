//! Refresh tokens: replaced with every use, forgiving to whoever lost an answer, fatal to whoever copied one.

use futures::future::join_all;
use jiff::SignedDuration;
use serde_json::json;

use super::on_every_store;
use crate::issuing::browser::Browser;
use crate::issuing::client::{Answer, Form, Tokens, basic, claims};
use crate::issuing::key::Key;
use crate::issuing::world::World;

/// After it a replaced token is a stolen one.
const WINDOW: u64 = 60;

async fn rotated(world: &World, token: &str) -> Tokens {
    let answer = world.refresh(token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    Tokens::of(&answer)
}

async fn assert_dead(world: &World, tokens: &[&Tokens]) {
    for tokens in tokens {
        assert!(!world.is_active(&tokens.access).await, "an access token lives");
        world.refresh(&tokens.refresh).await.assert_refused(400, "invalid_grant");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn line_28_every_refresh_brings_a_new_token_and_supersedes_the_old_one() {
    on_every_store(async |world| {
        let mut tokens = world.log_in().await;
        let mut seen = vec![tokens.refresh.clone()];
        for _ in 0..5 {
            tokens = rotated(&world, &tokens.refresh).await;
            assert!(!seen.contains(&tokens.refresh));
            seen.push(tokens.refresh.clone());
        }
        world.pass(WINDOW + 1);
        world.refresh(&seen[4]).await.assert_refused(400, "invalid_grant");
        assert_dead(&world, &[&tokens]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_29_parallel_refreshes_bring_one_successor_whoever_asks_where() {
    on_every_store(async |mut world| {
        let other = world.second_node();
        let here = world.at("");
        let mut tokens = world.log_in().await;
        for callers in [2, 8, 64] {
            let form = world.refreshing(&tokens.refresh);
            let urls: Vec<String> = (0..callers)
                .map(|number| format!("{}/oauth/token", if number % 2 == 0 { &here } else { &other }))
                .collect();
            let answers = join_all(urls.iter().map(|url| world.post_at(url, &form, &[]))).await;
            let successors: Vec<Tokens> = answers
                .iter()
                .map(|answer| {
                    assert_eq!(answer.status, 200, "{answer:?}");
                    Tokens::of(answer)
                })
                .collect();
            assert!(successors.iter().all(|one| *one == successors[0]), "a fork: {successors:?}");
            tokens = successors[0].clone();
            assert!(world.is_active(&tokens.access).await);
        }
        assert!(!world.was_reported("family.ended").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_30_a_lost_answer_can_be_had_again() {
    on_every_store(async |world| {
        let tokens = world.log_in().await;
        let lost = rotated(&world, &tokens.refresh).await;
        world.pass(WINDOW - 1);
        let again = rotated(&world, &tokens.refresh).await;
        assert_eq!(again, lost);
        rotated(&world, &again.refresh).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_31_a_token_that_was_superseded_long_ago_ends_the_whole_login() {
    on_every_store(async |world| {
        // Its successor was used.
        let first = world.log_in().await;
        let second = rotated(&world, &first.refresh).await;
        let third = rotated(&world, &second.refresh).await;
        world.refresh(&first.refresh).await.assert_refused(400, "invalid_grant");
        assert_dead(&world, &[&first, &second, &third]).await;
        let events = world.events().await;
        let ended = events.iter().filter(|event| event.event.name == "family.ended").count();
        assert_eq!(ended, 1, "told once");
        // The window is over.
        let first = world.log_in().await;
        let second = rotated(&world, &first.refresh).await;
        world.pass(WINDOW + 1);
        world.refresh(&first.refresh).await.assert_refused(400, "invalid_grant");
        assert_dead(&world, &[&first, &second]).await;
        // Other logins live on.
        let (mine, yours) = (world.log_in().await, world.log_in().await);
        let next = rotated(&world, &mine.refresh).await;
        rotated(&world, &next.refresh).await;
        world.refresh(&mine.refresh).await.assert_refused(400, "invalid_grant");
        assert!(world.is_active(&yours.access).await);
        rotated(&world, &yours.refresh).await;
        // Guessing ends nobody's login.
        let victim = world.log_in().await;
        for forged in
            [victim.refresh.replace("brt_", "brt_x"), format!("{}x", victim.refresh), "brt_".to_owned()]
        {
            world.refresh(&forged).await.assert_refused(400, "invalid_grant");
        }
        let mut bytes: Vec<char> = victim.refresh.chars().collect();
        let last = bytes.len() - 1;
        bytes[last] = if bytes[last] == 'A' { 'B' } else { 'A' };
        let forged: String = bytes.into_iter().collect();
        world.refresh(&forged).await.assert_refused(400, "invalid_grant");
        rotated(&world, &victim.refresh).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_32_nothing_issued_beside_a_replay_survives_it() {
    on_every_store(async |mut world| {
        let other = world.second_node();
        let here = world.at("");
        for _ in 0..5 {
            let first = world.log_in().await;
            let second = rotated(&world, &first.refresh).await;
            let third = rotated(&world, &second.refresh).await;
            let forms: Vec<(String, Form)> = (0..16)
                .map(|number| {
                    let node = if number % 2 == 0 { &here } else { &other };
                    let token = if number % 4 < 2 { &third.refresh } else { &first.refresh };
                    (format!("{node}/oauth/token"), world.refreshing(token))
                })
                .collect();
            let answers = join_all(forms.iter().map(|(url, form)| world.post_at(url, form, &[]))).await;
            let issued: Vec<Tokens> =
                answers.iter().filter(|answer| answer.status == 200).map(Tokens::of).collect();
            assert!(answers.iter().any(|answer| answer.status == 400), "{answers:?}");
            let mut all = vec![&first, &second, &third];
            all.extend(&issued);
            assert_dead(&world, &all).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_33_a_store_that_fails_costs_a_moment_and_no_login() {
    on_every_store(async |world| {
        let tokens = world.log_in().await;
        let code = world.code().await;
        world.fail_commits(true);
        let answers = [world.refresh(&tokens.refresh).await, world.token(&world.redeeming(&code)).await];
        world.fail_commits(false);
        for answer in answers {
            assert_eq!(answer.status, 503, "{answer:?}");
            assert!(!answer.header("retry-after").is_empty());
            assert!(!answer.text.contains("invalid_grant") && !answer.text.contains("planned"), "{answer:?}");
        }
        rotated(&world, &tokens.refresh).await;
        assert_eq!(world.token(&world.redeeming(&code)).await.status, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_34_a_refresh_token_is_worth_what_its_parents_are() {
    on_every_store(async |world| {
        let refused = async |tokens: &Tokens| {
            world.refresh(&tokens.refresh).await.assert_refused(400, "invalid_grant");
            assert!(!world.is_active(&tokens.access).await);
        };
        let other = world.add_client(json!({})).await;
        let tokens = world.log_in().await;
        let stolen = world.refreshing(&tokens.refresh).with("client_id", &other.id);
        world.token(&stolen).await.assert_refused(400, "invalid_grant");
        let tokens = rotated(&world, &tokens.refresh).await;

        assert!(world.server.set_user_disabled(&world.user.id, true).await.unwrap());
        refused(&tokens).await;
        world.pass(1);
        assert!(world.server.set_user_disabled(&world.user.id, false).await.unwrap());

        world.pass(1);
        let tokens = world.log_in().await;
        assert!(world.server.withdraw_grant(&world.user.id, &world.client.id).await.unwrap());
        refused(&tokens).await;

        world.pass(1);
        let tokens = world.log_in().await;
        assert!(world.server.remove_client(&world.client.id).await.unwrap());
        world.refresh(&tokens.refresh).await.assert_refused(401, "invalid_client");
        assert!(!world.is_active(&tokens.access).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_35_a_refresh_narrows_for_once_and_never_widens() {
    on_every_store(async |world| {
        let request = world.request().with("scope", "read");
        let tokens = world.tokens(&world.redeeming(&world.code_for(&request).await)).await;
        for wider in ["read write", "write", "admin", "openid"] {
            let form = world.refreshing(&tokens.refresh).with("scope", wider);
            world.token(&form).await.assert_refused(400, "invalid_scope");
        }
        let tokens = world.log_in().await;
        let narrowed = world.tokens(&world.refreshing(&tokens.refresh).with("scope", "read")).await;
        assert_eq!(narrowed.scope, "read");
        assert_eq!(claims(&narrowed.access)["scope"], "read");
        let whole = rotated(&world, &narrowed.refresh).await;
        let mut scope: Vec<&str> = whole.scope.split(' ').collect();
        scope.sort_unstable();
        assert_eq!(scope, ["read", "write"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_36_a_token_works_at_once() {
    on_every_store(async |world| {
        let tokens = world.log_in().await;
        let tokens = rotated(&world, &tokens.refresh).await;
        world.pass(1);
        let tokens = rotated(&world, &tokens.refresh).await;
        assert!(world.is_active(&tokens.access).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_37_a_login_ends_when_nobody_uses_it_and_when_it_is_old() {
    on_every_store(async |world| {
        let lifetimes = world.server.rules().lifetimes;
        let seconds = |time: SignedDuration| time.as_secs().unsigned_abs();
        let (idle, absolute) = (seconds(lifetimes.refresh), seconds(lifetimes.login));
        let tokens = world.log_in().await;
        world.pass(idle - 1);
        let tokens = rotated(&world, &tokens.refresh).await;
        world.pass(idle);
        world.refresh(&tokens.refresh).await.assert_refused(400, "invalid_grant");
        let mut tokens = world.log_in().await;
        let mut age = 0;
        while age + idle - 1 < absolute {
            world.pass(idle - 1);
            age += idle - 1;
            tokens = rotated(&world, &tokens.refresh).await;
        }
        let end = claims(&tokens.access)["exp"].as_i64().unwrap();
        world.pass(absolute - age);
        world.refresh(&tokens.refresh).await.assert_refused(400, "invalid_grant");
        assert!(end <= world.now().as_second(), "no access token outlives its login");
    })
    .await;
}

async fn prove(world: &World, form: &Form, key: &Key) -> Answer {
    let proof = key.proof("POST", &world.named("/oauth/token"), world.now());
    world.post("/oauth/token", form, &[("dpop", &proof)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn line_38_a_bound_refresh_token_needs_its_key() {
    on_every_store(async |world| {
        let (key, other) = (Key::new(), Key::new());
        let code = world.code().await;
        let answer = prove(&world, &world.redeeming(&code), &key).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.member("token_type"), "DPoP");
        let tokens = Tokens::of(&answer);
        assert!(claims(&tokens.access)["cnf"]["jkt"].is_string());
        let form = world.refreshing(&tokens.refresh);
        for answer in [world.token(&form).await, prove(&world, &form, &other).await] {
            assert_eq!(answer.status, 400, "{answer:?}");
            let error = answer.member("error");
            assert!(["invalid_grant", "invalid_dpop_proof"].contains(&error.as_str()), "{error}");
        }
        let answer = prove(&world, &form, &key).await;
        assert_eq!(answer.status, 200, "who fails changes nothing: {answer:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_39_a_client_that_proves_a_key_may_keep_its_token() {
    on_every_store(async |world| {
        let keeps = world
            .add_client(json!({
                "token_endpoint_auth_method": "client_secret_basic", "dpop_bound_access_tokens": true,
                "rotates": false,
            }))
            .await;
        let (key, secret) = (Key::new(), basic(&keeps));
        let url = world.named("/oauth/token");
        let send = async |form: &Form, key: Option<&Key>| {
            let proof = key.map(|key| key.proof("POST", &url, world.now()));
            let mut headers = vec![("authorization", secret.as_str())];
            headers.extend(proof.as_deref().map(|proof| ("dpop", proof)));
            world.post("/oauth/token", form, &headers).await
        };
        let code = Browser::of(&world, "ada").agree(&world.request_of(&keeps)).await.code();
        let redeeming = world.redeeming(&code).without("client_id");
        let answer = send(&redeeming, None).await;
        assert_eq!(answer.status, 400, "its tokens are always bound: {answer:?}");
        let answer = send(&redeeming, Some(&key)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let tokens = Tokens::of(&answer);
        let form = world.refreshing(&tokens.refresh).without("client_id");
        for _ in 0..3 {
            world.pass(WINDOW * 2);
            let answer = send(&form, Some(&key)).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(Tokens::of(&answer).refresh, tokens.refresh, "it stays");
            assert!(claims(&answer.member("access_token"))["cnf"]["jkt"].is_string());
        }
        assert_eq!(send(&form, None).await.status, 400);
    })
    .await;
}
