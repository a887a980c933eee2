//! Clients that register themselves (RFC 7591).
//!
//! Anybody may, so nothing is stored: the id says who the client is, and its secret follows from the id. The first user
//! who agrees makes a record of it. How a client looks after its registration is in `management`, what becomes of records
//! nobody uses in `reaping`.

mod client_ids;
mod limits;
mod management;
mod reaping;

use jiff::{SignedDuration, Timestamp};

use self::client_ids::{ClientIds, Described, fingerprint};
use super::AuthorizationServer;
use super::exchange::Source;
use super::records::client::{CLIENT, Client, ClientOrigin, ClientSecret};
use super::refresh_token::token_digest;
use super::refusal::{IssueError, Refusal};
use super::scopes::without_administration;
use crate::identifier::Identifier;
use crate::oauth::client_authentication::Method;
use crate::oauth::error::ErrorCode;
use crate::oauth::server::client_metadata::{ClientMetadata, ClientMetadataError, RegistrationAnswer};
use crate::ports::document;
use crate::ports::event::Event;
use crate::ports::store::{Commit, Expected};
use crate::ports::upstream::Body;
use crate::secret::Secret;

pub use self::client_ids::{REGISTERED_PREFIX, REGISTRATION_TOKEN_PREFIX};
pub(super) use self::reaping::Housekeeping;

/// Where clients register, below the issuer. Each looks after its registration at `/{client_id}` below that.
pub const REGISTRATION_PATH: &str = "/oauth/register";

/// A registration as its client may know it.
#[derive(Debug)]
pub struct Registration {
    /// The client's id.
    pub client_id: String,
    /// When it was made.
    pub issued_at: Timestamp,
    /// Its secret, if it has one. It does not end by itself.
    pub secret: Option<Secret>,
    /// Where and with which token it looks after the registration (RFC 7592 §3). Only clients with a secret do: the others
    /// share their ids with all who say the same of themselves.
    pub management: Option<(String, Secret)>,
    /// What was registered, which may be less than what was asked.
    pub metadata: ClientMetadata,
}

impl Registration {
    /// The JSON that the client is answered with (RFC 7591 §3.2.1).
    pub fn to_body(&self) -> Body {
        RegistrationAnswer {
            client_id: &self.client_id,
            issued_at: self.issued_at,
            secret: self.secret.as_ref(),
            secret_expires_at: None,
            management: self.management.as_ref().map(|(url, token)| (url.as_str(), token)),
            metadata: &self.metadata,
        }
        .to_body()
    }
}

impl AuthorizationServer {
    /// Registers whoever says this of itself (RFC 7591 §3.1).
    ///
    /// # Errors
    /// `invalid_redirect_uri` or `invalid_client_metadata`, naming the member; `access_denied` where nobody may register;
    /// [`IssueError::TooMany`] where one network registers too many different programs.
    pub async fn register(&self, body: &[u8], source: &Source) -> Result<Registration, IssueError> {
        if !self.rules().open_registration {
            return Err(closed().into());
        }
        let metadata = read_metadata(body)?;
        let now = self.now();
        let has_secret = has_secret(&metadata);
        let name = has_secret.then(|| Identifier::new(now, self.random()));
        let secrets = self.secrets().await?;
        let ids = ClientIds(&secrets.registered_clients);
        let described = ids.describing(&metadata, name);
        let is_too_long = described.is_none();
        let id = described.unwrap_or_else(|| match name {
            Some(name) => format!("{REGISTERED_PREFIX}{name}"),
            None => ids.naming(&metadata),
        });
        let stored = self.stored_client(&id).await?;
        if stored.as_ref().is_some_and(|stored| stored.document.removed_at.is_some()) {
            return Err(removed().into());
        }
        // What somebody has agreed to is known well enough.
        let is_established = stored.is_some_and(|stored| stored.document.forgotten_at.is_none());
        if !is_established {
            self.admit_software(&fingerprint(&metadata), source).await?;
        }
        let client = registered(ids, &id, metadata, now);
        if is_too_long && !is_established {
            self.store_for_a_while(&client, source).await?;
        }
        Ok(self.answer(ids, client, now))
    }

    /// The client that an id describes; `None`: it describes none that may still be used.
    pub(super) async fn described_by_its_id(&self, id: &str) -> Result<Option<Client>, IssueError> {
        if !self.rules().open_registration || !id.starts_with(REGISTERED_PREFIX) {
            return Ok(None);
        }
        let secrets = self.secrets().await?;
        let ids = ClientIds(&secrets.registered_clients);
        let now = self.now();
        let described = ids.read(id).filter(|described| described.good_until().is_none_or(|end| end > now));
        Ok(described
            .map(|described| registered(ids, id, described.metadata, described.made_at.unwrap_or(now))))
    }

