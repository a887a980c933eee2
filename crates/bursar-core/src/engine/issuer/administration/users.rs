//! Local users: added, found, listed, changed and removed. Their passwords are in `issuer::passwords`.

use super::quotas::QuotaReached;
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::password_reset::without_code;
use crate::engine::issuer::records::browser_session::BrowserSession;
use crate::engine::issuer::records::grant::Grant;
use crate::engine::issuer::records::passkey::Passkey;
use crate::engine::issuer::records::revoked::Subject;
use crate::engine::issuer::records::sign_out::SignOut;
use crate::engine::issuer::records::user::{USER, USER_NAME, User, UserName};
use crate::engine::issuer::refusal::IssueError;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::passwords::Overloaded;
use crate::ports::store::{Batch, Commit, Expected, Page, StoreError};
use crate::secret::Secret;

/// What every user id begins with.
pub const USER_PREFIX: &str = "usr_";

/// Why a user was not added or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The name is taken.
    #[error("there is a user `{username}` already")]
    Exists {
        /// The name.
        username: String,
    },
    /// The name was a removed user's: whoever had it again could pass for them where names are what people go by.
    #[error("the user name `{username}` was used by somebody who was removed")]
    WasUsed {
        /// The name.
        username: String,
    },
    /// The name cannot be typed or told apart.
    #[error(
        "`{username}` cannot be a user name: use 1 to 64 characters without blanks and control characters"
    )]
    Name {
        /// The name.
        username: String,
    },
    /// Too short to be safe.
    #[error("a password needs at least {SHORTEST_PASSWORD} characters and at most {LONGEST_PASSWORD} bytes")]
    Password,
    /// Too much is under way.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// There are as many as there may be.
    #[error(transparent)]
    Full(#[from] QuotaReached),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Tokens could not be ended.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl AuthorizationServer {
    /// Adds a user who signs in with `password`, or not at all without one. Only what is said of them in `user` counts; id
    /// and times are given.
    pub async fn add_user(&self, user: User, password: Option<Secret>) -> Result<User, UserError> {
        check_name(&user.username)?;
        self.room_for_user().await??;
        let now = self.now();
        let hash = match password {
            Some(password) => Some(self.hashed(password).await?),
            None => None,
        };
        let user = User {
            id: format!("{USER_PREFIX}{}", self.new_name()),
            password_changed_at: hash.as_ref().map(|_| now),
            password: hash,
            epoch: 0,
            created_at: now,
            ..user
        };
        let event = Event::new(now, "user.added", user.id.clone()).with("username", user.username.clone());
        let batch = document::put(self.change(event), &user, Expected::Absent)?;
        let batch = document::put(batch, &name_of(&user), Expected::Absent)?;
        match self.store().commit(batch).await?.value {
            Commit::Done(_) => Ok(user),
            Commit::Conflict { .. } => Err(self.taken(user.username).await?),
        }
    }

    /// The user of this name, whatever its case.
    pub async fn user_named(&self, username: &str) -> Result<Option<Stored<User>>, StoreError> {
        let key = UserName::key_of(username);
        let name = document::get::<UserName>(self.store(), self.space(), &key).await?.value;
        let Some(name) = name else { return Ok(None) };
        let user = self.user(&name.document.user).await?;
        // A name that somebody had before is kept for them, and signs nobody in.
        Ok(user.filter(|user| UserName::key_of(&user.document.username) == key))
    }

    /// The user of this id.
    pub async fn user(&self, id: &str) -> Result<Option<Stored<User>>, StoreError> {
        Ok(document::get::<User>(self.store(), self.space(), id).await?.value)
    }

    /// Users, the oldest first: at most `limit`, after the one of the id `after`.
    pub async fn users(&self, after: Option<&str>, limit: usize) -> Result<Vec<Stored<User>>, StoreError> {
        let page = Page { after: after.map(str::to_owned), limit };
        let records = self.store().list(self.space(), &USER, page).await?.value;
        records.iter().map(document::decode).collect()
    }

    /// Changes what is said of a user. Id, password, times and whether they may sign in stay as they are, whatever `change`
    /// does. A new name does not free the old one. `None`: there is no such user.
    pub async fn update_user(
        &self,
        id: &str,
        change: &(dyn Fn(&mut User) + Send + Sync),
    ) -> Result<Option<User>, UserError> {
        loop {
            let Some(stored) = self.user(id).await? else { return Ok(None) };
            let old = stored.document;
            let mut user = old.clone();
            change(&mut user);
            let user = User {
                id: old.id.clone(),
                password: old.password.clone(),
                disabled: old.disabled,
                epoch: old.epoch,
                created_at: old.created_at,
                password_changed_at: old.password_changed_at,
                ..user
            };
            if user == old {
                return Ok(Some(user));
            }
            check_name(&user.username)?;
            let event = Event::new(self.now(), "user.changed", id).with("username", user.username.clone());
            let batch = self.change(event);
            let batch = document::put(batch, &user, Expected::Version(stored.version))?;
            let batch = self.with_new_name(batch, &old, &user).await?;
            match self.store().commit(batch).await?.value {
                Commit::Done(_) => return Ok(Some(user)),
                Commit::Conflict { kind, .. } if kind == USER_NAME.name => {
                    return Err(self.taken(user.username).await?);
                }
                Commit::Conflict { .. } => self.within.known.doubt(USER.name, id),
            }
        }
    }

    /// Lets a user sign in again, or no more; then everything issued in their name ends. `false`: there is no such user.
    pub async fn set_user_disabled(&self, id: &str, disabled: bool) -> Result<bool, IssueError> {
        loop {
            let Some(stored) = self.user(id).await? else { return Ok(false) };
            let (epoch, user) = (stored.document.epoch, stored.document);
            let user = User { disabled, epoch: if disabled { epoch + 1 } else { epoch }, ..user };
            let name = if disabled { "user.disabled" } else { "user.enabled" };
            let batch = self.change(Event::new(self.now(), name, id));
            let mut batch = document::put(batch, &user, Expected::Version(stored.version))?;
            if disabled {
                batch = self.revoke_in(batch, Subject::User { id, epoch }).await?;
                batch = self.owing_sign_out(batch, id)?;
                batch = without_code(batch, self.reset_code(id).await?);
            }
            match self.store().commit(batch).await?.value {
                Commit::Done(_) => break,
                Commit::Conflict { .. } => self.within.known.doubt(USER.name, id),
            }
        }
        if disabled {
            self.end_all_sessions(id, None).await?;
        }
        Ok(true)
    }

    /// Removes a user and ends everything issued in their name. Their id and their names are never given to anybody else.
    /// `false`: there is no such user.
    pub async fn remove_user(&self, id: &str) -> Result<bool, IssueError> {
        loop {
            let Some(stored) = self.user(id).await? else { return Ok(false) };
            let event =
                Event::new(self.now(), "user.removed", id).with("username", stored.document.username.clone());
            let batch = self.change(event).delete(&USER, id, stored.version);
            let epoch = stored.document.epoch;
            let batch = self.revoke_in(batch, Subject::User { id, epoch }).await?;
            let batch = self.owing_sign_out(batch, id)?;
            match self.store().commit(batch).await?.value {
                Commit::Done(_) => break,
                Commit::Conflict { .. } => self.within.known.doubt(USER.name, id),
            }
        }
        // Nothing of it opens anything without the user; what is left is litter.
        self.end_all_sessions(id, None).await?;
        self.forget_passkeys(id).await?;
        for grant in self.of_user::<Grant>(id).await? {
            self.withdraw_grant(id, &grant.document.client).await?;
        }
        Ok(true)
    }

    /// Lets a name be used again that a removed user had. `false`: no removed user had it.
    pub async fn free_user_name(&self, username: &str) -> Result<bool, StoreError> {
        let key = UserName::key_of(username);
        let Some(name) = document::get::<UserName>(self.store(), self.space(), &key).await?.value else {
            return Ok(false);
        };
        if self.user(&name.document.user).await?.is_some() {
            return Ok(false);
        }
        let event = Event::new(self.now(), "user_name.freed", name.document.user).with("username", username);
        let batch = self.change(event).delete(&USER_NAME, key, name.version);
        Ok(matches!(self.store().commit(batch).await?.value, Commit::Done(_)))
    }

    /// Records of a kind that is found by its user.
    pub(in crate::engine::issuer) async fn of_user<T: OfUser>(
        &self,
        id: &str,
    ) -> Result<Vec<Stored<T>>, StoreError> {
        let mut all = Vec::new();
        let mut page = Page::first(PAGE);
        loop {
            let records = self.store().find(self.space(), T::KIND, "user", id, page.clone()).await?.value;
            page.after = records.last().map(|record| record.key.clone());
            let is_last = records.len() < page.limit;
            for record in &records {
                all.push(document::decode(record)?);
            }
            if is_last {
                return Ok(all);
            }
        }
    }

    async fn with_new_name(&self, batch: Batch, old: &User, new: &User) -> Result<Batch, UserError> {
        let name = name_of(new);
        if name.name == UserName::key_of(&old.username) {
            return Ok(batch);
        }
        let known = document::get::<UserName>(self.store(), self.space(), &name.name).await?.value;
        let expected = match known {
            // They had it before.
            Some(known) if known.document.user == new.id => Expected::Version(known.version),
            _ => Expected::Absent,
        };
        Ok(document::put(batch, &name, expected)?)
    }

    async fn taken(&self, username: String) -> Result<UserError, StoreError> {
        let key = UserName::key_of(&username);
        let name = document::get::<UserName>(self.store(), self.space(), &key).await?.value;
        let owner = match name {
            Some(name) => self.user(&name.document.user).await?,
            None => None,
        };
        Ok(if owner.is_some() { UserError::Exists { username } } else { UserError::WasUsed { username } })
    }
}

