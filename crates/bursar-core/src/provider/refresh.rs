//! What a provider does with refresh tokens: the facts that decide which mistakes are survivable.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::duration;

/// Refreshing (RFC 6749 §6) at one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Refresh {
    /// Whether there are refresh tokens at all.
    pub supported: bool,
    /// Fixed further parameters of a refresh.
    pub parameters: BTreeMap<String, String>,
    /// Whether the granted scopes are repeated.
    pub resend_scope: bool,
    /// Whether the redirect URI of the login is repeated.
    pub needs_redirect_uri: bool,
    /// Whether an answer carries a refresh token.
    pub returns_refresh_token: Returns,
    /// What an answer without a refresh token means.
    pub omitted_refresh_token: Omitted,
    /// Whether the refresh token changes.
    pub rotation: Rotation,
    /// What a refresh token that was already spent does.
    pub reuse: Reuse,
    /// What a refresh does to the access token before it.
    pub kills_access_token: KillsAccessToken,
    /// Never refresh sooner than this before the end of the access token.
    #[serde(with = "duration::optional", skip_serializing_if = "Option::is_none")]
    pub earliest_before_expiry: Option<SignedDuration>,
    /// How often a refresh is allowed.
    pub rate_limit: Option<RateLimit>,
    /// Whether a refresh whose answer was lost may be sent again.
    pub retry_after_timeout: RetryAfterTimeout,
}

impl Default for Refresh {
    fn default() -> Self {
        Self {
            supported: true,
            parameters: BTreeMap::new(),
            resend_scope: false,
            needs_redirect_uri: false,
            returns_refresh_token: Returns::default(),
            omitted_refresh_token: Omitted::default(),
            rotation: Rotation::default(),
            reuse: Reuse::default(),
            kills_access_token: KillsAccessToken::default(),
            earliest_before_expiry: None,
            rate_limit: None,
            retry_after_timeout: RetryAfterTimeout::default(),
        }
    }
}

/// Whether an answer to a refresh carries a refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Returns {
    /// Always.
    Always,
    /// Sometimes.
    #[default]
    Sometimes,
    /// Never.
    Never,
}

/// What an answer to a refresh without a refresh token means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Omitted {
    /// The old one goes on (RFC 6749 §6).
    #[default]
    KeepOld,
    /// There is none any more: the grant ends with the access token.
    Ended,
}

/// Whether the refresh token changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// Nobody said.
    #[default]
    Undeclared,
    /// It stays the same.
    None,
    /// Every refresh brings a new one.
    Rotate,
    /// A new one comes once so much time has passed.
    Periodic {
        /// The time, at least.
        #[serde(with = "duration::required")]
        every: SignedDuration,
    },
}

/// What a refresh token that was already spent does (RFC 9700 §4.14).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reuse {
    /// Nobody said; handled like [`Reuse::RevokeFamily`].
    #[default]
    Undeclared,
    /// It goes on working.
    Harmless,
    /// It works for a while.
    Grace {
        /// How long, in seconds.
        seconds: u64,
    },
    /// It works until its successor was used.
    UntilSuccessorUsed,
    /// It is refused and nothing else happens.
    Reject,
    /// It is refused and the whole login dies.
    RevokeFamily,
}

/// What a refresh does to the access token before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KillsAccessToken {
    /// Nothing; it lives to its end.
    #[default]
    No,
    /// It dies at once.
    Immediate,
    /// It dies so many seconds later.
    AfterSeconds(u64),
}

/// How often something is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// So many times …
    pub count: u32,
    /// … in this time.
    #[serde(with = "duration::required")]
    pub per: SignedDuration,
}

/// Whether a refresh whose answer was lost may be sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfterTimeout {
    /// Nobody said; `reuse` decides.
    #[default]
    Undeclared,
    /// It is safe.
    Safe,
    /// It ends the login.
    Unsafe,
}
