//! Passkeys: an answer opens for the page that asked, at this server, once, and not from a copy.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_core::engine::issuer::records::passkey::Passkey;
use bursar_core::ports::document;
use bursar_core::ports::store::{Batch, CommitId, Expected};
use serde_json::json;

use super::on_every_store;
use crate::issuing::browser::{Browser, is_sign_in, ticket};
use crate::issuing::client::{Answer, Form};
use crate::issuing::world::World;

/// A passkey of the usual user, on an authenticator that does what it is told.
struct Authenticator {
    pair: Ed25519KeyPair,
    origin: String,
    relying_party: &'static str,
    counter: u32,
}

impl Authenticator {
    async fn of(world: &World) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        // RFC 9053 §7.2: {1: OKP, 3: EdDSA, -1: Ed25519, -2: x}.
        let key = [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32][..], pair.public_key().as_ref()].concat();
        let passkey = Passkey {
            credential: CREDENTIAL.to_owned(),
            user: world.user.id.clone(),
            name: "Telephone".to_owned(),
            key: URL_SAFE_NO_PAD.encode(key),
            counter: 5,
            is_backed_up: false,
            created_at: world.now(),
            used_at: None,
            copied_at: None,
        };
        let engine = world.server.engine();
        let batch = Batch::new(engine.space().clone(), CommitId("a passkey".to_owned()));
        let batch = document::put(batch, &passkey, Expected::Absent).unwrap();
        engine.ports().store.commit(batch).await.unwrap();
        Self { pair, origin: world.issuer.clone(), relying_party: "localhost", counter: 6 }
    }

    /// Its answer to the page of `asked`, as the page of `shown` posts it.
    fn answer(&self, world: &World, shown: &Answer, asked: &Answer) -> Form {
        let question = world.server.passkey_question(&ticket(asked)).unwrap();
        let client_data =
            json!({ "type": "webauthn.get", "challenge": question.challenge, "origin": self.origin })
                .to_string();
        let mut data = digest(&SHA256, self.relying_party.as_bytes()).as_ref().to_vec();
        // Somebody was there, and it was made sure who.
        data.push(0x05);
        data.extend(self.counter.to_be_bytes());
        let hash = digest(&SHA256, client_data.as_bytes());
        let signature = self.pair.sign(&[&data[..], hash.as_ref()].concat());
        Form::of(&[
            ("ticket", &ticket(shown)),
            ("credential", CREDENTIAL),
            ("client_data", &URL_SAFE_NO_PAD.encode(client_data)),
            ("authenticator_data", &URL_SAFE_NO_PAD.encode(data)),
            ("signature", &URL_SAFE_NO_PAD.encode(signature)),
            ("user_handle", &URL_SAFE_NO_PAD.encode(&world.user.id)),
        ])
    }
}

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

const PATH: &str = "/login/passkey";
const CREDENTIAL: &str = "AAECAwQFBgc";
