//! What a page with passkeys carries for the script: questions for the browser, and words for what may go wrong.

use bursar_core::engine::issuer::passkeys::PasskeyQuestion;
use serde_json::json;

use super::foreign::Foreign;
use super::form::Form;

/// A form that a passkey fills in.
#[derive(Clone, Copy, Debug)]
pub struct PasskeyForm<'a> {
    /// Where the answer is posted, with the ticket that the challenge was made from.
    pub form: Form<'a>,
    /// What the browser is asked.
    pub question: &'a PasskeyQuestion,
    /// What asks it: a path of this server.
    pub script: &'a str,
}

/// Whom a new passkey is for, as an authenticator shows them.
#[derive(Clone, Copy, Debug)]
pub struct PasskeyOwner<'a> {
    /// What the server knows them by.
    pub id: &'a str,
    /// What they type.
    pub username: Foreign<'a>,
    /// What they are called.
    pub name: Foreign<'a>,
}

impl PasskeyForm<'_> {
    /// The question for `navigator.credentials.get` (Web Authentication §5.5); the script turns texts into bytes.
    pub(super) fn to_get(self) -> String {
        json!({
            "challenge": self.question.challenge,
            "rpId": self.question.relying_party,
            "userVerification": "required",
            "timeout": PATIENCE,
        })
        .to_string()
    }

    /// The question for `navigator.credentials.create` (Web Authentication §5.4).
    pub(super) fn to_create(self, server: &str, owner: &PasskeyOwner<'_>) -> String {
        let algorithms =
            self.question.algorithms.map(|number| json!({ "type": "public-key", "alg": number }));
        let known = self.question.known.iter().map(|id| json!({ "type": "public-key", "id": id }));
        json!({
            "challenge": self.question.challenge,
            "rp": { "id": self.question.relying_party, "name": server },
            "user": { "id": owner.id, "name": shown(owner.username), "displayName": shown(owner.name) },
            "pubKeyCredParams": algorithms,
            "excludeCredentials": known.collect::<Vec<_>>(),
            "authenticatorSelection": { "residentKey": "required", "requireResidentKey": true, "userVerification": "required" },
            "attestation": "none",
            "timeout": PATIENCE,
        })
        .to_string()
    }
}

fn shown(name: Foreign<'_>) -> String {
    name.as_name().to_string()
}

/// Milliseconds: somebody looks for a key in a drawer.
const PATIENCE: u32 = 300_000;
