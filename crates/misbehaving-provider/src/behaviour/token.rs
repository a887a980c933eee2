//! Switches of the token endpoint: what a refresh does to older tokens, and in which dialect answers are written.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Identity, seconds};

/// Switches of `/token`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each set by name")]
pub struct TokenBehaviour {
    /// Whether a refresh replaces the refresh token.
    pub rotation: Rotation,
    /// What happens to a refresh token that was already spent.
    pub reuse: ReusePolicy,
    /// Whether a refresh ends the family's older access tokens before their time.
    pub kills_access_token: KillsAccessToken,
    /// How long access tokens live.
    #[serde(with = "seconds")]
    pub access_lifetime: Duration,
    /// How long a refresh token lives, counted from its own issue; `None` is for ever and not announced.
    #[serde(with = "seconds::optional")]
    pub refresh_lifetime: Option<Duration>,
    /// Member that announces `refresh_lifetime`, in seconds.
    pub refresh_lifetime_member: String,
    /// Refuse a refresh (`invalid_request`, nothing spent) while the newest access token has more than this left.
    #[serde(with = "seconds::optional")]
    pub earliest_refresh: Option<Duration>,
    /// When a refresh token is issued at all.
    pub refresh_token_issue: RefreshTokenIssue,
    /// How the end of the access token is told.
    pub expiry: ExpiryStyle,
    /// How answers are written.
    pub format: AnswerFormat,
    /// Which bodies are understood.
    pub request_format: RequestFormat,
    /// Leave the refresh token out of refresh answers; it then stays as it was, whatever `rotation` says.
    pub omit_refresh_token: bool,
    /// Leave `scope` out.
    pub omit_scope: bool,
    /// Leave `token_type` out.
    pub omit_token_type: bool,
    /// What separates scopes in answers.
    pub scope_separator: String,
    /// Dotted path under which the members of a success are put, next to `"ok": true` (`authed_user`). JSON only.
    pub nested_under: Option<String>,
    /// Members added to every success.
    pub extra_members: Map<String, Value>,
    /// How errors are written.
    pub errors: ErrorDialect,
    /// Send an `id_token` whenever the scope has `openid`.
    pub id_token: bool,
    /// How it is signed.
    pub id_token_signature: IdentityTokenSignature,
    /// Identity that refresh answers and userinfo claim instead of the one that consented: the account was swapped.
    pub refreshed_identity: Option<Identity>,
}

impl Default for TokenBehaviour {
    fn default() -> Self {
        Self {
            rotation: Rotation::Rotate,
            reuse: ReusePolicy::RevokeFamily,
            kills_access_token: KillsAccessToken::No,
            access_lifetime: Duration::from_hours(1),
            refresh_lifetime: None,
            refresh_lifetime_member: "refresh_token_expires_in".into(),
            earliest_refresh: None,
            refresh_token_issue: RefreshTokenIssue::Always,
            expiry: ExpiryStyle::Seconds,
            format: AnswerFormat::Json,
            request_format: RequestFormat::Form,
            omit_refresh_token: false,
            omit_scope: false,
            omit_token_type: false,
            scope_separator: " ".into(),
            nested_under: None,
            extra_members: Map::new(),
            errors: ErrorDialect::default(),
            id_token: true,
            id_token_signature: IdentityTokenSignature::Es256,
            refreshed_identity: None,
        }
    }
}

/// Whether a refresh replaces the refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// Every refresh answers a new refresh token and spends the old one.
    Rotate,
    /// The refresh token stays the same.
    Never,
}

/// What happens when a spent refresh token comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReusePolicy {
    /// It works for ever; each use answers new tokens.
    Harmless,
    /// It works for this long after it was first spent; later it revokes the family.
    Grace {
        /// Seconds of grace.
        seconds: u32,
    },
    /// It works until one of its successors was used, either to refresh or, through the access token that came with it, at
    /// `/userinfo` or `/resource`; later it is refused.
    UntilSuccessorUsed,
    /// It is refused; the family lives on.
    Reject,
    /// It is refused and the whole family dies, access tokens included (RFC 9700 §4.14.2).
    RevokeFamily,
}

/// Text that names no reuse policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of harmless, grace:SECONDS, until-successor-used, reject, revoke-family")]
pub struct UnknownReusePolicy(String);

impl FromStr for ReusePolicy {
    type Err = UnknownReusePolicy;

    fn from_str(text: &str) -> Result<Self, UnknownReusePolicy> {
        let unknown = || UnknownReusePolicy(text.into());
        match text {
            "harmless" => Ok(Self::Harmless),
            "until-successor-used" => Ok(Self::UntilSuccessorUsed),
            "reject" => Ok(Self::Reject),
            "revoke-family" => Ok(Self::RevokeFamily),
            _ => {
                let seconds = text.strip_prefix("grace:").ok_or_else(unknown)?;
                Ok(Self::Grace { seconds: seconds.parse().map_err(|_| unknown())? })
            }
        }
    }
}

/// Whether a refresh ends older access tokens of the same family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KillsAccessToken {
    /// They live until they expire.
    No,
    /// They die with the refresh.
    Immediately,
    /// They die this many seconds after the refresh.
    AfterSeconds(u32),
}

/// When a refresh token is issued for a user's grant; client credentials never get one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshTokenIssue {
    /// With every grant.
    Always,
    /// When the scope has `offline_access`.
    OfflineAccess,
    /// Never.
    Never,
}

/// How the end of an access token is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryStyle {
    /// `expires_in`, a number of seconds (RFC 6749 §5.1).
    Seconds,
    /// `expires_in`, the same in a string.
    SecondsAsString,
    /// `expires_in`, in milliseconds.
    Milliseconds,
    /// `expires_in`, in minutes, rounded down.
    Minutes,
    /// `expires_at`, RFC 3339.
    Iso8601,
    /// `expires_at`, seconds since 1970.
    EpochSeconds,
    /// Nothing, but the access token is a JWT (RFC 9068) with `exp`.
    JwtExp,
    /// Nothing at all.
    None,
}

/// How successes and errors of the token endpoint are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerFormat {
    /// JSON.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
}

/// Which request bodies the token endpoint understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestFormat {
    /// `application/x-www-form-urlencoded` (RFC 6749 §4.1.3).
    Form,
    /// Only JSON.
    Json,
    /// Both.
    Either,
}

/// How errors of the token endpoint are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ErrorDialect {
    /// Answer errors with status 200.
    pub in_200: bool,
    /// The members of the answer.
    pub shape: ErrorShape,
    /// Other words for standard codes, for example `invalid_grant` → `bad_refresh_token`.
    pub synonyms: BTreeMap<String, String>,
    /// Other statuses for standard codes, for example `invalid_grant` → 403. Ignored with `in_200`.
    pub statuses: BTreeMap<String, u16>,
    /// `error_description` is a number, which some parsers choke on.
    pub numeric_description: bool,
}

/// The members of an error answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorShape {
    /// `error` and `error_description` (RFC 6749 §5.2).
    #[default]
    Oauth,
    /// `"ok": false` and `error`.
    OkFalse,
    /// `status` with the code in capitals, and `message`.
    StatusMember,
}

/// How an `id_token` is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityTokenSignature {
    /// `alg: none`, no signature.
    Unsigned,
    /// ES256 with the key in `/jwks`.
    Es256,
    /// RS256 with the key in `/jwks`.
    Rs256,
    /// `EdDSA` with the key in `/jwks`.
    EdDsa,
    /// Says ES256, but the signature is wrong.
    Forged,
}
