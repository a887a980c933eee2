//! The record of a held account: everything about it that is not secret, and its sealed secrets.
//!
//! `status`, `list` and `check` work from this record alone, with the vault locked. Changes: [`super::transition`].

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::failure::Cause;
use super::journal::Journal;
use super::reference::AccountReference;
use crate::oauth::client_authentication::Method;
use crate::oauth::jwt_bearer::Assertion;
use crate::oauth::scope::Scope;
use crate::provider::Reuse;
use crate::secret::{Fingerprint, Sealed};

/// One login at one provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// How people name it.
    pub reference: AccountReference,
    /// Who it is at the provider; a renewal that answers another one is refused.
    pub identity: Option<Identity>,
    /// How the tokens were obtained.
    pub method: LoginMethod,
    /// The OAuth client it was obtained with.
    pub client: ClientFacts,
    /// What is asserted to obtain tokens, for logins made by assertions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion: Option<Assertion>,
    /// Values for the provider's `{variables}`.
    pub variables: BTreeMap<String, String>,
    /// Resources asked for at login (RFC 8707).
    pub resource: Vec<String>,
    /// Where the authorization code came back to, for providers that want to hear it again.
    pub redirect_uri: Option<String>,
    /// What was granted.
    pub scope: Scope,
    /// How the access token is presented; nearly always `Bearer`.
    pub token_type: String,
    /// When a person, or a first use of client credentials, made this login.
    pub logged_in_at: Timestamp,
    /// When the tokens were last renewed.
    pub last_refreshed: Option<Timestamp>,
    /// Grows with every change of the tokens; stale writers lose.
    pub generation: Generation,
    /// The access token, without the token.
    pub access: Option<AccessFacts>,
    /// The refresh token, without the token.
    pub refresh: Option<RefreshFacts>,
    /// How it is doing.
    pub standing: Standing,
    /// A renewal whose end is not known yet.
    pub journal: Option<Journal>,
    /// Kept fresh, but not handed out.
    pub paused: bool,
    /// What the provider's description said about renewing, when the tokens came.
    pub policy: RefreshPolicy,
    /// How far the provider's clock is ahead of ours.
    pub clock_skew: SignedDuration,
    /// Which life of the store the tokens came in.
    pub incarnation: String,
    /// Fields of the token answer the provider's tools need, such as an instance URL.
    pub kept: serde_json::Map<String, serde_json::Value>,
    /// The tokens and the client's secret.
    pub sealed: Sealed,
}

impl Account {
    /// Whether both are the same login with the same tokens: what was learned about the one is true of the other.
    ///
    /// The generation alone does not tell: another login of the same name begins anew.
    pub fn has_tokens_of(&self, other: &Self) -> bool {
        let tokens = |account: &Self| {
            let access = account.access.as_ref().map(|access| access.fingerprint.clone());
            (access, account.refresh.as_ref().map(|refresh| refresh.fingerprint.clone()))
        };
        self.is_login_of(other) && self.generation == other.generation && tokens(self) == tokens(other)
    }

    /// Whether both are the same login, whatever has become of its tokens.
    pub fn is_login_of(&self, other: &Self) -> bool {
        self.logged_in_at == other.logged_in_at
            && self.identity == other.identity
            && self.client == other.client
    }

    /// How new access tokens can be had without a person.
    pub fn renewal(&self) -> Renewal {
        match self.method {
            LoginMethod::ClientCredentials => Renewal::ClientCredentials,
            LoginMethod::JwtBearer => Renewal::JwtBearer,
            LoginMethod::ApiKey => Renewal::None,
            LoginMethod::Browser | LoginMethod::Device | LoginMethod::Paste => {
                if self.refresh.is_some() {
                    Renewal::RefreshToken
                } else {
                    Renewal::None
                }
            }
        }
    }
}

/// Who an account is at its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Stable and unique at the provider, such as `sub`.
    pub subject: String,
    /// What people recognise: an e-mail address or login name.
    pub label: String,
}

/// How a login was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginMethod {
    /// Authorization code over the loopback listener.
    Browser,
    /// Device authorization (RFC 8628).
    Device,
    /// Authorization code, carried over by hand.
    Paste,
    /// Client credentials (RFC 6749 §4.4); no person involved.
    ClientCredentials,
    /// An assertion signed with a key of our own (RFC 7523 §2.1); no person involved.
    JwtBearer,
    /// An API key, personal access token or setup token, taken as it is.
    ApiKey,
}

/// What is public about the OAuth client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientFacts {
    /// The client id; empty for API keys.
    pub id: String,
    /// How it authenticates.
    pub method: Method,
}

/// How new access tokens can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// By spending the refresh token.
    RefreshToken,
    /// By asking again with the client's own credentials.
    ClientCredentials,
    /// By signing another assertion.
    JwtBearer,
    /// Not without a person.
    None,
}

/// Counts the changes of an account's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Generation(pub u64);

impl Generation {
    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What is known about an access token without opening it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessFacts {
    /// Tells it apart from others.
    pub fingerprint: Fingerprint,
    /// When it came, by our clock.
    pub issued_at: Timestamp,
    /// When it ends, by our clock; `None` if the provider does not say or it never does.
    pub expires_at: Option<Timestamp>,
}

impl AccessFacts {
    /// From issue to end, at least nothing.
    pub fn lifetime(&self) -> Option<SignedDuration> {
        self.expires_at.map(|end| end.duration_since(self.issued_at).max(SignedDuration::ZERO))
    }

    /// What is left of it; never more than its lifetime, whatever the clock was set to.
    pub fn remaining(&self, now: Timestamp) -> Option<SignedDuration> {
        let end = self.expires_at?;
        let lifetime = self.lifetime()?;
        Some(end.duration_since(now).clamp(SignedDuration::ZERO, lifetime))
    }

    /// Whether it can still be presented.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.remaining(now).is_none_or(|left| left > SignedDuration::ZERO)
    }
}

/// What is known about a refresh token without opening it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshFacts {
    /// Tells it apart from others.
    pub fingerprint: Fingerprint,
    /// When it came.
    pub issued_at: Timestamp,
    /// When the provider said it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether it has been spent successfully at least once.
    pub proven: bool,
}

/// How an account is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Standing {
    /// Nothing wrong.
    Active,
    /// Renewing fails for a reason that should pass.
    Failing(Failing),
    /// A person is needed. The tokens stay, sealed.
    NeedsLogin {
        /// Why.
        cause: Cause,
        /// Since when.
        at: Timestamp,
    },
    /// Gone at the provider.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
}

/// A run of failed renewals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// When the first one failed.
    pub since: Timestamp,
    /// How many have failed.
    pub attempts: u32,
    /// No attempt before this.
    pub next_try: Timestamp,
    /// What the last one said.
    pub cause: Cause,
}

/// The provider's rules for renewing, as far as decisions need them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshPolicy {
    /// Renew so long before the end; `None`: the general rule.
    pub before: Option<SignedDuration>,
    /// Never renew earlier than this before the end.
    pub earliest: Option<SignedDuration>,
    /// Leave at least this much between two renewals.
    pub spacing: Option<SignedDuration>,
    /// What happens when a spent refresh token is presented again.
    pub reuse: Reuse,
    /// The grant ends so long after the login, whatever happens.
    pub grant_absolute: Option<SignedDuration>,
    /// The grant ends so long after its last use.
    pub grant_idle: Option<SignedDuration>,
    /// Remind of logins older than this.
    pub rotate_after: Option<SignedDuration>,
}