/// Kinds with the index `user`.
pub(in crate::engine::issuer) trait OfUser: document::Document {}

impl OfUser for BrowserSession {}
impl OfUser for Grant {}
impl OfUser for Passkey {}
impl OfUser for SignOut {}

/// Refuses passwords nobody should have.
pub(in crate::engine::issuer) fn check_password(password: &Secret) -> Result<(), UserError> {
    let length = password.expose().chars().count();
    if length < SHORTEST_PASSWORD || password.expose().len() > LONGEST_PASSWORD {
        return Err(UserError::Password);
    }
    Ok(())
}

fn name_of(user: &User) -> UserName {
    UserName { name: UserName::key_of(&user.username), user: user.id.clone() }
}

pub(super) fn check_name(username: &str) -> Result<(), UserError> {
    let strange = |character: char| character.is_whitespace() || character.is_control();
    let fits = (1..=LONGEST_NAME).contains(&username.chars().count()) && !username.contains(strange);
    if fits {
        Ok(())
    } else {
        Err(UserError::Name { username: username.chars().take(LONGEST_NAME).collect() })
    }
}

/// NIST SP 800-63B-4 §3.1.1.2.
const SHORTEST_PASSWORD: usize = 8;
/// Far more than anybody types, and nothing is cut off silently.
pub(in crate::engine::issuer) const LONGEST_PASSWORD: usize = 1024;
const LONGEST_NAME: usize = 64;
const PAGE: usize = 256;
