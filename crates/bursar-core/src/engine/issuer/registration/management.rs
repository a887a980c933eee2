//! How a client looks after its own registration (RFC 7592).

use jiff::Timestamp;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use super::client_ids::{ClientIds, fingerprint};
use super::{Registration, derived_secret, good_until, has_secret, of_a_stranger, refused};
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::exchange::{KnownClient, Source};
use crate::engine::issuer::records::client::{CLIENT, Client};
use crate::engine::issuer::records::revoked::Subject;
use crate::engine::issuer::refresh_token::token_digest;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::jose::read_object;
use crate::oauth::server::client_metadata::{ClientMetadata, ClientMetadataError};
use crate::ports::document;
use crate::ports::event::Event;
use crate::ports::store::{Commit, Expected};
use crate::secret::Secret;

impl AuthorizationServer {
    /// The registration that `token` is for (RFC 7592 §2.1).
    ///
    /// # Errors
    /// `invalid_token`, the same whether there is no such client, it has no such token, or the token is another's.
    pub async fn registration(&self, id: &str, token: &Secret) -> Result<Registration, IssueError> {
        let client = self.managed(id, token).await?;
        self.managed_answer((*client.document).clone(), token).await
    }

    /// Replaces what a client says of itself (RFC 7592 §2.2). What it leaves out is gone.
    ///
    /// # Errors
    /// As before, and as at the registration; `invalid_request` where the body is about another client.
    pub async fn change_registration(
        &self,
        id: &str,
        token: &Secret,
        body: &[u8],
        source: &Source,
    ) -> Result<Registration, IssueError> {
        loop {
            let KnownClient { document: known, expected } = self.managed(id, token).await?;
            let metadata = replacing(id, &known, body)?;
            self.admit_software(&fingerprint(&metadata), source).await?;
            self.admit_record(source).await?;
            let secrets = self.secrets().await?;
            let ids = ClientIds(&secrets.registered_clients);
            let changed = Client {
                secrets: match (has_secret(&metadata), known.secrets.is_empty()) {
                    (true, false) => known.secrets.clone(),
                    (true, true) => vec![derived_secret(ids, id, self.now())],
                    (false, _) => Vec::new(),
                },
                metadata,
                forgotten_at: unless_agreed(&known, expected),
                ..(*known).clone()
            };
            let event = Event::new(self.now(), "client.changed", id).with("by", "its registration token");
            let batch = document::put(self.engine().batch().event(event), &changed, expected)?;
            match self.store().commit(batch).await?.value {
                Commit::Done(_) => return self.managed_answer(changed, token).await,
                Commit::Conflict { .. } => self.within.known.doubt(CLIENT.name, id),
            }
        }
    }

    /// Gives a registration up (RFC 7592 §2.3). Everything issued to the client ends.
    ///
    /// # Errors
    /// As before.
    pub async fn withdraw_registration(
        &self,
        id: &str,
        token: &Secret,
        source: &Source,
    ) -> Result<(), IssueError> {
        loop {
            let client = self.managed(id, token).await?;
            // A stone is a record too.
            self.admit_record(source).await?;
            let now = self.now();
            // Whoever still has tokens of its users should hear that it is gone, and not that it never was.
            let remembered = now.saturating_add(self.rules().unused_client).unwrap_or(Timestamp::MAX);
            let forgotten_at = unless_agreed(&client.document, client.expected).unwrap_or(remembered);
            let stone = Client {
                secrets: Vec::new(),
                removed_at: Some(now),
                forgotten_at: Some(forgotten_at.max(good_until(client.document.created_at))),
                ..(*client.document).clone()
            };
            let event = Event::new(now, "client.removed", id).with("by", "its registration token");
            let batch = document::put(self.engine().batch().event(event), &stone, client.expected)?;
            let batch = self.revoke_in(batch, Subject::Client(id)).await?;
            match self.store().commit(batch).await?.value {
                Commit::Done(_) => return Ok(()),
                Commit::Conflict { kind, key } => self.within.known.doubt(kind, &key),
            }
        }
    }

