//! The device grant: how often a device may ask, and who lets it in.

use serde_json::json;

use super::on_every_store;
use crate::issuing::browser::{Browser, is_sign_in, ticket};
use crate::issuing::client::{Answer, Form};
use crate::issuing::world::{Known, MCP, World};

async fn player(world: &World) -> Known {
    let grants = ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"];
    world.add_client(json!({ "grant_types": grants, "client_name": "Player" })).await
}

/// What a device was told.
struct Codes {
    device: String,
    user: String,
}

async fn begin(world: &World, client: &Known) -> Codes {
    let form = Form::of(&[("client_id", &client.id), ("scope", "read"), ("resource", MCP)]);
    let answer = world.post("/oauth/device_authorization", &form, &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    Codes { device: answer.member("device_code"), user: answer.member("user_code") }
}

async fn poll(world: &World, client: &Known, codes: &Codes) -> Answer {
    let form = Form::of(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", &client.id),
        ("device_code", &codes.device),
    ]);
    world.token(&form).await
}

/// A person who is signed in at the page for codes.
async fn person<'a>(world: &'a World, username: &str) -> Browser<'a> {
    let browser = Browser::of(world, username);
    let page = browser.get("/oauth/device").await;
    assert!(is_sign_in(&page), "{page:?}");
    browser.sign_in(&page).await;
    browser
}

async fn typed(browser: &Browser<'_>, code: &str) -> Answer {
    browser.post("/oauth/device", &Form::of(&[("ticket", ""), ("user_code", code)])).await
}

fn is_confirmation(answer: &Answer) -> bool {
    answer.status == 200 && answer.text.contains("action=\"/oauth/device/decision\"")
}

async fn decide(browser: &Browser<'_>, page: &Answer, decision: &str) -> Answer {
    assert!(is_confirmation(page), "{page:?}");
    let form = Form::of(&[("ticket", &ticket(page)), ("decision", decision)]);
    browser.post("/oauth/device/decision", &form).await
}

#[tokio::test(flavor = "multi_thread")]
async fn line_54_a_device_that_asks_too_often_is_slowed_and_every_answer_is_exact() {
    on_every_store(async |world| {
        let client = player(&world).await;
        let codes = begin(&world, &client).await;
        poll(&world, &client, &codes).await.assert_refused(400, "authorization_pending");
        world.pass(3);
        poll(&world, &client, &codes).await.assert_refused(400, "slow_down");
        world.pass(9);
        poll(&world, &client, &codes).await.assert_refused(400, "slow_down");
        world.pass(15);
        poll(&world, &client, &codes).await.assert_refused(400, "authorization_pending");
        let other = player(&world).await;
        poll(&world, &other, &codes).await.assert_refused(400, "invalid_grant");
        let ada = person(&world, "ada").await;
        let page = typed(&ada, &codes.user).await;
        decide(&ada, &page, "allow").await;
        world.pass(15);
        let answer = poll(&world, &client, &codes).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(world.is_active(&answer.member("access_token")).await);
        poll(&world, &client, &codes).await.assert_refused(400, "invalid_grant");
        let codes = begin(&world, &client).await;
        let page = typed(&ada, &codes.user).await;
        decide(&ada, &page, "deny").await;
        poll(&world, &client, &codes).await.assert_refused(400, "access_denied");
        let codes = begin(&world, &client).await;
        world.pass(601);
        poll(&world, &client, &codes).await.assert_refused(400, "expired_token");
        let never = Codes { device: "bdc_none".to_owned(), user: String::new() };
        poll(&world, &client, &never).await.assert_refused(400, "invalid_grant");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_55_guessing_a_user_code_is_limited_and_typing_one_is_easy() {
    on_every_store(async |world| {
        let client = player(&world).await;
        let codes = begin(&world, &client).await;
        assert!(codes.device.trim_start_matches("bdc_").len() >= 22, "128 bits: {}", codes.device);
        let ada = person(&world, "ada").await;
        let plain = codes.user.replace('-', "");
        for spelled in
            [codes.user.to_lowercase(), plain.clone(), format!(" {} {} ", &plain[..4], &plain[4..])]
        {
            assert!(is_confirmation(&typed(&ada, &spelled).await), "{spelled}");
        }
        let mut limited = false;
        for number in 0..40_u32 {
            let letters: Vec<char> = "BCDFGHJKLMNPQRSTVWXZ".chars().collect();
            let guess: String =
                (0..8).map(|place| letters[(number as usize * 7 + place * 3) % letters.len()]).collect();
            let answer = typed(&ada, &guess).await;
            assert!(!is_confirmation(&answer));
            limited |= answer.status == 429;
            if number == 5 {
                // One success does not start the count anew.
                let next = begin(&world, &client).await;
                assert!(is_confirmation(&typed(&ada, &next.user).await));
            }
        }
        assert!(limited, "forty guesses are too many");
        let next = begin(&world, &client).await;
        assert_eq!(typed(&ada, &next.user).await.status, 429, "the right one is not heard either");
        world.pass(601);
        let next = begin(&world, &client).await;
        assert!(is_confirmation(&typed(&ada, &next.user).await), "not for ever");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_56_an_address_alone_never_lets_a_device_in() {
    on_every_store(async |world| {
        let client = player(&world).await;
        let form = Form::of(&[("client_id", &client.id), ("scope", "read"), ("resource", MCP)]);
        let headers = [("x-forwarded-for", "203.0.113.9")];
        let answer = world.post("/oauth/device_authorization", &form, &headers).await;
        let document = answer.json();
        assert!(document.get("verification_uri_complete").is_none(), "{document}");
        assert_eq!(document["verification_uri"], json!(world.named("/oauth/device")));
        let codes = Codes { device: answer.member("device_code"), user: answer.member("user_code") };
        let ada = person(&world, "ada").await;
        let page = ada.get(&format!("/oauth/device?user_code={}", codes.user)).await;
        assert!(page.status == 200 && !is_confirmation(&page), "{page:?}");
        poll(&world, &client, &codes).await.assert_refused(400, "authorization_pending");
        let page = typed(&ada, &codes.user).await;
        for shown in ["Player", "203.0.113.9", "read", codes.user.as_str()] {
            assert!(page.text.contains(shown), "{shown}: {}", page.text);
        }
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
        // Nobody else's browser can answer it.
        world.add_user("eve").await;
        let eve = person(&world, "eve").await;
        let stolen = Form::of(&[("ticket", &ticket(&page)), ("decision", "allow")]);
        eve.post("/oauth/device/decision", &stolen).await.assert_page();
        world.post("/oauth/device/decision", &stolen, &[]).await.assert_page();
        world.pass(5);
        poll(&world, &client, &codes).await.assert_refused(400, "authorization_pending");
        decide(&ada, &page, "allow").await;
        ada.post("/oauth/device/decision", &stolen).await.assert_page();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_57_who_is_disabled_after_saying_yes_lets_nobody_in() {
    on_every_store(async |world| {
        let client = player(&world).await;
        let codes = begin(&world, &client).await;
        let ada = person(&world, "ada").await;
        let page = typed(&ada, &codes.user).await;
        decide(&ada, &page, "allow").await;
        assert!(world.server.set_user_disabled(&world.user.id, true).await.unwrap());
        poll(&world, &client, &codes).await.assert_refused(400, "invalid_grant");
    })
    .await;
}
