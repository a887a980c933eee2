//! Marks that end tokens before their time.
//!
//! Access tokens are checked without a look at what they were issued under. Whatever ends one early leaves a mark here,
//! one for all the tokens it ends, and every process that checks tokens keeps all marks in memory.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// Tokens of `subject` that were issued by `before` are dead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// Whose tokens.
    pub subject: String,
    /// Those issued until then.
    pub before: Timestamp,
    /// By then all of them have ended by themselves.
    pub until: Timestamp,
}

/// What tokens can be ended together by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// One token, by its `jti`.
    Token(&'a str),
    /// All of one authorization.
    Family(&'a str),
    /// All of one user for one client.
    Grant(&'a str),
    /// All of one user.
    User(&'a str),
    /// All of one client.
    Client(&'a str),
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = match self {
            Self::Token(name) => ("token", name),
            Self::Family(name) => ("family", name),
            Self::Grant(name) => ("grant", name),
            Self::User(name) => ("user", name),
            Self::Client(name) => ("client", name),
        };
        write!(formatter, "{kind}:{name}")
    }
}

impl Document for Revoked {
    const KIND: &'static Kind = &REVOKED;

    fn key(&self) -> String {
        self.subject.clone()
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.until)
    }
}

pub(in crate::engine) static REVOKED: Kind = Kind {
    name: "revoked",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &[],
    watched: true,
};