    /// The client, if the token is the one it was given.
    async fn managed(&self, id: &str, token: &Secret) -> Result<KnownClient, IssueError> {
        let shown = token_digest(token).0;
        let client = match self.stored_client(id).await? {
            Some(stored) => {
                Some(KnownClient { document: stored.document, expected: Expected::Version(stored.version) })
            }
            None => self
                .described_by_its_id(id)
                .await?
                .map(|client| KnownClient { document: client.into(), expected: Expected::Absent }),
        };
        let client = client.filter(|client| client.document.removed_at.is_none());
        let expected = client.as_ref().and_then(|client| client.document.management.as_deref());
        // Something is compared in any case, so that the time tells nothing either.
        let fits = bool::from(expected.unwrap_or(NOBODYS).as_bytes().ct_eq(shown.as_bytes()));
        client.filter(|_| fits).ok_or_else(|| {
            Refusal::new(ErrorCode::InvalidToken, "the registration access token is not valid").into()
        })
    }

    async fn managed_answer(&self, client: Client, token: &Secret) -> Result<Registration, IssueError> {
        let secrets = self.secrets().await?;
        let secret = ClientIds(&secrets.registered_clients).secret(&client.id);
        // A secret made with keys that were since replaced is good and cannot be told again.
        let digest = token_digest(&secret).0;
        let is_current = client.secrets.iter().any(|known| known.digest == digest);
        Ok(Registration {
            issued_at: client.created_at,
            secret: is_current.then_some(secret),
            management: Some((self.registration_address(&client.id), token.clone())),
            metadata: client.metadata,
            client_id: client.id,
        })
    }
}

/// What nobody has agreed to yet is forgotten together with the id itself.
fn unless_agreed(known: &Client, expected: Expected) -> Option<Timestamp> {
    match expected {
        Expected::Absent => Some(good_until(known.created_at)),
        Expected::Version(_) => known.forgotten_at.map(|end| end.max(good_until(known.created_at))),
    }
}

/// RFC 7592 §2.2: the body names the client, may repeat its secret, and leaves alone what only the server says.
fn replacing(id: &str, known: &Client, body: &[u8]) -> Result<ClientMetadata, Refusal> {
    if body.len() > MAXIMUM_BYTES {
        return Err(refused(&ClientMetadataError::TooLarge { maximum: MAXIMUM_BYTES }));
    }
    let object = read_object(body).map_err(|error| refused(&error.into()))?;
    check_server_members(id, known, &object)?;
    of_a_stranger(ClientMetadata::from_object(&object))
}

fn check_server_members(id: &str, known: &Client, object: &Map<String, Value>) -> Result<(), Refusal> {
    let invalid = |description: &str| Err(Refusal::new(ErrorCode::InvalidRequest, description));
    if object.get("client_id").and_then(Value::as_str) != Some(id) {
        return invalid("`client_id` must be that of the registration");
    }
    if let Some(shown) = object.get("client_secret") {
        let digest = shown.as_str().map(|shown| token_digest(&Secret::new(shown)).0).unwrap_or_default();
        let fits = known
            .secrets
            .iter()
            .fold(false, |fits, secret| fits | bool::from(secret.digest.as_bytes().ct_eq(digest.as_bytes())));
        if !fits {
            return invalid("`client_secret` must be that of the registration, or not be there");
        }
    }
    match SERVERS_OWN.iter().find(|name| object.contains_key(**name)) {
        Some(name) => invalid(&format!("`{name}` must not be there")),
        None => Ok(()),
    }
}

const SERVERS_OWN: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];
/// As long as the digest of a token, and none.
const NOBODYS: &str = "-------------------------------------------";
/// As at the registration.
const MAXIMUM_BYTES: usize = 64 * 1024;
