//! The first administrator of a new server: made by whoever can read a code that the server left on its own machine.
//!
//! The code is told once, stored as a digest, good for a quarter of an hour and for one use. Where it is left, and that it
//! only counts on the machine itself, is decided by the server's process.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::users::{USER_PREFIX, UserError, check_name};
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::records::user::{USER_NAME, User, UserName};
use crate::engine::issuer::refresh_token::token_digest;
use crate::engine::issuer::refusal::IssueError;
use crate::engine::issuer::scopes::ADMINISTRATION_SCOPES;
use crate::ports::document::{self, Document};
use crate::ports::event::Event;
use crate::ports::random::unguessable;
use crate::ports::store::{self, Commit, Expected, Group, Kind, StoreError};
use crate::secret::Secret;

/// What every first code begins with.
pub const FIRST_CODE_PREFIX: &str = "bfc_";
/// How long a first code is good: as long as it takes to read it, and to choose a password.
pub const FIRST_CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// Why somebody did not become the first administrator.
#[derive(Debug, thiserror::Error)]
pub enum FirstCodeError {
    /// It was used, has ended, or never was; nobody learns which.
    #[error("the code is not good, or not any more")]
    NotGood,
    /// There is an administrator, who makes others.
    #[error("there is an administrator already")]
    NotFirst,
    /// Name or password cannot be theirs.
    #[error(transparent)]
    User(#[from] UserError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be decided now.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl AuthorizationServer {
    /// A code for the first administrator, instead of any earlier one. `None`: there is an administrator already.
    pub async fn issue_first_code(&self) -> Result<Option<Secret>, IssueError> {
        if self.has_administrator().await? {
            return Ok(None);
        }
        let code = Secret::new(format!("{FIRST_CODE_PREFIX}{}", unguessable(self.random()).expose()));
        let now = self.now();
        let record = FirstCode {
            digest: token_digest(&code).0,
            expires_at: now.saturating_add(FIRST_CODE_LIFETIME).unwrap_or(Timestamp::MAX),
        };
        loop {
            let before = document::get::<FirstCode>(self.store(), self.space(), THE_ONE).await?.value;
            let expected = before.map_or(Expected::Absent, |before| Expected::Version(before.version));
            let batch = self.change(Event::new(now, "first_code.issued", THE_ONE));
            let batch = document::put(batch, &record, expected)?;
            if let Commit::Done(_) = self.store().commit(batch).await?.value {
                return Ok(Some(code));
            }
        }
    }

    /// Makes the first administrator of whoever shows the code. The code is used up by that, and by nothing else.
    pub async fn claim_first_code(
        &self,
        code: &Secret,
        username: &str,
        password: Secret,
    ) -> Result<User, FirstCodeError> {
        let known = document::get::<FirstCode>(self.store(), self.space(), THE_ONE).await?.value;
        let digest = token_digest(code).0;
        let is_it = |known: &FirstCode| bool::from(known.digest.as_bytes().ct_eq(digest.as_bytes()));
        let known = known.filter(|known| is_it(&known.document)).ok_or(FirstCodeError::NotGood)?;
        if self.has_administrator().await? {
            return Err(FirstCodeError::NotFirst);
        }
        check_name(username)?;
        let user = self.first_administrator(username, password).await?;
        let event = Event::new(user.created_at, "user.added", user.id.clone())
            .with("username", user.username.clone())
            .with("by", "first_code");
        let batch = self.change(event).delete(&FIRST_CODE, THE_ONE, known.version);
        let batch = document::put(batch, &user, Expected::Absent)?;
        let name = UserName { name: UserName::key_of(username), user: user.id.clone() };
        let batch = document::put(batch, &name, Expected::Absent)?;
        match self.store().commit(batch).await?.value {
            Commit::Done(_) => Ok(user),
            Commit::Conflict { kind, .. } if kind == USER_NAME.name => {
                Err(UserError::Exists { username: user.username }.into())
            }
            Commit::Conflict { .. } => Err(FirstCodeError::NotGood),
        }
    }

    /// Whether somebody may change this server over the network.
    pub async fn has_administrator(&self) -> Result<bool, StoreError> {
        let mut after = None;
        loop {
            let users = self.users(after.as_deref(), PAGE).await?;
            let is_one = |user: &User| !user.disabled && user.scopes.iter().any(|own| own == THE_SCOPE);
            if users.iter().any(|user| is_one(&user.document)) {
                return Ok(true);
            }
            if users.len() < PAGE {
                return Ok(false);
            }
            after = users.last().map(|user| user.document.id.clone());
        }
    }

    async fn first_administrator(&self, username: &str, password: Secret) -> Result<User, UserError> {
        let hash = self.hashed(password).await?;
        let now = self.now();
        Ok(User {
            id: format!("{USER_PREFIX}{}", self.new_name()),
            scopes: ADMINISTRATION_SCOPES.map(str::to_owned).to_vec(),
            password: Some(hash),
            created_at: now,
            password_changed_at: Some(now),
            ..User::called(username)
        })
    }
}

/// The code that makes the first administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FirstCode {
    /// SHA-256 as base64url.
    digest: String,
    /// When it ends.
    expires_at: Timestamp,
}

impl Document for FirstCode {
    const KIND: &'static Kind = &FIRST_CODE;

    fn key(&self) -> String {
        THE_ONE.to_owned()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}

pub(in crate::engine) static FIRST_CODE: Kind = Kind {
    name: "first_code",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &[],
    watched: false,
};

/// There is only one.
const THE_ONE: &str = "first";
/// What makes an administrator.
const THE_SCOPE: &str = ADMINISTRATION_SCOPES[1];
const PAGE: usize = 256;
