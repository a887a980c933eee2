//! Clients that administrators look after, and the removal of any. Their secrets are in `super::client_secrets`.

use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::records::client::{CLIENT, Client, ClientOrigin};
use crate::engine::issuer::records::revoked::Subject;
use crate::engine::issuer::refusal::IssueError;
use crate::oauth::client_authentication::Method;
use crate::oauth::scope::Scope;
use crate::oauth::server::client_metadata::{ClientMetadata, ClientMetadataError};
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Commit, Expected, Page, StoreError};
use crate::secret::Secret;

/// What every client id made here begins with.
pub const CLIENT_PREFIX: &str = "cli_";
pub use super::client_secrets::CLIENT_SECRET_PREFIX;
use super::quotas::QuotaReached;

/// A client as an administrator wants it.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// What it says of itself.
    pub metadata: ClientMetadata,
    /// All it may ask for; `None`: whatever the resources offer.
    pub scope: Option<Scope>,
    /// Whether its refresh tokens are replaced with every use.
    pub rotates: bool,
}

/// A client after a change, and its new secret if it got one, which is told this once.
#[derive(Clone, Debug)]
pub struct ChangedClient {
    /// The client.
    pub client: Client,
    /// Its new secret.
    pub secret: Option<Secret>,
}

/// Why a client was not added or changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// What it would say of itself is not acceptable.
    #[error("the client cannot be like this")]
    Metadata(#[from] ClientMetadataError),
    /// Whoever gets hold of its refresh token could use it for ever (RFC 9700 §2.2.2).
    #[error("a client whose tokens are bound to no key must get a new refresh token with every use")]
    MustRotate,
    /// It brought itself, and what it says is changed where it comes from.
    #[error("the client `{id}` looks after itself")]
    LooksAfterItself {
        /// The client.
        id: String,
    },
    /// It proves itself in another way, or not at all.
    #[error("the client `{id}` does not prove itself with a secret")]
    HasNoSecret {
        /// The client.
        id: String,
    },
    /// There are as many as there may be.
    #[error(transparent)]
    Full(#[from] QuotaReached),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be decided now.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl AuthorizationServer {
    /// Adds a client, and tells its secret once if it has one.
    pub async fn add_client(&self, wish: NewClient) -> Result<(Client, Option<Secret>), ClientError> {
        let now = self.now();
        let NewClient { metadata, scope, rotates } = wish;
        check(&metadata, rotates)?;
        self.room_for_client().await??;
        let secret = has_secret(&metadata).then(|| self.new_client_secret());
        let client = Client {
            id: format!("{CLIENT_PREFIX}{}", self.new_name()),
            origin: ClientOrigin::Administrator,
            metadata,
            secrets: secret.iter().map(|secret| Self::stored_secret(secret, now)).collect(),
            scope,
            rotates,
            created_at: now,
            removed_at: None,
            management: None,
            forgotten_at: None,
        };
        let batch = self.change(Event::new(now, "client.added", client.id.clone()));
        let batch = document::put(batch, &client, Expected::Absent)?;
        self.store().commit(batch).await?;
        Ok((client, secret))
    }

    /// The client of this id, removed ones included.
    pub async fn client(&self, id: &str) -> Result<Option<Stored<Client>>, IssueError> {
        Ok(document::get::<Client>(self.store(), self.space(), id).await?.value)
    }

    /// Clients in the order of their ids, removed ones included: at most `limit`, after the id `after`.
    pub async fn clients(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Stored<Client>>, StoreError> {
        let page = Page { after: after.map(str::to_owned), limit };
        let records = self.store().list(self.space(), &CLIENT, page).await?.value;
        records.iter().map(document::decode).collect()
    }

    /// Changes metadata, scope and rotation of a client that an administrator added; whatever else `change` does is undone.
    /// One that begins to prove itself with a secret gets one. `None`: there is no such client.
    pub async fn update_client(
        &self,
        id: &str,
        change: &(dyn Fn(&mut Client) + Send + Sync),
    ) -> Result<Option<ChangedClient>, ClientError> {
        loop {
            let Some(Stored { document: old, version }) = self.own_client(id).await? else { return Ok(None) };
            let mut wanted = old.clone();
            change(&mut wanted);
            let Client { metadata, scope, rotates, .. } = wanted;
            let metadata = ClientMetadata::from_object(&metadata.to_object())?;
            check(&metadata, rotates)?;
            let needs = has_secret(&metadata);
            let secret = (needs && old.secrets.is_empty()).then(|| self.new_client_secret());
            let mut secrets = if needs { old.secrets.clone() } else { Vec::new() };
            secrets.extend(secret.iter().map(|secret| Self::stored_secret(secret, self.now())));
            let client = Client { metadata, secrets, scope, rotates, ..old.clone() };
            if client == old {
                return Ok(Some(ChangedClient { client, secret }));
            }
            let batch = self.change(Event::new(self.now(), "client.changed", id));
            let batch = document::put(batch, &client, Expected::Version(version))?;
            match self.store().commit(batch).await?.value {
                Commit::Done(_) => return Ok(Some(ChangedClient { client, secret })),
                Commit::Conflict { .. } => self.within.known.doubt(CLIENT.name, id),
            }
        }
    }

    /// Removes a client. A stone stays in its place, so that it hears that it is not known any more, and does not come
    /// back by itself. Everything issued to it ends. `false`: there was none.
    pub async fn remove_client(&self, id: &str) -> Result<bool, IssueError> {
        loop {
            let Some(known) = self.removable_client(id).await? else { return Ok(false) };
            let now = self.now();
            let stone = Client {
                secrets: Vec::new(),
                removed_at: Some(now),
                forgotten_at: None,
                ..(*known.document).clone()
            };
            let batch = self.change(Event::new(now, "client.removed", id));
            let batch = document::put(batch, &stone, known.expected)?;
            let batch = self.revoke_in(batch, Subject::Client(id)).await?;
            match self.store().commit(batch).await?.value {
                Commit::Done(_) => return Ok(true),
                Commit::Conflict { .. } => self.within.known.doubt(CLIENT.name, id),
            }
        }
    }

    /// A client that administrators look after; `None`: there is none, or not any more.
    pub(super) async fn own_client(&self, id: &str) -> Result<Option<Stored<Client>>, ClientError> {
        let client = self.client(id).await?.filter(|client| client.document.removed_at.is_none());
        match &client {
            Some(client) if client.document.origin != ClientOrigin::Administrator => {
                Err(ClientError::LooksAfterItself { id: id.to_owned() })
            }
            _ => Ok(client),
        }
    }
}

/// Whether a client proves itself with a secret.
pub(super) fn has_secret(metadata: &ClientMetadata) -> bool {
    matches!(metadata.token_endpoint_auth_method, Method::Basic | Method::Post)
}

fn check(metadata: &ClientMetadata, rotates: bool) -> Result<(), ClientError> {
    if rotates || metadata.dpop_bound_access_tokens { Ok(()) } else { Err(ClientError::MustRotate) }
}
