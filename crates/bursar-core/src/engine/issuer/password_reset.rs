//! A new password for whoever does not know theirs any more: by a code that an administrator makes and passes on.
//!
//! The code is told once, stored as a digest, good for an hour and for one use, and replaced by the next one. Whoever tries
//! codes is held back like whoever tries passwords, without counting against the passwords of the user they try.

use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq as _;

use super::AuthorizationServer;
use super::administration::users::{UserError, check_password};
use super::exchange::Source;
use super::guesses::{GuessError, Place};
use super::letters;
use super::passwords::GivenBy;
use super::records::reset_code::{RESET_CODE, ResetCode};
use super::records::user::{USER, User};
use super::refresh_token::token_digest;
use super::refusal::IssueError;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Batch, Commit, Expected, StoreError};
use crate::secret::Secret;

/// How long a code is good: as long as it takes to pass it on, and to find the time.
pub const RESET_CODE_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// Why nobody has a new password.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// It was used, has ended, never was, or is another user's; nobody learns which.
    #[error("the code is not good for this user, or not any more")]
    NotGood,
    /// Too many codes were tried.
    #[error(transparent)]
    Guess(#[from] GuessError),
    /// The new password cannot be one, or it cannot be done now.
    #[error(transparent)]
    User(#[from] UserError),
}

impl AuthorizationServer {
    /// A code for a user, instead of any earlier one. `None`: there is no such user.
    pub async fn issue_reset_code(&self, user: &str) -> Result<Option<Secret>, IssueError> {
        loop {
            if self.user(user).await?.is_none() {
                return Ok(None);
            }
            let letters = letters::draw(self.random(), LENGTH);
            let now = self.now();
            let record = ResetCode {
                user: user.to_owned(),
                digest: token_digest(&letters).0,
                expires_at: now.saturating_add(RESET_CODE_LIFETIME).unwrap_or(Timestamp::MAX),
            };
            let before = self.reset_code(user).await?;
            let expected = before.map_or(Expected::Absent, |before| Expected::Version(before.version));
            let batch = self.change(Event::new(now, "reset_code.issued", user));
            let batch = document::put(batch, &record, expected)?;
            if let Commit::Done(_) = self.store().commit(batch).await?.value {
                return Ok(Some(letters::grouped(&letters, GROUP)));
            }
        }
    }

    /// Sets the password of whoever shows their code. The code is used up by that, and by nothing else; all sessions
    /// end, and all logins where the rules say so.
    pub async fn reset_password(
        &self,
        username: &str,
        code: &str,
        password: Secret,
        source: &Source,
    ) -> Result<(), ResetError> {
        check_password(&password)?;
        // A name of its own, which nobody can have: who has mistyped their password too often still gets a new one.
        let attempt =
            self.attempt(&format!("reset code of {username}"), Place::Network(source.address)).await?;
        let user = self.user_named(username).await.map_err(UserError::from)?;
        let Some((user, known)) = self.user_with_code(user, code).await.map_err(UserError::from)? else {
            return Err(ResetError::NotGood);
        };
        self.does_not_count(&attempt).await.map_err(UserError::from)?;
        let hash = self.hashed(password).await?;
        let id = user.document.id.clone();
        let changed = self.with_password(user, Some(hash), Some(known), GivenBy::ResetCode);
        let (_, batch) = changed.await.map_err(UserError::from)?;
        match self.store().commit(batch).await.map_err(UserError::from)?.value {
            Commit::Done(_) => {}
            // Somebody else was quicker, with this code or with another change: it is tried again by hand.
            Commit::Conflict { .. } => {
                self.within.known.doubt(USER.name, &id);
                return Err(ResetError::NotGood);
            }
        }
        self.within.known.doubt(USER.name, &id);
        self.end_all_sessions(&id, None).await.map_err(UserError::from)?;
        Ok(())
    }

    async fn user_with_code(
        &self,
        user: Option<Stored<User>>,
        code: &str,
    ) -> Result<Option<(Stored<User>, Stored<ResetCode>)>, StoreError> {
        let (Some(user), Some(letters)) = (user, letters::read(code, LENGTH)) else { return Ok(None) };
        let Some(known) = self.reset_code(&user.document.id).await? else { return Ok(None) };
        let digest = token_digest(&letters).0;
        let is_it = bool::from(known.document.digest.as_bytes().ct_eq(digest.as_bytes()));
        let is_good = is_it && known.document.expires_at > self.now() && !user.document.disabled;
        Ok(is_good.then_some((user, known)))
    }

    pub(super) async fn reset_code(&self, user: &str) -> Result<Option<Stored<ResetCode>>, StoreError> {
        Ok(document::get::<ResetCode>(self.store(), self.space(), user).await?.value)
    }
}

/// A code is for the password and the user that were there when it was made: with every change of them it goes.
pub(super) fn without_code(batch: Batch, code: Option<Stored<ResetCode>>) -> Batch {
    match code {
        Some(code) => batch.delete(&RESET_CODE, code.document.user, code.version),
        None => batch,
    }
}

/// 86 bits of chance: nobody finds it in an hour, nor its digest's origin in a copy of the store.
const LENGTH: usize = 20;
/// As it is shown.
const GROUP: usize = 5;
