//! Signing in with user name and password.
//!
//! Whoever fails learns nothing but that: an unknown name, a wrong password and a user who may not sign in take the same
//! time and give the same answer. How often it may be tried is for `super::guesses`.

use std::time::Duration;

use super::AuthorizationServer;
use super::administration::users::LONGEST_PASSWORD;
use super::exchange::Source;
use super::guesses::{GuessError, Place};
use super::records::user::User;
use super::refusal::IssueError;
use crate::ports::document::Stored;
use crate::ports::event::Event;
use crate::ports::passwords::Overloaded;
use crate::ports::store::StoreError;
use crate::secret::Secret;

/// What somebody types, and where.
#[derive(Clone, Debug)]
pub struct Credentials<'a> {
    /// The user name, whatever its case.
    pub username: &'a str,
    /// The password.
    pub password: Secret,
    /// The cookie of a browser in which somebody has signed in before.
    pub known_browser: Option<&'a Secret>,
}

/// Somebody is signed in.
#[derive(Clone, Debug)]
pub struct SignedInNow {
    /// Who.
    pub user: User,
    /// The value of the session's cookie, told once.
    pub cookie: Secret,
    /// The value of the cookie by which the browser is known from now on; see
    /// [`super::known_browsers::KNOWN_BROWSER_AGE`].
    pub known_browser: Secret,
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// User name and password do not fit each other, or that user may not sign in.
    #[error("user name and password do not fit each other")]
    Wrong,
    /// The password was not looked at: too many were wrong.
    #[error("too many wrong passwords; the next one is heard in {} s", .0.as_secs())]
    LockedFor(Duration),
    /// Too many passwords are being checked.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// It cannot be done now.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl AuthorizationServer {
    /// Signs somebody in with their password.
    pub async fn sign_in(
        &self,
        credentials: &Credentials<'_>,
        source: &Source,
    ) -> Result<SignedInNow, SignInError> {
        let user = self.user_named(credentials.username).await?;
        let browser = self.known_browser(credentials.known_browser).await?;
        let is_known = |user: &Stored<User>| {
            browser.as_ref().is_some_and(|browser| browser.users.contains(&user.document.id))
        };
        let place = match &browser {
            Some(browser) if user.as_ref().is_some_and(is_known) => Place::Browser(&browser.id),
            _ => Place::Network(source.address),
        };
        let attempt = self.attempt(credentials.username, place).await?;
        let judged = match self.judged(user, &credentials.password).await {
            Ok(judged) => judged,
            Err(overloaded) => {
                // It was not looked at.
                self.does_not_count(&attempt).await?;
                return Err(overloaded.into());
            }
        };
        let user = match judged {
            Ok(user) => user,
            Err(failed) => {
                self.note_failure(&failed, source).await?;
                return Err(SignInError::Wrong);
            }
        };
        self.does_not_count(&attempt).await?;
        self.renew_hash(&user, credentials.password.clone()).await?;
        let known_browser = self.remembering(browser, &user.document.id).await?;
        let cookie = self.begin_session(&user.document, &["pwd"], source).await?;
        Ok(SignedInNow { user: user.document, cookie, known_browser })
    }

    async fn judged(
        &self,
        user: Option<Stored<User>>,
        password: &Secret,
    ) -> Result<Result<Stored<User>, Failed>, Overloaded> {
        let hash = user.as_ref().and_then(|user| user.document.password.as_ref());
        // A password nobody can have needs no hash to be wrong, and must not keep one busy for longer.
        let (password, hash) = if password.expose().len() > LONGEST_PASSWORD {
            (Secret::new(""), None)
        } else {
            (password.clone(), hash.map(|hash| hash.0.as_str()))
        };
        let is_right = self.within.passwords.verifies(password, hash).await?;
        let Some(user) = user else { return Ok(Err(Failed { user: None, reason: "unknown_user" })) };
        let reason = if user.document.password.is_none() {
            "no_password"
        } else if !is_right {
            "wrong_password"
        } else if user.document.disabled {
            "disabled"
        } else if !self.rules().allowed_users.contains(&user.document) {
            "not_allowed"
        } else {
            return Ok(Ok(user));
        };
        Ok(Err(Failed { user: Some(user.document), reason }))
    }

    async fn note_failure(&self, failed: &Failed, source: &Source) -> Result<(), StoreError> {
        // What was typed where no user has that name may be a password.
        let subject = failed.user.as_ref().map_or("unknown", |user| &user.id);
        let mut event = Event::new(self.now(), "sign_in.failed", subject).with("reason", failed.reason);
        if let Some(user) = &failed.user {
            event = event.with("username", user.username.clone());
        }
        if let Some(address) = source.address {
            event = event.with("address", address.to_string());
        }
        if let Some(user_agent) = &source.user_agent {
            event = event.with("user_agent", user_agent.clone());
        }
        self.store().append(self.space(), vec![event]).await
    }
}

struct Failed {
    user: Option<User>,
    reason: &'static str,
}

impl From<GuessError> for SignInError {
    fn from(error: GuessError) -> Self {
        match error {
            GuessError::TooMany { wait } => Self::LockedFor(wait),
            GuessError::Store(error) => Self::Issue(error.into()),
        }
    }
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::Issue(error.into())
    }
}
