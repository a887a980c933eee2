//! The sessions of one user in all their browsers: seen, and ended from elsewhere.

use super::AuthorizationServer;
use super::records::browser_session::{BROWSER_SESSION, BrowserSession};
use super::refusal::IssueError;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Commit, Page};

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
            Some(session) if session.document.user == user => self.end(session, "ended_elsewhere").await,
            _ => Ok(false),
        }
    }

    /// Ends all sessions of a user but the one named `kept`: signs them out everywhere. How many.
    pub async fn end_all_sessions(&self, user: &str, kept: Option<&str>) -> Result<usize, IssueError> {
        let now = self.now();
        let mut ended = 0;
        for session in self.of_user::<BrowserSession>(user).await? {
            if kept == Some(session.document.id.as_str()) {
                continue;
            }
            if self.end(session, "signed_out_everywhere").await? {
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

    async fn end(&self, session: Stored<BrowserSession>, cause: &str) -> Result<bool, IssueError> {
        let Stored { document, version } = session;
        let event = Event::new(self.now(), "session.ended", document.id.clone())
            .with("user", document.user.clone())
            .with("cause", cause);
        let batch = self.engine().batch().event(event).delete(&BROWSER_SESSION, document.digest, version);
        Ok(matches!(self.store().commit(batch).await?.value, Commit::Done(_)))
    }
}
