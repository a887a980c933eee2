//! The answer to a registration (RFC 7591 §3.2.1, RFC 7592 §3).

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::ClientMetadata;
use crate::ports::upstream::Body;
use crate::secret::Secret;

/// What a new client learns.
#[derive(Clone, Copy, Debug)]
pub struct RegistrationAnswer<'a> {
    /// Its identifier.
    pub client_id: &'a str,
    /// When it was made.
    pub issued_at: Timestamp,
    /// Its secret, if it is to have one.
    pub secret: Option<&'a Secret>,
    /// When the secret ends; never, if nothing is said.
    pub secret_expires_at: Option<Timestamp>,
    /// The address and the token to read, change and remove the registration with (RFC 7592).
    pub management: Option<(&'a str, &'a Secret)>,
    /// What was registered, which may be less than what was asked.
    pub metadata: &'a ClientMetadata,
}

impl RegistrationAnswer<'_> {
    /// The answer's JSON.
    pub fn to_body(&self) -> Body {
        let metadata = self.metadata.to_object();
        let document = Document {
            client_id: self.client_id,
            client_id_issued_at: self.issued_at.as_second(),
            client_secret: self.secret.map(Secret::expose),
            client_secret_expires_at: self
                .secret
                .map(|_| self.secret_expires_at.map_or(0, Timestamp::as_second)),
            registration_client_uri: self.management.map(|(url, _)| url),
            registration_access_token: self.management.map(|(_, token)| token.expose()),
            metadata: &metadata,
        };
        // A buffer that grows leaves unwiped copies behind; secrets and addresses of ours stay far below what is added.
        let room = Value::Object(metadata.clone()).to_string().len() + 8 * 1024;
        Body::new(written(&document, room))
    }
}

#[derive(Serialize)]
struct Document<'a> {
    client_id: &'a str,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    // RFC 7591 §3.2.1: required beside a secret, and 0 for one that never ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_client_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_access_token: Option<&'a str>,
    #[serde(flatten)]
    metadata: &'a Map<String, Value>,
}

fn written(document: &Document<'_>, room: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(room);
    serde_json::to_writer(&mut bytes, document).expect("texts and numbers can always be written to memory");
    bytes
}
