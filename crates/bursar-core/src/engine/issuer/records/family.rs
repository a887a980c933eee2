//! Families: what one authorization has led to, with its line of refresh tokens.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::grant::{GrantMark, Ground};
use crate::identifier::Identifier;
use crate::lifecycle::rotation::Line;
use crate::oauth::jose::Thumbprint;
use crate::oauth::scope::Scope;
use crate::oauth::server::resource::ResourceSet;
use crate::ports::document::Document;
use crate::ports::store::{self, Group, Kind};

/// One authorization of one client by one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// Its name; access tokens carry it as `sid`.
    pub id: Identifier,
    /// The client it belongs to.
    pub client: String,
    /// The user who agreed.
    pub user: String,
    /// What the user agreed to it under.
    pub grant: GrantMark,
    /// All that its tokens may be good for.
    pub scope: Scope,
    /// All that its tokens may be for; none: this server alone.
    pub resources: ResourceSet,
    /// How the user signed in.
    pub sign_in: SignIn,
    /// Thumbprint of the key that must be proven with every use (RFC 9449 §5); `None`: no key is.
    pub sender_key: Option<Thumbprint>,
    /// When it began.
    pub began_at: Timestamp,
    /// Its refresh tokens; `None`: it has none.
    pub line: Option<Line>,
    /// Why it ended before its time.
    pub ended: Option<FamilyEnd>,
    /// Its last access token ends then.
    pub access_until: Timestamp,
}

/// When and how a user signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// When (OIDC Core §2, `auth_time`).
    pub at: Timestamp,
    /// How (RFC 8176).
    pub methods: Vec<String>,
    /// The browser session it happened in, if it still matters.
    pub session: Option<String>,
    /// Which life of the user it happened in.
    #[serde(default)]
    pub user_epoch: u32,
}

/// The end of a family before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyEnd {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub cause: EndCause,
}

/// What ended a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// A refresh token was shown that must not exist any more.
    RefreshReplayed,
    /// Its code was shown a second time.
    CodeReplayed,
    /// The client gave its tokens back (RFC 7009).
    Revoked,
    /// The user or an administrator ended it.
    Withdrawn,
}

impl Family {
    /// What its access tokens rest on, as they tell it.
    pub fn ground(&self) -> Ground {
        Ground { grant: self.grant.clone(), user_epoch: self.sign_in.user_epoch }
    }

    /// The same with that line, and an access token that ends then.
    #[must_use]
    pub(in crate::engine::issuer) fn with(&self, line: Line, expires_at: Timestamp) -> Self {
        Self { line: Some(line), access_until: self.access_until.max(expires_at), ..self.clone() }
    }

    /// When nothing of it can be used any more.
    fn over_at(&self) -> Timestamp {
        // A family that is idle too long is over, but whoever shows its token then should be told so and not be taken for
        // a stranger.
        self.line.as_ref().map_or(self.access_until, |line| line.ends_at.max(self.access_until))
    }
}

impl Document for Family {
    const KIND: &'static Kind = &FAMILY;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        vec![("grant", self.grant.key.clone())]
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.over_at())
    }
}

pub(in crate::engine) static FAMILY: Kind = Kind {
    name: "family",
    scope: store::Scope::Sandbox,
    group: Group::Durable,
    indexes: &["grant"],
    watched: false,
};
