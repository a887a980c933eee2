//! Passwords of local users: set by an administrator, changed by the user, renewed when the way of hashing changes.
//!
//! A new password ends every session that was begun with the old one: sessions count only if they began later.

use super::AuthorizationServer;
use super::administration::users::{UserError, check_password};
use super::authorize::SignedIn;
use super::exchange::Source;
use super::guesses::{GuessError, Place};
use super::password_reset::without_code;
use super::records::reset_code::ResetCode;
use super::records::revoked::Subject;
use super::records::user::{PasswordHash, USER, User};
use super::refusal::IssueError;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Batch, Commit, Expected};
use crate::secret::Secret;

/// Who gives a user another password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenBy {
    /// They themselves, who know the one before it.
    User,
    /// They themselves, by a code.
    ResetCode,
    /// Somebody for them.
    Administrator,
}

impl GivenBy {
    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ResetCode => "reset_code",
            Self::Administrator => "administrator",
        }
    }
}

/// Why a user did not get a new password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordChangeError {
    /// The old one was not the right one.
    #[error("the old password is not the right one")]
    Wrong,
    /// Too many wrong ones.
    #[error(transparent)]
    Guess(#[from] GuessError),
    /// The new one cannot be one, or the work cannot be done now.
    #[error(transparent)]
    User(#[from] UserError),
}

impl AuthorizationServer {
    /// Gives a user another password, or none at all, and ends all their sessions, and their logins where the rules say so.
    /// `false`: there is no such user.
    pub async fn set_password(&self, id: &str, password: Option<Secret>) -> Result<bool, UserError> {
        let hash = match password {
            Some(password) => Some(self.hashed(password).await?),
            None => None,
        };
        if self.store_password(id, None, hash, GivenBy::Administrator).await?.is_none() {
            return Ok(false);
        }
        self.end_all_sessions(id, None).await?;
        Ok(true)
    }

    /// Changes the password of whoever is signed in. Their other sessions end; this one goes on with the new cookie.
    pub async fn change_password(
        &self,
        signed_in: &SignedIn,
        current: Secret,
        new: Secret,
        source: &Source,
    ) -> Result<Secret, PasswordChangeError> {
        check_password(&new)?;
        let user = &signed_in.user.document;
        // Whoever finds an open session must not find the password out with it.
        let place = Place::Browser(&signed_in.session);
        let attempt = self.attempt(&user.username, place).await?;
        let judged = user.password.as_ref();
        let is_right = self.within.passwords.verifies(current, judged.map(|hash| hash.0.as_str())).await;
        if !matches!(is_right, Ok(false)) {
            // It was right, or was not looked at.
            self.does_not_count(&attempt).await.map_err(UserError::from)?;
        }
        if !is_right.map_err(UserError::from)? {
            return Err(PasswordChangeError::Wrong);
        }
        let hash = self.hashed(new).await?;
        let Some(user) = self.store_password(&user.id, judged, Some(hash), GivenBy::User).await? else {
            return Err(PasswordChangeError::Wrong);
        };
        let methods: Vec<&str> = signed_in.methods.iter().map(String::as_str).collect();
        let cookie = self.begin_session(&user, &methods, source).await.map_err(UserError::Issue)?;
        let kept = self.session_of(&cookie).await.map_err(UserError::Issue)?.map(|session| session.session);
        self.end_all_sessions(&user.id, kept.as_deref()).await.map_err(UserError::Issue)?;
        Ok(cookie)
    }

    /// Hashes the password that was just found right once more, if the way of hashing has changed since.
    pub(super) async fn renew_hash(&self, user: &Stored<User>, password: Secret) -> Result<(), IssueError> {
        let is_outdated =
            user.document.password.as_ref().is_some_and(|hash| self.within.passwords.is_outdated(&hash.0));
        if !is_outdated {
            return Ok(());
        }
        // It is done another time if there is too much to do now.
        let Ok(hash) = self.within.passwords.hash(password).await else { return Ok(()) };
        let renewed = User { password: Some(PasswordHash(hash)), ..user.document.clone() };
        let batch = document::put(self.engine().batch(), &renewed, Expected::Version(user.version))?;
        self.store().commit(batch).await?;
        Ok(())
    }

    pub(super) async fn hashed(&self, password: Secret) -> Result<PasswordHash, UserError> {
        check_password(&password)?;
        Ok(PasswordHash(self.within.passwords.hash(password).await?))
    }

    /// `None`: there is no such user, or their password is not the one any more that was `judged`. Whoever knew an earlier one
    /// must not put theirs in the place of a newer one.
    async fn store_password(
        &self,
        id: &str,
        judged: Option<&PasswordHash>,
        password: Option<PasswordHash>,
        by: GivenBy,
    ) -> Result<Option<User>, UserError> {
        loop {
            let stored = self.user(id).await?;
            let Some(stored) =
                stored.filter(|user| judged.is_none() || user.document.password.as_ref() == judged)
            else {
                return Ok(None);
            };
            let code = self.reset_code(id).await?;
            let (user, batch) = self.with_password(stored, password.clone(), code, by).await?;
            match self.store().commit(batch).await?.value {
                Commit::Done(_) => return Ok(Some(user)),
                Commit::Conflict { .. } => self.within.known.doubt(USER.name, id),
            }
        }
    }

    /// The user with another password, and the batch that makes it so: their sessions and this reset code end with it.
    pub(super) async fn with_password(
        &self,
        user: Stored<User>,
        password: Option<PasswordHash>,
        code: Option<Stored<ResetCode>>,
        by: GivenBy,
    ) -> Result<(User, Batch), IssueError> {
        let now = self.now();
        let Stored { document: user, version } = user;
        // Whoever does not know their password may have lost it to somebody, who is to lose what they have got with it.
        let ends_logins = by != GivenBy::User && self.rules().reset_ends_logins;
        let epoch = user.epoch;
        let changed =
            User { password, password_changed_at: Some(now), epoch: epoch + u32::from(ends_logins), ..user };
        let event = Event::new(now, "user.password_changed", changed.id.clone()).with("by", by.name());
        let mut batch = self.owing_sign_out(self.change(event), &changed.id)?;
        if ends_logins {
            batch = self.revoke_in(batch, Subject::User { id: &changed.id, epoch }).await?;
        }
        let batch = without_code(batch, code);
        let batch = document::put(batch, &changed, Expected::Version(version))?;
        Ok((changed, batch))
    }
}