    /// Keeps a client that says too much for an id, until nobody will come with it any more.
    async fn store_for_a_while(&self, client: &Client, source: &Source) -> Result<(), IssueError> {
        let forgotten_at = Some(self.now().saturating_add(UNUSED_RECORD).unwrap_or(Timestamp::MAX));
        let record = Client { forgotten_at, ..client.clone() };
        let known = document::get::<Client>(self.store(), self.space(), &client.id).await?.value;
        match &known {
            None => self.admit_record(source).await?,
            // Agreed to, or removed, in this moment.
            Some(known) if known.document.forgotten_at.is_none() => return Ok(()),
            Some(_) => {}
        }
        let expected = known.as_ref().map_or(Expected::Absent, |known| Expected::Version(known.version));
        let event = Event::new(self.now(), "client.registered", client.id.clone());
        let batch = document::put(self.engine().batch().event(event), &record, expected)?;
        match self.store().commit(batch).await?.value {
            Commit::Done(_) => Ok(()),
            // Somebody has registered the same at the same time, or has just agreed to it.
            Commit::Conflict { .. } => {
                self.within.known.doubt(CLIENT.name, &client.id);
                Ok(())
            }
        }
    }

    fn answer(&self, ids: ClientIds<'_>, client: Client, issued_at: Timestamp) -> Registration {
        let has_secret = has_secret(&client.metadata);
        Registration {
            secret: has_secret.then(|| ids.secret(&client.id)),
            management: client
                .management
                .is_some()
                .then(|| (self.registration_address(&client.id), ids.management_token(&client.id))),
            issued_at,
            metadata: client.metadata,
            client_id: client.id,
        }
    }

    fn registration_address(&self, id: &str) -> String {
        format!("{}{REGISTRATION_PATH}/{id}", self.rules().issuer.as_str().trim_end_matches('/'))
    }
}

impl Described {
    /// Ids with a name of their own are taken for so long only, unless somebody agrees to them: what their clients change or
    /// give up has to be remembered until then.
    fn good_until(&self) -> Option<Timestamp> {
        Some(good_until(self.made_at?))
    }
}

fn good_until(made_at: Timestamp) -> Timestamp {
    made_at.saturating_add(UNUSED_ID).unwrap_or(Timestamp::MAX)
}

/// A client as its registration says. Secret and token are compared by their digests, like all others.
fn registered(ids: ClientIds<'_>, id: &str, metadata: ClientMetadata, now: Timestamp) -> Client {
    let has_secret = has_secret(&metadata);
    Client {
        id: id.to_owned(),
        origin: ClientOrigin::Registered,
        secrets: if has_secret { vec![derived_secret(ids, id, now)] } else { Vec::new() },
        metadata,
        scope: None,
        rotates: true,
        created_at: now,
        removed_at: None,
        management: has_secret.then(|| token_digest(&ids.management_token(id)).0),
        forgotten_at: None,
    }
}

fn derived_secret(ids: ClientIds<'_>, id: &str, now: Timestamp) -> ClientSecret {
    ClientSecret { digest: token_digest(&ids.secret(id)).0, created_at: now, expires_at: None }
}

fn has_secret(metadata: &ClientMetadata) -> bool {
    matches!(metadata.token_endpoint_auth_method, Method::Basic | Method::Post)
}

fn read_metadata(body: &[u8]) -> Result<ClientMetadata, Refusal> {
    of_a_stranger(ClientMetadata::read(body))
}

fn of_a_stranger(read: Result<ClientMetadata, ClientMetadataError>) -> Result<ClientMetadata, Refusal> {
    let metadata = read.and_then(ClientMetadata::for_anonymous).map_err(|error| refused(&error))?;
    Ok(without_administration(metadata))
}

fn refused(error: &ClientMetadataError) -> Refusal {
    Refusal::new(error.code(), error.description())
}

fn closed() -> Refusal {
    Refusal::new(
        ErrorCode::AccessDenied,
        "this server takes no registrations; ask whoever runs it for a client id",
    )
}

fn removed() -> Refusal {
    Refusal::new(ErrorCode::InvalidClientMetadata, "this client was removed by whoever runs the server")
}

/// Programs begin to use what they have registered within seconds.
const UNUSED_RECORD: SignedDuration = SignedDuration::from_hours(1);
/// As long as somebody may leave a half-done set-up alone.
const UNUSED_ID: SignedDuration = SignedDuration::from_hours(24 * 30);
