//! Faults of servers and networks, and where they can be put.
//!
//! Each fault says whether the call is *processed*: whether codes and refresh tokens are spent and new ones issued
//! although the client never learns of it. That is the difference a client must survive.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::behaviour::seconds;

/// What a call may be for; faults, holds and the log of calls name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// The discovery documents.
    Metadata,
    /// `/authorize`.
    Authorize,
    /// `/token`.
    Token,
    /// `/device_authorization`.
    DeviceAuthorization,
    /// `/device`, the page a person opens.
    Device,
    /// `/revoke` and `/applications/…`.
    Revoke,
    /// `/introspect`.
    Introspect,
    /// `/userinfo`.
    Userinfo,
    /// `/jwks`.
    Jwks,
    /// `/register`.
    Register,
    /// `/resource`, an API that wants an access token, and its metadata (RFC 9728).
    Resource,
}

impl Endpoint {
    pub(crate) fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/.well-known/oauth-authorization-server" | "/.well-known/openid-configuration" => Self::Metadata,
            "/authorize" => Self::Authorize,
            "/token" => Self::Token,
            "/device_authorization" => Self::DeviceAuthorization,
            "/device" => Self::Device,
            "/revoke" => Self::Revoke,
            "/introspect" => Self::Introspect,
            "/userinfo" => Self::Userinfo,
            "/jwks" => Self::Jwks,
            "/register" => Self::Register,
            "/resource"
            | "/.well-known/oauth-protected-resource"
            | "/.well-known/oauth-protected-resource/resource" => Self::Resource,
            _ if path.starts_with("/applications/") => Self::Revoke,
            _ => return None,
        })
    }
}

/// One way in which a call goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A status of a gateway or an overloaded server. Not processed.
    Status {
        /// The status.
        code: u16,
        /// The `Retry-After` header.
        #[serde(default)]
        retry_after: RetryAfter,
        /// The body.
        #[serde(default)]
        body: ErrorBody,
    },
    /// An OAuth error as JSON (RFC 6749 §5.2), whatever the dialect. Not processed.
    OauthError {
        /// The status, 400 as a rule.
        status: u16,
        /// The `error` member.
        code: String,
        /// The `error_description` member.
        #[serde(default)]
        description: Option<String>,
    },
    /// A captive portal: 200 with an HTML page. Not processed.
    HtmlOk,
    /// 307 to another address; a client that follows sends its secrets there. Not processed.
    Redirect(String),
    /// The connection closes before a single byte of the answer. Not processed.
    CloseBeforeAnswer,
    /// 200 with this many bytes of JSON-like text, sent without `Content-Length`. Not processed.
    HugeBody(u64),
    /// The connection closes before a single byte of the answer. Processed.
    RotatedButLost,
    /// Half of the body, framed as if it were all. Processed.
    TruncatedJson,
    /// The right answer, late. Processed before the wait.
    Slow(#[serde(with = "seconds")] Duration),
    /// The right answer, one byte of the body per pause. Processed.
    Dribble(#[serde(with = "seconds")] Duration),
    /// Status, headers with the full length, this many bytes of the body, then the connection closes. Processed.
    CutAfter(usize),
    /// The right answer, called `text/plain`. Processed.
    WrongContentType,
    /// Any of the faults that are not processed, but with processing first: a gateway that gave up on a server that did not.
    Processed(Box<Fault>),
}

impl Fault {
    /// Whether the call takes effect although it fails.
    #[must_use]
    pub fn is_processed(&self) -> bool {
        match self {
            Self::Status { .. }
            | Self::OauthError { .. }
            | Self::HtmlOk
            | Self::Redirect(_)
            | Self::CloseBeforeAnswer
            | Self::HugeBody(_) => false,
            Self::RotatedButLost
            | Self::TruncatedJson
            | Self::Slow(_)
            | Self::Dribble(_)
            | Self::CutAfter(_)
            | Self::WrongContentType
            | Self::Processed(_) => true,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::OauthError { .. } => "oauth_error",
            Self::HtmlOk => "html_ok",
            Self::Redirect(_) => "redirect",
            Self::CloseBeforeAnswer => "close_before_answer",
            Self::HugeBody(_) => "huge_body",
            Self::RotatedButLost => "rotated_but_lost",
            Self::TruncatedJson => "truncated_json",
            Self::Slow(_) => "slow",
            Self::Dribble(_) => "dribble",
            Self::CutAfter(_) => "cut_after",
            Self::WrongContentType => "wrong_content_type",
            Self::Processed(fault) => fault.name(),
        }
    }
}

/// The `Retry-After` header (RFC 9110 §10.2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// Not sent.
    #[default]
    None,
    /// A number of seconds.
    Seconds(u32),
    /// A date this many seconds after the provider's now.
    HttpDate(i64),
}

/// The body of a [`Fault::Status`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// Nothing.
    #[default]
    Empty,
    /// An HTML page, as gateways send it.
    Html,
    /// JSON with this `error` member.
    Json {
        /// The code.
        error: String,
    },
}

/// How often an injected fault strikes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// The next call.
    #[default]
    Once,
    /// The next so many calls.
    Exactly(u32),
    /// Every call, until the faults are cleared.
    Always,
}

/// Where a held call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The request has arrived, nothing has happened.
    BeforeProcessing,
    /// Everything has happened, nothing has been answered.
    AfterProcessing,
}
