//! The consent page: who is asked, what for, and what a page of somebody else can do about it.

use serde_json::json;

use super::on_every_store;
use crate::issuing::browser::{Browser, is_consent, ticket};
use crate::issuing::client::Form;
use crate::issuing::world::OTHER;
use bursar_core::oauth::server::client_metadata::ClientMetadata;

#[tokio::test(flavor = "multi_thread")]
async fn line_15_a_consent_page_is_for_one_person_in_one_browser_once() {
    on_every_store(async |world| {
        world.add_user("eve").await;
        let (ada, eve) = (Browser::of(&world, "ada"), Browser::of(&world, "eve"));
        let page = ada.ask_signed_in(&world.request()).await;
        assert!(is_consent(&page), "{page:?}");
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"),
            "{policy}"
        );
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert!(page.header("cache-control").contains("no-store"));
        for foreign in ["<script", "src=", "@import", "url(", "<iframe", "<img", "<base", "<meta http"] {
            assert!(!page.text.contains(foreign), "{foreign}");
        }
        // The empty icon keeps browsers from asking for one.
        let links: Vec<&str> = page.text.split("<link").skip(1).collect();
        assert!(links.iter().all(|link| link.starts_with(" rel=\"icon\" href=\"data:,\"")), "{links:?}");
        let stolen = Form::of(&[("ticket", &ticket(&page)), ("decision", "allow")]);
        // Nobody, somebody else, and the same person without the proof or elsewhere.
        world.post("/consent", &stolen, &[]).await.assert_page();
        eve.ask_signed_in(&world.request()).await;
        eve.post("/consent", &stolen).await.assert_page();
        let elsewhere = Browser::of(&world, "ada");
        elsewhere.ask_signed_in(&world.request()).await;
        elsewhere.post("/consent", &stolen).await.assert_page();
        for forged in ["", "x", &stolen.encoded()] {
            ada.post("/consent", &Form::of(&[("ticket", forged), ("decision", "allow")])).await.assert_page();
        }
        ada.post("/consent", &Form::of(&[("decision", "allow")])).await.assert_page();
        ada.decide(&page, "allow").await.code();
        ada.post("/consent", &stolen).await.assert_page();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_15_a_page_too_old_is_answered_by_nobody() {
    on_every_store(async |world| {
        let browser = Browser::of(&world, "ada");
        let page = browser.ask_signed_in(&world.request()).await;
        world.pass(31 * 60);
        browser.decide(&page, "allow").await.assert_page();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_16_consent_is_asked_once_for_each_client_resource_scope_and_way_back() {
    on_every_store(async |world| {
        let browser = Browser::of(&world, "ada");
        let modest = world.request().with("scope", "read");
        browser.agree(&modest).await.code();
        browser.ask(&modest).await.code();
        for more in [
            world.request(),
            modest.clone().and("resource", OTHER),
            modest.clone().with("resource", OTHER),
            modest.clone().with("scope", "read openid"),
        ] {
            assert!(is_consent(&browser.ask(&more).await), "{more:?}");
        }
        let stranger = world.add_client(json!({})).await;
        let page = browser.ask(&world.request_of(&stranger)).await;
        assert!(is_consent(&page), "a session is no consent: {page:?}");
        world.add_user("eve").await;
        assert!(is_consent(&Browser::of(&world, "eve").ask_signed_in(&modest).await), "each user is asked");
        // The answers would go elsewhere now.
        let changed = world
            .server
            .update_client(&world.client.id, &|client| {
                let mut object = client.metadata.to_object();
                object["redirect_uris"].as_array_mut().unwrap().push("https://new.test/callback".into());
                client.metadata = ClientMetadata::from_object(&object).unwrap();
            })
            .await
            .unwrap();
        assert!(changed.is_some());
        assert!(is_consent(&browser.ask(&modest).await), "asked again");
    })
    .await;
}
