//! Sessions of browsers: a secret in a cookie, and who it stands for.

use jiff::Timestamp;

use super::AuthorizationServer;
use super::authorize::SignedIn;
use super::exchange::Source;
use super::records::browser_session::BrowserSession;
use super::records::user::User;
use super::refresh_token::token_digest;
use super::refusal::IssueError;
use crate::ports::document;
use crate::ports::event::Event;
use crate::ports::random::unguessable;
use crate::ports::store::{Commit, Expected};
use crate::secret::Secret;

impl AuthorizationServer {
    /// Signs `user` in, in the browser that will hold the cookie's value, which is told once.
    pub async fn begin_session(
        &self,
        user: &User,
        methods: &[&str],
        source: &Source,
    ) -> Result<Secret, IssueError> {
        let now = self.now();
        let cookie = unguessable(self.random());
        let lifetime = self.rules().lifetimes.browser_session;
        let session = BrowserSession {
            digest: token_digest(&cookie).0,
            id: self.new_name(),
            user: user.id.clone(),
            signed_in_at: now,
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            address: source.address.map(|address| address.to_string()),
            user_agent: source.user_agent.clone(),
            expires_at: now.saturating_add(lifetime).unwrap_or(Timestamp::MAX),
        };
        let event = Event::new(now, "session.began", session.id.clone()).with("user", user.id.clone());
        let batch = document::put(self.engine().batch().event(event), &session, Expected::Absent)?;
        self.store().commit(batch).await?;
        Ok(cookie)
    }

    /// Who is signed in with this cookie.
    pub async fn session_of(&self, cookie: &Secret) -> Result<Option<SignedIn>, IssueError> {
        let digest = token_digest(cookie).0;
        let session = document::get::<BrowserSession>(self.store(), self.space(), &digest).await?.value;
        let Some(session) = session.map(|session| session.document) else { return Ok(None) };
        let user = self.within.known.user(&session.user).await?;
        let user = user.filter(|user| self.counts(&session, &user.document));
        Ok(user.map(|user| SignedIn {
            session: session.id,
            user,
            at: session.signed_in_at,
            methods: session.methods,
        }))
    }

    /// Whether a session of `user` that has not ended still says who somebody is.
    pub(super) fn counts(&self, session: &BrowserSession, user: &User) -> bool {
        // A password that was changed ends what was begun with the old one.
        !user.disabled
            && user.password_changed_at.is_none_or(|changed| changed <= session.signed_in_at)
            && self.rules().allowed_users.contains(user)
    }

    /// Signs out. `false`: nobody was signed in.
    pub async fn end_session(&self, cookie: &Secret) -> Result<bool, IssueError> {
        let digest = token_digest(cookie).0;
        let session = document::get::<BrowserSession>(self.store(), self.space(), &digest).await?.value;
        let Some(session) = session else { return Ok(false) };
        let event = Event::new(self.now(), "session.ended", session.document.id.clone())
            .with("user", session.document.user.clone());
        let kind = <BrowserSession as document::Document>::KIND;
        let batch = self.engine().batch().event(event).delete(kind, digest, session.version);
        Ok(matches!(self.store().commit(batch).await?.value, Commit::Done(_)))
    }
}
