//! The sessions of one user in all their browsers: seen, and ended from elsewhere.
//!
//! A change of a user that ends their sessions makes them count no more in its own commit, and owes in that commit what their
//! clients must hear. Whoever has made the change ends them next; the server does it for those that came to no end.

use super::AuthorizationServer;
use super::records::browser_session::{BROWSER_SESSION, BrowserSession};
use super::records::sign_out::{SIGN_OUT, SignOut};
use super::refusal::IssueError;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Batch, Expected, Page, StoreError};

impl AuthorizationServer {
    /// Where a user is signed in, the latest sign-in first.
    pub async fn sessions(&self, user: &str) -> Result<Vec<BrowserSession>, IssueError> {
        let Some(known) = self.within.known.user(user).await? else { return Ok(Vec::new()) };
        let sessions = self.of_user::<BrowserSession>(user).await?;
        let mut sessions: Vec<BrowserSession> = sessions
            .into_iter()
            .map(|session| session.document)
            .filter(|session| self.counts(session, &known.document))
            .collect();
        sessions.sort_by_key(|session| std::cmp::Reverse((session.signed_in_at, session.id.clone())));
        Ok(sessions)
    }

    /// Ends the session of this name, if it is this user's. `false`: there is none.
    pub async fn end_session_by_id(&self, user: &str, id: &str) -> Result<bool, IssueError> {
        match self.session_by_id(id).await? {
            Some(session) if session.document.user == user => {
                self.end_session_at(&session.document.digest, &[("cause", "ended_elsewhere")]).await
            }
            _ => Ok(false),
        }
    }

    /// Ends all sessions of a user but the one named `kept`: signs them out everywhere. How many.
    pub async fn end_all_sessions(&self, user: &str, kept: Option<&str>) -> Result<usize, IssueError> {
        // Those that are owed now: what is owed later may be for sessions that are not seen here.
        let owed = self.of_user::<SignOut>(user).await?;
        let ended = self.end_sessions(user, |session| kept != Some(session.id.as_str())).await?;
        for owed in owed {
            self.end_owed(owed).await?;
        }
        Ok(ended)
    }

    /// Adds to a change of a user that their sessions are over, so that nothing is forgotten whoever dies when.
    pub(super) fn owing_sign_out(&self, batch: Batch, user: &str) -> Result<Batch, StoreError> {
        let owed = SignOut { id: self.new_name(), user: user.to_owned(), at: self.now() };
        document::put(batch, &owed, Expected::Absent)
    }

    /// Ends the sessions that are over and were not ended by whoever should have.
    pub(super) async fn end_what_is_over(&self) -> Result<(), IssueError> {
        let due = self.store().due(self.space(), &SIGN_OUT, self.now(), PAGE).await?.value;
        for record in &due.records {
            let ended = match document::decode(record) {
                Ok(owed) => self.end_owed(owed).await,
                Err(error) => Err(error.into()),
            };
            if let Err(error) = ended {
                tracing::warn!(%error, "sessions that are over are ended later");
            }
        }
        Ok(())
    }

    async fn end_owed(&self, owed: Stored<SignOut>) -> Result<(), IssueError> {
        let user = self.user(&owed.document.user).await?;
        // They may have signed in since.
        let is_over =
            |session: &BrowserSession| user.as_ref().is_none_or(|user| !self.counts(session, &user.document));
        self.end_sessions(&owed.document.user, is_over).await?;
        let batch = self.engine().batch().delete(&SIGN_OUT, owed.document.id, owed.version);
        // Who was quicker has done the same.
        self.store().commit(batch).await?;
        Ok(())
    }

    async fn end_sessions(
        &self,
        user: &str,
        is_over: impl Fn(&BrowserSession) -> bool,
    ) -> Result<usize, IssueError> {
        let now = self.now();
        let mut ended = 0;
        for session in self.of_user::<BrowserSession>(user).await? {
            let cause = [("cause", "signed_out_everywhere")];
            if is_over(&session.document) && self.end_session_at(&session.document.digest, &cause).await? {
                ended += 1;
            }
        }
        if ended > 0 {
            let event = Event::new(now, "user.signed_out", user).with("sessions", ended);
            self.store().append(self.space(), vec![event]).await?;
        }
        Ok(ended)
    }

    /// The session of this name, ended or not.
    pub(super) async fn session_by_id(&self, id: &str) -> Result<Option<Stored<BrowserSession>>, IssueError> {
        let found = self.store().find(self.space(), &BROWSER_SESSION, "id", id, Page::first(1)).await?.value;
        Ok(found.first().map(document::decode).transpose()?)
    }
}

/// More users than are changed in half a minute.
const PAGE: usize = 256;
