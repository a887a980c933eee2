//! Finding clients by their ids: stored ones, those whose id is the address of their metadata, and those whose id says
//! everything because nobody has consented to them yet.

use std::sync::Arc;

use super::AuthorizationServer;
use super::exchange::KnownClient;
use super::records::client::{Client, ClientOrigin};
use super::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::server::client_metadata::ClientMetadata;
use crate::oauth::server::metadata_document::ClientIdUrl;
use crate::ports::document::Stored;
use crate::ports::store::Expected;

impl AuthorizationServer {
    /// The client of this id.
    pub(super) async fn client_of(&self, id: &str) -> Result<KnownClient, IssueError> {
        loop {
            let stored = self.stored_client(id).await?;
            if stored.as_ref().is_some_and(|stored| stored.document.removed_at.is_some()) {
                return Err(unknown("it was removed").into());
            }
            let has_record = stored.is_some();
            let found = if ClientIdUrl::looks_like_one(id) {
                Box::pin(self.client_at(id, stored)).await?
            } else {
                Some(match stored {
                    Some(stored) => {
                        let expected = Expected::Version(stored.version);
                        KnownClient { document: stored.document, expected }
                    }
                    None => Box::pin(self.described_client(id)).await?,
                })
            };
            // Otherwise its record has just changed.
            if let Some(client) = found {
                if has_record && client.document.origin != ClientOrigin::Administrator {
                    Box::pin(self.note_client_use(id)).await;
                }
                return Ok(client);
            }
        }
    }

    /// What an administrator means by an id, whether it is stored or not; `None`: there is nothing to remove.
    pub(super) async fn removable_client(&self, id: &str) -> Result<Option<KnownClient>, IssueError> {
        if let Some(stored) = self.stored_client(id).await? {
            let expected = Expected::Version(stored.version);
            let is_there = stored.document.removed_at.is_none();
            return Ok(is_there.then_some(KnownClient { document: stored.document, expected }));
        }
        let document = if ClientIdUrl::looks_like_one(id) {
            self.client_to_come(id)
        } else {
            self.described_by_its_id(id).await?
        };
        Ok(document.map(|document| KnownClient { document: Arc::new(document), expected: Expected::Absent }))
    }

    /// The record of this id that still counts.
    pub(super) async fn stored_client(&self, id: &str) -> Result<Option<Stored<Arc<Client>>>, IssueError> {
        // RFC 6749 §2.2, Appendix A.1; what is longer is no address either.
        if id.len() > LONGEST_ID || !id.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Ok(None);
        }
        let now = self.now();
        let stored = self.within.known.client(id).await?;
        // The store does not say when a record has ended by itself.
        Ok(stored.filter(|stored| stored.document.forgotten_at.is_none_or(|end| end > now)))
    }

    async fn described_client(&self, id: &str) -> Result<KnownClient, IssueError> {
        let described = self.described_by_its_id(id).await?;
        let document = Arc::new(described.ok_or_else(|| unknown("no client has this id"))?);
        Ok(KnownClient { document, expected: Expected::Absent })
    }

    /// A place for the stone of a client whose document nobody here has read.
    fn client_to_come(&self, id: &str) -> Option<Client> {
        let url = ClientIdUrl::parse(id).ok()?;
        let said = serde_json::json!({
            "redirect_uris": [url.as_str()], "token_endpoint_auth_method": "none",
        });
        let now = self.now();
        Some(Client {
            id: id.to_owned(),
            origin: ClientOrigin::MetadataDocument { fetched_at: now, fresh_until: now },
            metadata: ClientMetadata::from_object(said.as_object()?).ok()?,
            secrets: Vec::new(),
            scope: None,
            rotates: true,
            created_at: now,
            removed_at: None,
            management: None,
            forgotten_at: None,
        })
    }
}

/// The longest address that may be an id.
const LONGEST_ID: usize = 2_000;

/// Programs that registered themselves do so again when they hear this.
pub(super) fn unknown(reason: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidClient, "the client is not known here; register it again").because(reason)
}
