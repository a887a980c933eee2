//! An authenticator of passkeys in place of a telephone's.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_core::engine::issuer::records::passkey::Passkey;
use bursar_core::ports::document;
use bursar_core::ports::store::{Batch, CommitId, Expected};
use serde_json::json;
use url::Url;

use super::browser::ticket;
use super::client::{Answer, Form};
use super::world::World;

/// A passkey of the usual user, on an authenticator that does what it is told.
pub(super) struct Authenticator {
    pub(super) pair: Ed25519KeyPair,
    pub(super) origin: String,
    pub(super) relying_party: &'static str,
    pub(super) counter: u32,
}

impl Authenticator {
    pub(super) async fn of(world: &World) -> Self {
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
        Self {
            pair,
            origin: Url::parse(&world.issuer).unwrap().origin().ascii_serialization(),
            relying_party: "localhost",
            counter: 6,
        }
    }

    /// Its answer to the page of `asked`, as the page of `shown` posts it.
    pub(super) fn answer(&self, world: &World, shown: &Answer, asked: &Answer) -> Form {
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

/// Where answers are posted.
pub(super) const PATH: &str = "/login/passkey";
const CREDENTIAL: &str = "AAECAwQFBgc";
