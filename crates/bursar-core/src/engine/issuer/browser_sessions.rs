//! Sessions of browsers: a secret in a cookie, and who it stands for.

use jiff::Timestamp;

use super::AuthorizationServer;
use super::authorize::SignedIn;
use super::exchange::Source;
use super::records::browser_session::{BROWSER_SESSION, BrowserSession};
use super::records::user::{USER, User};
use super::refresh_token::token_digest;
use super::refusal::IssueError;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::random::unguessable;
use crate::ports::store::{Batch, Commit, Expected, StoreError};
use crate::secret::Secret;

impl AuthorizationServer {
    /// Signs `user` in, in the browser that will hold the cookie's value, which is told once.
    ///
    /// The session that was there is over with that. If it was the same user's, it goes on under the new cookie with its name,
    /// so that its clients still hear of its end; else its clients hear of it now.
    ///
    /// # Errors
    /// What `user` was found to be by has changed meanwhile, or the store cannot be used.
    pub async fn begin_session(
        &self,
        user: &User,
        methods: &[&str],
        source: &Source,
    ) -> Result<Secret, IssueError> {
        let cookie = unguessable(self.random());
        loop {
            let known = self.still_the_same(user).await?;
            let mut session = self.new_session(&cookie, &known.document, methods, source);
            let (mut name, mut is_told) = ("session.began", false);
            let batch = self.engine().batch();
            let mut batch = batch.guard(&USER, user.id.clone(), Expected::Version(known.version));
            if let Some(before) = self.session_in(source).await? {
                if self.goes_on(&before.document, &known.document) {
                    (session.id, session.clients) = (before.document.id, before.document.clients);
                    batch = batch.delete(&BROWSER_SESSION, before.document.digest, before.version);
                    name = "session.renewed";
                } else {
                    is_told = !before.document.clients.is_empty();
                    batch = self.ending(batch, &before, &[("cause", "replaced")])?;
                }
            }
            let event =
                Event::new(session.signed_in_at, name, session.id.clone()).with("user", user.id.clone());
            let batch = document::put(batch.event(event), &session, Expected::Absent)?;
            match self.store().commit(batch).await?.value {
                Commit::Done(_) => {
                    if is_told {
                        self.tell_soon();
                    }
                    return Ok(cookie);
                }
                Commit::Conflict { kind, key } => self.within.known.doubt(kind, &key),
            }
        }
    }

    /// Who is signed in with this cookie.
    pub async fn session_of(&self, cookie: &Secret) -> Result<Option<SignedIn>, IssueError> {
        self.within.known.in_service().await?;
        let session = self.session_at(&token_digest(cookie).0).await?;
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
            && user.epoch == session.user_epoch
            && user.password_changed_at.is_none_or(|changed| changed <= session.signed_in_at)
            && self.rules().allowed_users.contains(user)
    }

    /// Signs out. `false`: nobody was signed in.
    pub async fn end_session(&self, cookie: &Secret) -> Result<bool, IssueError> {
        self.end_session_at(&token_digest(cookie).0, &[]).await
    }

    /// Ends the session at this place, and has its clients told. The event has these facts. `false`: there is none.
    pub(super) async fn end_session_at(
        &self,
        digest: &str,
        facts: &[(&str, &str)],
    ) -> Result<bool, IssueError> {
        loop {
            let Some(session) = self.session_at(digest).await? else { return Ok(false) };
            let batch = self.ending(self.engine().batch(), &session, facts)?;
            if let Commit::Done(_) = self.store().commit(batch).await?.value {
                if !session.document.clients.is_empty() {
                    self.tell_soon();
                }
                return Ok(true);
            }
        }
    }

    /// Adds the end of a session, with what its clients are owed.
    fn ending(
        &self,
        batch: Batch,
        session: &Stored<BrowserSession>,
        facts: &[(&str, &str)],
    ) -> Result<Batch, IssueError> {
        let Stored { document: session, version } = session;
        let event =
            Event::new(self.now(), "session.ended", session.id.clone()).with("user", session.user.clone());
        let event = facts.iter().fold(event, |event, (fact, value)| event.with(fact, *value));
        let batch = batch.event(event).delete(&BROWSER_SESSION, session.digest.clone(), *version);
        self.with_notices(batch, session)
    }

    /// The user of this id, if nothing has changed since by which somebody was found to be `user`: nobody signs in with a
    /// password that was changed while it was looked at.
    async fn still_the_same(&self, user: &User) -> Result<Stored<User>, StoreError> {
        let is_same =
            |known: &User| known.epoch == user.epoch && known.password_changed_at == user.password_changed_at;
        let known = self.user(&user.id).await?.filter(|known| is_same(&known.document));
        known.ok_or_else(|| StoreError::Unavailable("the user has just been changed".to_owned()))
    }

    fn goes_on(&self, before: &BrowserSession, user: &User) -> bool {
        before.user == user.id && self.counts(before, user)
    }

    fn new_session(&self, cookie: &Secret, user: &User, methods: &[&str], source: &Source) -> BrowserSession {
        let now = self.now();
        let lifetime = self.rules().lifetimes.browser_session;
        BrowserSession {
            digest: token_digest(cookie).0,
            id: self.new_name(),
            user: user.id.clone(),
            user_epoch: user.epoch,
            signed_in_at: now,
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            address: source.address.map(|address| address.to_string()),
            user_agent: source.user_agent.clone(),
            clients: Vec::new(),
            expires_at: now.saturating_add(lifetime).unwrap_or(Timestamp::MAX),
        }
    }

    /// The session in this browser.
    async fn session_in(&self, source: &Source) -> Result<Option<Stored<BrowserSession>>, StoreError> {
        match &source.session {
            Some(cookie) => self.session_at(&token_digest(cookie).0).await,
            None => Ok(None),
        }
    }

    async fn session_at(&self, digest: &str) -> Result<Option<Stored<BrowserSession>>, StoreError> {
        Ok(document::get::<BrowserSession>(self.store(), self.space(), digest).await?.value)
    }
}
