//! A panic prints what is in scope only if somebody formats it; nothing that holds a secret can be formatted into one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bursar_core::oauth::client_authentication::{Client, ClientAuthentication};
use bursar_core::oauth::token::TokenSet;
use bursar_core::ports::key_source::MasterKey;
use bursar_core::ports::upstream::{Body, Request};
use bursar_core::secret::Secret;

const PLANTED: &str = "planted-secret-5f0c2a917be34d68";

/// The message of the panic that `act` ends in.
fn message(act: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(act)).expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().unwrap()).to_owned(),
    }
}

fn tokens() -> TokenSet {
    TokenSet {
        access_token: Secret::new(PLANTED),
        token_type: "Bearer".into(),
        refresh_token: Some(Secret::new(PLANTED)),
        id_token: Some(Secret::new(PLANTED)),
        scope: None,
        access_expires_at: None,
        refresh_expires_at: None,
        kept: serde_json::Map::new(),
    }
}

fn request() -> Request {
    let mut header = http::HeaderValue::from_str(&format!("Bearer {PLANTED}")).unwrap();
    header.set_sensitive(true);
    http::Request::post("https://example.com/token")
        .header("authorization", header)
        .body(Body::new(format!("refresh_token={PLANTED}")))
        .unwrap()
}

#[test]
#[expect(clippy::unnecessary_literal_unwrap, reason = "the message of unwrapping a secret is what is tested")]
fn a_panic_with_a_secret_at_hand_prints_nothing_secret() {
    let secret = || Secret::new(PLANTED);
    let client =
        || Client { id: "robot".into(), authentication: ClientAuthentication::Post(Secret::new(PLANTED)) };
    let messages = [
        message(|| Err::<(), _>(secret()).unwrap()),
        message(|| Err::<(), _>((1, Some(secret()))).expect("a secret is no error")),
        message(|| assert_eq!(secret(), Secret::new("another"))),
        message(|| panic!("{:?}", tokens())),
        message(|| panic!("{:#?}", client())),
        message(|| panic!("{:?}", request())),
        message(|| panic!("{:?}", MasterKey::new(*PLANTED.as_bytes().first_chunk().unwrap()))),
    ];
    for text in messages {
        assert!(!text.contains(PLANTED) && !text.contains("112, 108, 97"), "{text}");
        assert!(!text.is_empty());
    }
}

#[test]
fn a_panic_that_formats_a_plain_text_would_be_noticed() {
    assert!(message(|| panic!("{PLANTED}")).contains(PLANTED));
}
