//! How a provider answers a token request: where the tokens are, how success looks, how a lifetime is written.

use serde::{Deserialize, Serialize};

/// The token answer (RFC 6749 §5.1) of one provider.
///
/// A path names a member of the answer; dots lead into nested objects (`authed_user.access_token`) and numbers into
/// lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenResponse {
    /// How the body is written.
    pub format: AnswerFormat,
    /// Objects that may hold the tokens, tried in order; the empty path is the answer itself.
    pub roots: Vec<String>,
    /// Where each field is, below the root.
    pub paths: TokenPaths,
    /// A member that is `false` when a request failed in spite of a 2xx status.
    pub ok_path: Option<String>,
    /// Where the error code is, if not at `error`.
    pub error_path: Option<String>,
    /// Where the description of an error is, if not at `error_description`.
    pub error_description_path: Option<String>,
    /// What stands between two scopes of the answer.
    pub scope_separator: char,
    /// When the access token ends.
    pub expiry: Expiry,
    /// Further fields that tell when the refresh token ends, besides those every provider may use.
    pub refresh_expiry: Vec<FieldExpiry>,
    /// Non-secret fields to keep with the account, such as `instance_url`; paths from the answer itself.
    pub keep: Vec<String>,
}

impl Default for TokenResponse {
    fn default() -> Self {
        Self {
            format: AnswerFormat::default(),
            roots: vec![String::new()],
            paths: TokenPaths::default(),
            ok_path: None,
            error_path: None,
            error_description_path: None,
            scope_separator: ' ',
            expiry: Expiry::default(),
            refresh_expiry: Vec::new(),
            keep: Vec::new(),
        }
    }
}

/// How a token answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerFormat {
    /// Whatever it looks like; covers providers that ignore `Accept`.
    #[default]
    Auto,
    /// JSON only.
    Json,
    /// Form encoding only.
    Form,
}

/// Where each field of the answer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenPaths {
    /// RFC 6749 §5.1.
    pub access_token: String,
    /// RFC 6749 §5.1.
    pub refresh_token: String,
    /// OIDC Core §3.1.3.3.
    pub id_token: String,
    /// RFC 6749 §5.1.
    pub token_type: String,
    /// RFC 6749 §5.1.
    pub scope: String,
}

impl Default for TokenPaths {
    fn default() -> Self {
        Self {
            access_token: "access_token".to_owned(),
            refresh_token: "refresh_token".to_owned(),
            id_token: "id_token".to_owned(),
            token_type: "token_type".to_owned(),
            scope: "scope".to_owned(),
        }
    }
}

/// When the access token ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expiry {
    /// The field that tells, below the root.
    pub field: String,
    /// What its value means.
    pub unit: ExpiryUnit,
    /// The lifetime to assume when the answer tells none, in seconds.
    pub default_seconds: Option<i64>,
}

impl Default for Expiry {
    fn default() -> Self {
        Self { field: "expires_in".to_owned(), unit: ExpiryUnit::default(), default_seconds: None }
    }
}

/// A field that tells an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldExpiry {
    /// The field, below the root.
    pub field: String,
    /// What its value means.
    #[serde(default)]
    pub unit: ExpiryUnit,
}

/// What the value of an expiry field means; numbers may be written as text, and may have a fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryUnit {
    /// Seconds from now, as RFC 6749 §5.1 demands.
    #[default]
    Seconds,
    /// Milliseconds from now.
    Milliseconds,
    /// Minutes from now.
    Minutes,
    /// A moment as text (RFC 3339; without an offset, UTC).
    Iso8601,
    /// A moment in seconds since 1970; milliseconds are recognised by their size.
    Epoch,
    /// The `exp` of the access token itself, which is a JWT.
    JwtExp,
    /// Told by introspection only (RFC 7662).
    Introspection,
    /// Never told.
    None,
}
