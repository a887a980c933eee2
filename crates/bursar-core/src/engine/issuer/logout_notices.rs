//! Notes of what clients must be told when a session of their user ends (OIDC Back-Channel Logout 1.0).
//!
//! A session knows which clients have an ID token that names it. Its end writes a notice for each of them in the same
//! commit; whoever ended it waits for none of them. The telling is in `super::telling`.

use jiff::{SignedDuration, Timestamp};

use super::AuthorizationServer;
use super::records::browser_session::BrowserSession;
use super::records::client::Client;
use super::records::family::Family;
use super::records::logout_notice::LogoutNotice;
use super::refresh_token::token_digest;
use super::refusal::IssueError;
use crate::ports::document::{self, Stored};
use crate::ports::store::{Batch, Expected};
use crate::secret::Secret;

impl AuthorizationServer {
    /// Adds to the beginning of a family that its client is told when the session ends in which its user agreed, if it
    /// wants to be. One that has ended meanwhile is told of at once.
    pub(super) async fn telling_its_end(
        &self,
        batch: Batch,
        client: &Client,
        family: &Family,
    ) -> Result<Batch, IssueError> {
        let wants = client.metadata.backchannel_logout_uri.is_some() && family.scope.contains("openid");
        let Some(session) = family.sign_in.session.as_deref().filter(|_| wants) else { return Ok(batch) };
        let Some(Stored { document: mut session, version }) = self.session_by_id(session).await? else {
            // It needs a moment to take note of the session first.
            let at = family.began_at.saturating_add(HEAD_START).unwrap_or(Timestamp::MAX);
            let notice = self.notice(&client.id, &family.user, session, at);
            return self.once_more(batch, notice).await;
        };
        // Who was here last is told, if not all can be.
        session.clients.retain(|known| *known != client.id);
        if session.clients.len() >= MOST_CLIENTS {
            tracing::warn!(session = session.id, "so many clients that the first is not told of its end");
            session.clients.remove(0);
        }
        session.clients.push(client.id.clone());
        // Written even if it says nothing new: who ends it at this moment must notice.
        Ok(document::put(batch, &session, Expected::Version(version))?)
    }

    /// Adds a notice of a session that has ended before, of which its client may be about to hear already: however many codes
    /// of it are redeemed, there is one.
    async fn once_more(&self, batch: Batch, notice: LogoutNotice) -> Result<Batch, IssueError> {
        let known = document::get::<LogoutNotice>(self.store(), self.space(), &notice.id).await?.value;
        let (attempts, expected) = match known {
            Some(known) => (known.document.attempts, Expected::Version(known.version)),
            None => (0, Expected::Absent),
        };
        Ok(document::put(batch, &LogoutNotice { attempts, ..notice }, expected)?)
    }

    /// Adds what the end of a session needs so that its clients are told.
    pub(super) fn with_notices(
        &self,
        mut batch: Batch,
        session: &BrowserSession,
    ) -> Result<Batch, IssueError> {
        for client in &session.clients {
            let notice = self.notice(client, &session.user, &session.id, self.now());
            batch = document::put(batch, &notice, Expected::Absent)?;
        }
        Ok(batch)
    }

    fn notice(&self, client: &str, user: &str, session: &str, at: Timestamp) -> LogoutNotice {
        LogoutNotice {
            id: token_digest(&Secret::new(format!("{client}\n{session}"))).0,
            client: client.to_owned(),
            user: user.to_owned(),
            session: session.to_owned(),
            ended_at: self.now(),
            attempts: 0,
            next_try: at,
        }
    }
}

/// Whoever has just got tokens has them written down by then.
const HEAD_START: SignedDuration = SignedDuration::from_secs(5);
/// More than anybody uses in a week; an id has up to 2,000 characters, and all of them are read with every request.
const MOST_CLIENTS: usize = 50;
