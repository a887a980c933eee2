//! Authorization codes: once, by whoever asked, in time.

use futures::future::join_all;
use serde_json::json;

use super::on_every_store;
use crate::issuing::browser::Browser;
use crate::issuing::client::{Form, Tokens, VERIFIER, basic, claims};
use crate::issuing::world::{CALLBACK, MCP, OTHER};

#[tokio::test(flavor = "multi_thread")]
async fn line_21_a_code_used_twice_revokes_what_it_brought() {
    on_every_store(async |world| {
        let code = world.code().await;
        let tokens = world.tokens(&world.redeeming(&code)).await;
        let next = Tokens::of(&world.refresh(&tokens.refresh).await);
        assert!(world.is_active(&tokens.access).await && world.is_active(&next.access).await);
        world.token(&world.redeeming(&code)).await.assert_refused(400, "invalid_grant");
        assert!(!world.is_active(&tokens.access).await && !world.is_active(&next.access).await);
        world.refresh(&next.refresh).await.assert_refused(400, "invalid_grant");
        world.refresh(&tokens.refresh).await.assert_refused(400, "invalid_grant");
        assert!(world.was_reported("family.ended").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_22_of_many_who_redeem_a_code_at_once_one_gets_tokens() {
    on_every_store(async |mut world| {
        let other = world.second_node();
        let here = world.at("");
        for _ in 0..5 {
            let code = world.code().await;
            let form = world.redeeming(&code);
            let urls: Vec<String> = (0..16)
                .map(|number| format!("{}/oauth/token", if number % 2 == 0 { &here } else { &other }))
                .collect();
            let answers = join_all(urls.iter().map(|url| world.post_at(url, &form, &[]))).await;
            let granted = answers.iter().filter(|answer| answer.status == 200).count();
            assert_eq!(granted, 1, "{answers:?}");
            for answer in answers.iter().filter(|answer| answer.status != 200) {
                answer.assert_refused(400, "invalid_grant");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_23_a_code_is_for_who_asked_where_they_asked_with_what_they_know() {
    on_every_store(async |world| {
        let other = world.add_client(json!({})).await;
        let code = world.code().await;
        let good = world.redeeming(&code);
        for (form, error) in [
            (good.clone().with("client_id", &other.id), "invalid_grant"),
            (good.clone().with("redirect_uri", "http://127.0.0.1:5001/callback"), "invalid_grant"),
            (good.clone().with("redirect_uri", "https://app.test/callback"), "invalid_grant"),
            (good.clone().without("redirect_uri"), "invalid_grant"),
            (good.clone().with("code_verifier", &VERIFIER.replace('d', "e")), "invalid_grant"),
            (good.clone().with("code_verifier", &"a".repeat(129)), "invalid_grant"),
            (good.clone().with("code_verifier", "short"), "invalid_grant"),
            (good.clone().with("code", &format!("{code}x")), "invalid_grant"),
            (good.clone().with("code", ""), "invalid_request"),
            (good.clone().without("code"), "invalid_request"),
        ] {
            world.token(&form).await.assert_refused(400, error);
        }
        for form in [good.clone().without("code_verifier"), good.clone().with("code_verifier", "")] {
            let answer = world.token(&form).await;
            assert_eq!(answer.status, 400);
            // RFC 7636 §4.6 wants the one, RFC 6749 §5.2 the other.
            assert!(["invalid_grant", "invalid_request"].contains(&answer.member("error").as_str()));
        }
        // Whoever guesses neither uses the code up nor keeps it alive.
        world.pass(599);
        world
            .token(&good.clone().with("code_verifier", &"a".repeat(43)))
            .await
            .assert_refused(400, "invalid_grant");
        world.pass(2);
        world.token(&good).await.assert_refused(400, "invalid_grant");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_24_there_is_no_code_without_a_challenge_for_a_verifier_to_pass_by() {
    on_every_store(async |world| {
        let confidential =
            world.add_client(json!({ "token_endpoint_auth_method": "client_secret_basic" })).await;
        for client in [&world.client, &confidential] {
            let browser = Browser::of(&world, "ada");
            browser.agree(&world.request_of(client)).await.code();
            for request in [
                world.request_of(client).without("code_challenge").without("code_challenge_method"),
                world.request_of(client).with("code_challenge", ""),
            ] {
                browser.agree(&request).await.assert_sent_back(CALLBACK, "invalid_request");
                browser
                    .post("/oauth/authorize", &request)
                    .await
                    .assert_sent_back(CALLBACK, "invalid_request");
            }
        }
        let secret = basic(&confidential);
        let pushed = world.request_of(&confidential).without("code_challenge").without("client_id");
        let answer = world.post("/oauth/par", &pushed, &[("authorization", &secret)]).await;
        answer.assert_refused(400, "invalid_request");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_25_a_code_ends_within_ten_minutes() {
    on_every_store(async |world| {
        let lifetime = world.server.rules().lifetimes.code.as_secs().unsigned_abs();
        assert!(lifetime <= 600, "RFC 6749 §4.1.2");
        let code = world.code().await;
        world.pass(lifetime - 1);
        assert_eq!(world.token(&world.redeeming(&code)).await.status, 200);
        let code = world.code().await;
        world.pass(lifetime);
        world.token(&world.redeeming(&code)).await.assert_refused(400, "invalid_grant");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_26_a_token_is_never_for_a_resource_the_user_did_not_agree_to() {
    on_every_store(async |world| {
        let code = world.code().await;
        for resource in [OTHER, "https://unknown.test/", world.issuer.as_str()] {
            for form in [
                world.redeeming(&code).and("resource", resource),
                world.redeeming(&code).and("resource", MCP).and("resource", resource),
            ] {
                world.token(&form).await.assert_refused(400, "invalid_target");
            }
        }
        let tokens = world.tokens(&world.redeeming(&code).and("resource", MCP)).await;
        assert_eq!(claims(&tokens.access)["aud"], json!(MCP));
        let wider = world.refreshing(&tokens.refresh).and("resource", OTHER);
        world.token(&wider).await.assert_refused(400, "invalid_target");
        let answer = world.token(&world.refreshing(&tokens.refresh).and("audience", OTHER)).await;
        if answer.status == 200 {
            assert_eq!(claims(&answer.member("access_token"))["aud"], json!(MCP));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_27_every_token_is_bound_to_some_audience() {
    on_every_store(async |world| {
        // Said at the beginning only.
        let tokens = world.log_in().await;
        assert_eq!(claims(&tokens.access)["aud"], json!(MCP));
        let next = Tokens::of(&world.refresh(&tokens.refresh).await);
        assert_eq!(claims(&next.access)["aud"], json!(MCP));
        // Never said: good here and nowhere else.
        let unsaid = world.request().without("resource").with("scope", "openid");
        let tokens = world.tokens(&world.redeeming(&world.code_for(&unsaid).await)).await;
        assert_eq!(claims(&tokens.access)["aud"], json!(world.issuer));
        assert!(!world.is_active(&tokens.access).await);
        // Said at the end only: bound or refused.
        let code = world.code_for(&unsaid).await;
        let answer = world.token(&world.redeeming(&code).and("resource", MCP)).await;
        if answer.status == 200 {
            assert_eq!(claims(&answer.member("access_token"))["aud"], json!(MCP));
        } else {
            answer.assert_refused(400, "invalid_target");
        }
        let form = Form::of(&[("grant_type", "client_credentials")]);
        let answer = world.post("/oauth/token", &form, &[("authorization", &basic(&world.api))]).await;
        if answer.status == 200 {
            assert_eq!(claims(&answer.member("access_token"))["aud"], json!(world.issuer));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_request_brings_one_code() {
    on_every_store(async |world| {
        let browser = Browser::of(&world, "ada");
        browser.agree(&world.request()).await.code();
        let pushed = world.post("/oauth/par", &world.request(), &[]).await;
        assert_eq!(pushed.status, 201, "{pushed:?}");
        let reference = pushed.member("request_uri");
        let request = Form::of(&[("client_id", &world.client.id), ("request_uri", &reference)]);
        browser.ask(&request).await.code();
        let again = browser.ask(&request).await;
        assert_eq!(again.parameter("code"), None, "{again:?}");
    })
    .await;
}
