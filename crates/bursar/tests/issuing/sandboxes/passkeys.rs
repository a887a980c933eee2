//! Passkeys of one sandbox at another one. Browsers cannot tell sandboxes of one host apart: for them it is one site.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::on_every_store;
use crate::issuing::authenticator::{Authenticator, PATH};
use crate::issuing::browser::{Browser, is_sign_in};
use crate::issuing::client::Answer;
use crate::issuing::world::World;

/// What somebody gets at `here` for an answer of the authenticator, who says that it is this user's.
async fn signed_in(here: &World, authenticator: &Authenticator, user: &str) -> Answer {
    let browser = Browser::of(here, "ada");
    let page = browser.ask(&here.request()).await;
    assert!(is_sign_in(&page), "{page:?}");
    let handle = URL_SAFE_NO_PAD.encode(user);
    browser.post(PATH, &authenticator.answer(here, &page, &page).with("user_handle", &handle)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_of_one_tenant_opens_nothing_in_another() {
    on_every_store(async |main| {
        let (one, other) = (main.sandbox("one").await, main.sandbox("other").await);
        let mut authenticator = Authenticator::of(&one).await;
        for here in [&main, &other] {
            for user in [&one.user.id, &here.user.id] {
                let answer = signed_in(here, &authenticator, user).await;
                assert_eq!(answer.status, 400, "{user} at {}: {answer:?}", here.issuer);
            }
        }
        assert_eq!(signed_in(&one, &authenticator, &one.user.id).await.status, 303);
        // Nor is it known there once it was used where it belongs.
        authenticator.counter += 1;
        assert_eq!(signed_in(&other, &authenticator, &other.user.id).await.status, 400);
    })
    .await;
}
