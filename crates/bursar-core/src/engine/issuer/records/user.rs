//! Local users.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::family::SignIn;
use crate::oauth::scope::Scope;
use crate::oauth::server::access_token::OtherClaims;
use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// Somebody who signs in here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// What clients know them by (`sub`); never changes and is never used again.
    pub id: String,
    /// What they type to sign in; unique whatever its case.
    pub username: String,
    /// Full name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Whether the address was verified.
    pub email_verified: bool,
    /// Address of a picture.
    pub avatar_url: Option<String>,
    /// What applications call them, such as `admin`.
    pub role: Option<String>,
    /// What applications let them do.
    pub permissions: Vec<String>,
    /// Further claims for applications.
    pub claims: Map<String, Value>,
    /// Scopes beyond the ordinary ones that clients may have in their name, such as those of administration.
    pub scopes: Vec<String>,
    /// How the password is checked; `None`: they cannot sign in with one.
    pub password: Option<PasswordHash>,
    /// May not sign in, and nothing is issued in their name.
    pub disabled: bool,
    /// Counts how often they were disabled or all their logins ended: whatever was issued in their name before is dead, and
    /// stays dead when they may sign in again.
    #[serde(default)]
    pub epoch: u32,
    /// When they were added.
    pub created_at: Timestamp,
    /// When the password was set last.
    pub password_changed_at: Option<Timestamp>,
}

/// A password, hashed with its parameters as a PHC string.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(…)")
    }
}

/// Whose a user name is: there can be only one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserName {
    /// The name in small letters.
    pub name: String,
    /// The user's id.
    pub user: String,
}

impl User {
    /// Somebody of whom nothing but the name is said yet; whoever adds them gives an id and times.
    pub fn called(username: impl Into<String>) -> Self {
        Self {
            id: String::new(),
            username: username.into(),
            name: None,
            email: None,
            email_verified: false,
            avatar_url: None,
            role: None,
            permissions: Vec::new(),
            claims: Map::new(),
            scopes: Vec::new(),
            password: None,
            disabled: false,
            epoch: 0,
            created_at: Timestamp::UNIX_EPOCH,
            password_changed_at: None,
        }
    }

    /// Whether what came of a sign-in still counts.
    pub fn stands_by(&self, sign_in: &SignIn) -> bool {
        !self.disabled && self.epoch == sign_in.user_epoch
    }

    /// What clients with this scope learn of them (OIDC Core §5.1, §5.4).
    pub fn claims_for(&self, scope: &Scope) -> OtherClaims {
        let mut claims = Map::new();
        let mut tell = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value);
            }
        };
        if scope.contains("profile") {
            tell("preferred_username", Some(self.username.clone().into()));
            tell("name", self.name.clone().map(Value::from));
            tell("picture", self.avatar_url.clone().map(Value::from));
        }
        if scope.contains("email") {
            tell("email", self.email.clone().map(Value::from));
            tell("email_verified", self.email.as_ref().map(|_| self.email_verified.into()));
        }
        OtherClaims::new(claims).unwrap_or_default()
    }
}

impl UserName {
    /// The key of a name: whatever its case.
    pub fn key_of(username: &str) -> String {
        username.to_lowercase()
    }
}

impl Document for User {
    const KIND: &'static Kind = &USER;

    fn key(&self) -> String {
        self.id.clone()
    }
}

impl Document for UserName {
    const KIND: &'static Kind = &USER_NAME;

    fn key(&self) -> String {
        self.name.clone()
    }
}

pub(in crate::engine) static USER: Kind =
    Kind { name: "user", scope: store::Scope::Sandbox, group: Group::Durable, indexes: &[], watched: true };

pub(in crate::engine) static USER_NAME: Kind = Kind {
    name: "user_name",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &[],
    watched: false,
};
