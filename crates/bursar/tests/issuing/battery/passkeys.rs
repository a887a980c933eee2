//! Passkeys: an answer opens for the page that asked, at this server, once, and not from a copy.

use aws_lc_rs::signature::Ed25519KeyPair;

use super::on_every_store;
use crate::issuing::authenticator::{Authenticator, PATH};
use crate::issuing::browser::{Browser, is_sign_in};
use crate::issuing::client::Answer;
use crate::issuing::world::World;

/// A sign-in page in a browser that was never here.
async fn page(world: &World) -> (Browser<'_>, Answer) {
    let browser = Browser::of(world, "ada");
    let page = browser.ask(&world.request()).await;
    assert!(is_sign_in(&page), "{page:?}");
    (browser, page)
}

/// What the page's own browser gets for an answer to it.
async fn signed_in(world: &World, authenticator: &Authenticator) -> u16 {
    let (browser, page) = page(world).await;
    browser.post(PATH, &authenticator.answer(world, &page, &page)).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_answers_the_page_that_asks_at_this_server_and_once() {
    on_every_store(async |world| {
        let mut authenticator = Authenticator::of(&world).await;
        let (browser, shown) = page(&world).await;
        let (_, elsewhere) = page(&world).await;
        let of_another_page = authenticator.answer(&world, &shown, &elsewhere);
        assert_eq!(browser.post(PATH, &of_another_page).await.status, 400, "of another page");
        for origin in ["https://evil.test", "http://localhost", "http://localhost.evil.test"] {
            let honest = std::mem::replace(&mut authenticator.origin, origin.to_owned());
            assert_eq!(signed_in(&world, &authenticator).await, 400, "made at {origin}");
            authenticator.origin = honest;
        }
        authenticator.relying_party = "evil.test";
        assert_eq!(signed_in(&world, &authenticator).await, 400, "for another host");
        authenticator.relying_party = "localhost";
        let own = std::mem::replace(&mut authenticator.pair, Ed25519KeyPair::generate().unwrap());
        assert_eq!(signed_in(&world, &authenticator).await, 400, "by another key");
        authenticator.pair = own;
        let answer = authenticator.answer(&world, &shown, &shown);
        assert_eq!(browser.post(PATH, &answer).await.status, 303);
        assert_ne!(browser.post(PATH, &answer).await.status, 303, "a second time");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_that_has_a_copy_opens_nothing_any_more() {
    on_every_store(async |world| {
        let mut authenticator = Authenticator::of(&world).await;
        assert_eq!(signed_in(&world, &authenticator).await, 303);
        assert_eq!(signed_in(&world, &authenticator).await, 400, "counts as it did");
        authenticator.counter = 60;
        assert_eq!(signed_in(&world, &authenticator).await, 400, "whichever of the two it is");
    })
    .await;
}
