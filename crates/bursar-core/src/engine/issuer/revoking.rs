//! Ending tokens before their time: by the client (RFC 7009), by its user, by an administrator.

use jiff::{SignedDuration, Timestamp};

use super::AuthorizationServer;
use super::exchange::TokenRequest;
use super::records::family::{EndCause, FAMILY};
use super::records::grant::Grant;
use super::records::revoked::{Revoked, Subject};
use super::refusal::IssueError;
use crate::ports::document::{self, Document as _};
use crate::ports::event::Event;
use crate::ports::store::{Batch, Commit, Expected, Page};

impl AuthorizationServer {
    /// Ends the token a client shows, and all that came of the same login if it is a refresh token (RFC 7009 §2.1).
    ///
    /// A token that is none, or none of this client's, is passed over: what the client wants is so already, and nobody
    /// learns whose it is.
    pub(super) async fn revoke_shown(&self, request: &TokenRequest<'_>) -> Result<(), IssueError> {
        let shown = request.required_secret("token")?;
        if let Some(token) = self.secrets().await?.refresh_tokens.read(&shown) {
            loop {
                let Some(family) = self.family(&token.family.to_string()).await? else { return Ok(()) };
                if family.document.client != request.client().id || family.document.ended.is_some() {
                    return Ok(());
                }
                if self.end_family(&family, EndCause::Revoked, "the client gave its token back").await? {
                    return Ok(());
                }
            }
        }
        let Some(claims) = self.valid_access_token(&shown).await? else { return Ok(()) };
        if claims.client_id == request.client().id {
            let event = Event::new(self.now(), "access_token.revoked", claims.id.clone());
            let batch = self.engine().batch().event(event.with("client", claims.client_id));
            let batch = self.revoke_in(batch, Subject::Token(&claims.id)).await?;
            self.store().commit(batch).await?;
        }
        Ok(())
    }

    /// Takes back all that a user agreed to for a client. `false`: there was nothing.
    pub async fn withdraw_grant(&self, user: &str, client: &str) -> Result<bool, IssueError> {
        loop {
            let key = Grant::key_of(user, client);
            let grant = document::get::<Grant>(self.store(), self.space(), &key).await?.value;
            let Some(grant) = grant.filter(|grant| !grant.document.consents.is_empty()) else {
                return Ok(false);
            };
            let now = self.now();
            let ended = Subject::Grant(grant.document.mark());
            let event =
                Event::new(now, "grant.withdrawn", key.clone()).with("user", user).with("client", client);
            let withdrawn = grant.document.withdrawn(now, self.authorizations_end(&key).await?);
            let expected = Expected::Version(grant.version);
            let batch = document::put(self.change(event), &withdrawn, expected)?;
            let batch = self.revoke_in(batch, ended).await?;
            if let Commit::Done(_) = self.store().commit(batch).await?.value {
                return Ok(true);
            }
        }
    }

    /// When nothing can be left of what was issued under the grant of this key until now. Whatever that grant is made anew
    /// with must not be taken for it. The rules alone do not tell: what was issued under others keeps its end.
    async fn authorizations_end(&self, key: &str) -> Result<Timestamp, IssueError> {
        let mut end = until(self.now(), self.rules().longest_authorization());
        let mut page = Page::first(PAGE);
        loop {
            let families = self.store().find(self.space(), &FAMILY, "grant", key, page.clone()).await?.value;
            let ends = families.iter().map(|family| family.expires_at.unwrap_or(Timestamp::MAX));
            end = ends.fold(end, Timestamp::max);
            if families.len() < page.limit {
                return Ok(end.saturating_add(CLOCKS_APART).unwrap_or(Timestamp::MAX));
            }
            page.after = families.last().map(|family| family.key.clone());
        }
    }

    /// Adds the mark that ends every access token of `subject`.
    pub(super) async fn revoke_in(&self, batch: Batch, subject: Subject<'_>) -> Result<Batch, IssueError> {
        let now = self.now();
        let mark = Revoked { subject: subject.to_string(), until: until(now, self.rules().longest_token()) };
        let known = document::get::<Revoked>(self.store(), self.space(), &mark.key()).await?.value;
        let expected = known.map_or(Expected::Absent, |known| Expected::Version(known.version));
        Ok(document::put(batch, &mark, expected)?)
    }
}

fn until(now: Timestamp, longest: SignedDuration) -> Timestamp {
    now.saturating_add(longest).and_then(|end| end.saturating_add(TOLERANCE)).unwrap_or(Timestamp::MAX)
}

/// Tokens are taken a little beyond their end where clocks differ.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(1);
/// Far more than a clock is ever set back while something waits to be collected.
const CLOCKS_APART: SignedDuration = SignedDuration::from_hours(24);
/// Most users have one login with a client, or a few.
const PAGE: usize = 256;
