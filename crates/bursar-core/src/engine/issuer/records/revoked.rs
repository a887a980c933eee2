//! Marks that end tokens before their time.
//!
//! Access tokens are checked without a look at what they were issued under. Whatever ends one early leaves a mark here,
//! one for all the tokens it ends, and every process that checks tokens keeps all marks in memory.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::grant::GrantMark;
use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// Tokens of `subject` are dead. No name is ever given again, so no time is needed, which clocks would disagree about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// Whose tokens.
    pub subject: String,
    /// By then all of them have ended by themselves.
    pub until: Timestamp,
}

/// What tokens can be ended together by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// One token, by its `jti`.
    Token(&'a str),
    /// All of one authorization.
    Family(&'a str),
    /// All of one user for one client, until the user agrees again.
    Grant(GrantMark),
    /// All of one user, until they may sign in again.
    User {
        /// Who.
        id: &'a str,
        /// In which life.
        epoch: u32,
    },
    /// All of one client.
    Client(&'a str),
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(name) => write!(formatter, "token:{name}"),
            Self::Family(name) => write!(formatter, "family:{name}"),
            Self::Grant(mark) => write!(formatter, "grant:{mark}"),
            Self::User { id, epoch } => write!(formatter, "user:{id}.{epoch}"),
            Self::Client(name) => write!(formatter, "client:{name}"),
        }
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
