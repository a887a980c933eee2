//! Secrets of clients: made here, told once, replaced while the old one still works.

use jiff::{SignedDuration, Timestamp};

use super::clients::{ChangedClient, ClientError, has_secret};
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::records::client::{CLIENT, Client, ClientSecret};
use crate::engine::issuer::refresh_token::token_digest;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::random::unguessable;
use crate::ports::store::{Commit, Expected};
use crate::secret::Secret;

/// What every client secret begins with, so that people and secret scanners know what they have found.
pub const CLIENT_SECRET_PREFIX: &str = "bcs_";

impl AuthorizationServer {
    /// Gives a client another secret. Those it has work for `overlap` more, or as long as they would anyway if that is
    /// shorter; without overlap they end at once. `None`: there is no such client.
    pub async fn renew_client_secret(
        &self,
        id: &str,
        overlap: SignedDuration,
    ) -> Result<Option<ChangedClient>, ClientError> {
        loop {
            let Some(Stored { document: old, version }) = self.own_client(id).await? else { return Ok(None) };
            if !has_secret(&old.metadata) {
                return Err(ClientError::HasNoSecret { id: id.to_owned() });
            }
            let now = self.now();
            let secret = self.new_client_secret();
            let mut secrets = ending(&old.secrets, now, overlap);
            secrets.push(Self::stored_secret(&secret, now));
            // The oldest go first where somebody renews again and again.
            let superfluous = secrets.len().saturating_sub(MOST_SECRETS);
            secrets.drain(..superfluous);
            let client = Client { secrets, ..old };
            let event =
                Event::new(now, "client.secret_renewed", id).with("overlap_seconds", overlap.as_secs());
            let batch = document::put(self.change(event), &client, Expected::Version(version))?;
            match self.store().commit(batch).await?.value {
                Commit::Done(_) => return Ok(Some(ChangedClient { client, secret: Some(secret) })),
                Commit::Conflict { .. } => self.within.known.doubt(CLIENT.name, id),
            }
        }
    }

    pub(super) fn new_client_secret(&self) -> Secret {
        Secret::new(format!("{CLIENT_SECRET_PREFIX}{}", unguessable(self.random()).expose()))
    }

    /// What is kept of a new secret.
    pub(super) fn stored_secret(secret: &Secret, now: Timestamp) -> ClientSecret {
        ClientSecret { digest: token_digest(secret).0, created_at: now, expires_at: None }
    }
}

/// Those of `secrets` that still work, until the overlap is over.
fn ending(secrets: &[ClientSecret], now: Timestamp, overlap: SignedDuration) -> Vec<ClientSecret> {
    let end = now.saturating_add(overlap.max(SignedDuration::ZERO)).unwrap_or(Timestamp::MAX);
    let living = secrets.iter().map(|secret| ClientSecret {
        expires_at: Some(secret.expires_at.map_or(end, |earlier| earlier.min(end))),
        ..secret.clone()
    });
    living.filter(|secret| secret.expires_at.is_some_and(|end| end > now)).collect()
}

/// All of them are compared with what a client shows.
const MOST_SECRETS: usize = 4;
