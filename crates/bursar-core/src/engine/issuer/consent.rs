//! What a user agrees to, as it is recorded: the same for a code in a browser and for a device.

use super::AuthorizationServer;
use super::exchange::KnownClient;
use super::records::client::{CLIENT, Client};
use super::records::grant::{GRANT, Grant, GrantMark};
use super::records::user::USER;
use super::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::scope::Scope;
use crate::oauth::server::resource::ResourceSet;
use crate::ports::document::{self, Document as _, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Batch, Expected};

/// What a client wants in a user's name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish<'a> {
    /// The user's id.
    pub(super) user: &'a str,
    pub(super) client: &'a KnownClient,
    pub(super) resources: &'a ResourceSet,
    pub(super) scope: &'a Scope,
}

impl AuthorizationServer {
    /// The grant of this user for this client, if there ever was one.
    pub(super) async fn grant_of(
        &self,
        user: &str,
        client: &str,
    ) -> Result<Option<Stored<Grant>>, IssueError> {
        let key = Grant::key_of(user, client);
        Ok(document::get::<Grant>(self.store(), self.space(), &key).await?.value)
    }

    /// A batch for what is issued because the user agrees now: it records that, and stands on user and client.
    ///
    /// # Errors
    /// `access_denied`: nothing may be issued in the user's name any more, or there is no room for more.
    pub(super) async fn agreeing(&self, wish: &Wish<'_>) -> Result<(Batch, GrantMark), IssueError> {
        let batch = self.standing_on(wish).await?;
        let now = self.now();
        let known = self.grant_of(wish.user, &wish.client.document.id).await?;
        let expected = known.as_ref().map_or(Expected::Absent, |known| Expected::Version(known.version));
        if known.as_ref().is_none_or(|known| known.document.consents.is_empty()) {
            self.room_for_grant().await?.map_err(Refusal::from)?;
        }
        let before = known
            .map_or_else(|| Grant::new(wish.user, &wish.client.document.id, now), |known| known.document);
        let digest = wish.client.document.consent_digest();
        let grant = before.agreed(wish.resources, wish.scope, &digest, now);
        let event = Event::new(now, "grant.agreed", grant.key())
            .with("user", grant.user.clone())
            .with("client", grant.client.clone())
            .with("scope", wish.scope.to_string());
        Ok((document::put(batch.event(event), &grant, expected)?, grant.mark()))
    }

    /// A batch for what is issued because the user has agreed before.
    ///
    /// # Errors
    /// `access_denied` as before; `consent_required`: the consent was taken back in this moment.
    pub(super) async fn having_agreed(&self, wish: &Wish<'_>) -> Result<(Batch, GrantMark), IssueError> {
        let batch = self.standing_on(wish).await?;
        let digest = wish.client.document.consent_digest();
        let known = self.grant_of(wish.user, &wish.client.document.id).await?;
        let known = known.filter(|known| known.document.covers(wish.resources, wish.scope, &digest));
        let Some(Stored { document: grant, version }) = known else {
            return Err(Refusal::new(ErrorCode::ConsentRequired, "the user has not agreed to this").into());
        };
        Ok((batch.guard(&GRANT, grant.key(), Expected::Version(version)), grant.mark()))
    }

    async fn standing_on(&self, wish: &Wish<'_>) -> Result<Batch, IssueError> {
        let user = self.within.known.user(wish.user).await?;
        let Some(user) = user.filter(|user| !user.document.disabled) else {
            return Err(Refusal::new(ErrorCode::AccessDenied, "the user may not sign in any more").into());
        };
        let batch = self.engine().batch().guard(&USER, wish.user, Expected::Version(user.version));
        if wish.client.expected == Expected::Absent || wish.client.document.forgotten_at.is_some() {
            // From now on it stays.
            self.room_for_client().await?.map_err(Refusal::from)?;
        }
        with_client(batch, wish.client)
    }
}

/// The client must still be as it was; one that nobody has stored yet is stored with the first consent.
fn with_client(batch: Batch, client: &KnownClient) -> Result<Batch, IssueError> {
    let document = &*client.document;
    Ok(match client.expected {
        Expected::Absent => document::put(batch, document, Expected::Absent)?,
        // Stored for a while only: now it stays.
        Expected::Version(_) if document.forgotten_at.is_some() => {
            let stays = Client { forgotten_at: None, ..document.clone() };
            document::put(batch, &stays, client.expected)?
        }
        Expected::Version(_) => batch.guard(&CLIENT, document.id.clone(), client.expected),
    })
}
