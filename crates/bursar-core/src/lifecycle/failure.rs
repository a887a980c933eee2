//! What a failed call means: whether it passes by itself, and whether the token it carried may be spent.
//!
//! Classified by the OAuth error code, then by the provider's own table, last by the status. Whatever is not known
//! is transient, and leaves open whether the token was spent.

use std::fmt;

use http::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::oauth::error::{ErrorCode, OAuthError};
use crate::ports::upstream::{SendCause, SendError, SendPhase};
use crate::provider::{ErrorClass, Errors};

/// A failed renewal or login call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whether it passes by itself.
    pub class: Class,
    /// Whether the token that was presented may be spent.
    pub spent: Spent,
    /// What happened, for people and programs.
    pub cause: Cause,
    /// How long the provider asked to be left alone.
    pub retry_after: Option<SignedDuration>,
}

/// Whether a failure passes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Try again later.
    Transient,
    /// Trying again cannot help: a person has to log in.
    Permanent,
}

/// What a failure says about the token that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It certainly was not exchanged.
    No,
    /// It may have been exchanged, and the answer lost.
    Unknown,
}

/// Why something is as it is: a stable word for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The stable word.
    pub kind: CauseKind,
    /// The sentence, without secrets.
    pub detail: String,
}

impl Cause {
    /// A cause in one sentence.
    pub fn new(kind: CauseKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.detail)
    }
}

/// Stable words for causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// The provider says the grant is no longer good.
    GrantRefused,
    /// The provider wants a person (consent, second factor, new terms).
    InteractionRequired,
    /// The provider does not accept our client; the login itself may be fine.
    ClientRefused,
    /// The provider refused for another reason it named.
    Refused,
    /// The host name has no address.
    Dns,
    /// Nobody accepted the connection.
    Unreachable,
    /// The certificate or the handshake was not acceptable.
    Tls,
    /// The proxy refused or could not be reached.
    Proxy,
    /// No answer in time.
    TimedOut,
    /// The connection ended in the middle of the answer.
    Cut,
    /// Too many calls.
    RateLimited,
    /// The provider has a problem of its own.
    ServerError,
    /// The answer is not one of an authorization server: a captive portal, an error page, half a document.
    NotOAuth,
    /// An answer was lost and the provider does not accept the token again.
    LostAnswer,
    /// The provider answered with somebody else's tokens.
    IdentityChanged,
    /// The access token was refused although it should serve.
    Rejected,
    /// Past its end.
    Expired,
    /// Revoked here or at the provider.
    Revoked,
    /// The provider does not allow it yet.
    TooEarly,
    /// This store is a copy, and the original may still be in use.
    UnconfirmedCopy,
}

/// Classifies a call that brought no answer.
pub fn from_send_error(error: &SendError) -> Failure {
    let kind = match error.cause {
        SendCause::Dns => CauseKind::Dns,
        SendCause::Connect | SendCause::Forbidden => CauseKind::Unreachable,
        SendCause::Tls => CauseKind::Tls,
        SendCause::Proxy => CauseKind::Proxy,
        SendCause::Timeout => CauseKind::TimedOut,
        SendCause::Cut => CauseKind::Cut,
        SendCause::TooLarge => CauseKind::NotOAuth,
    };
    let spent = match error.phase {
        SendPhase::BeforeRequest => Spent::No,
        SendPhase::AfterRequest => Spent::Unknown,
    };
    Failure { class: Class::Transient, spent, cause: Cause::new(kind, error.to_string()), retry_after: None }
}

/// Classifies a parsed OAuth error. It proves that nothing was exchanged, whatever its status, with one exception:
/// `server_error` tells of a condition the server did not expect, which may have come after the exchange.
pub fn from_oauth_error(
    errors: &Errors,
    status: StatusCode,
    error: &OAuthError,
    retry_after: Option<SignedDuration>,
) -> Failure {
    let class = errors.class_of(error).unwrap_or_else(|| general_class(&error.code));
    let (class, kind) = match class {
        ErrorClass::Permanent => (Class::Permanent, CauseKind::GrantRefused),
        ErrorClass::Interaction => (Class::Permanent, CauseKind::InteractionRequired),
        ErrorClass::Transient if status == StatusCode::TOO_MANY_REQUESTS => {
            (Class::Transient, CauseKind::RateLimited)
        }
        ErrorClass::Transient => (Class::Transient, transient_kind(&error.code)),
    };
    let cause = Cause::new(kind, format!("the provider answered {error}"));
    let spent = if error.code == ErrorCode::ServerError { Spent::Unknown } else { Spent::No };
    Failure { class, spent, cause, retry_after }
}

/// Classifies an answer without a readable token or OAuth error; `why` says what is wrong with it.
pub fn from_unreadable(
    errors: &Errors,
    status: StatusCode,
    why: &str,
    retry_after: Option<SignedDuration>,
) -> Failure {
    let kind = match status.as_u16() {
        429 => CauseKind::RateLimited,
        500.. => CauseKind::ServerError,
        _ => CauseKind::NotOAuth,
    };
    let class = match errors.class_of_status(status) {
        Some(ErrorClass::Permanent | ErrorClass::Interaction) => Class::Permanent,
        Some(ErrorClass::Transient) | None => Class::Transient,
    };
    let unspent = status == StatusCode::TOO_MANY_REQUESTS
        || class == Class::Permanent
        || errors.unspent_statuses.contains(&status.as_u16());
    let spent = if unspent { Spent::No } else { Spent::Unknown };
    let cause = Cause::new(kind, format!("the provider answered HTTP {}: {why}", status.as_u16()));
    Failure { class, spent, cause, retry_after }
}

fn general_class(code: &ErrorCode) -> ErrorClass {
    match code {
        ErrorCode::InvalidGrant => ErrorClass::Permanent,
        ErrorCode::InteractionRequired | ErrorCode::LoginRequired | ErrorCode::ConsentRequired => {
            ErrorClass::Interaction
        }
        _ => ErrorClass::Transient,
    }
}

fn transient_kind(code: &ErrorCode) -> CauseKind {
    match code {
        ErrorCode::InvalidClient | ErrorCode::UnauthorizedClient => CauseKind::ClientRefused,
        ErrorCode::SlowDown => CauseKind::RateLimited,
        ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => CauseKind::ServerError,
        _ => CauseKind::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oauth(code: &str) -> OAuthError {
        OAuthError::from_json(&serde_json::json!({ "error": code })).unwrap()
    }

    #[test]
    fn oauth_errors_prove_that_nothing_was_spent_and_few_end_a_login() {
        let errors = Errors { permanent: vec!["bad_refresh_token".into()], ..Errors::default() };
        let table = [
            ("invalid_grant", Class::Permanent, CauseKind::GrantRefused),
            ("bad_refresh_token", Class::Permanent, CauseKind::GrantRefused),
            ("interaction_required", Class::Permanent, CauseKind::InteractionRequired),
            ("invalid_client", Class::Transient, CauseKind::ClientRefused),
            ("invalid_request", Class::Transient, CauseKind::Refused),
            ("temporarily_unavailable", Class::Transient, CauseKind::ServerError),
            ("slow_down", Class::Transient, CauseKind::RateLimited),
            ("something_nobody_knows", Class::Transient, CauseKind::Refused),
        ];
        for (code, class, kind) in table {
            let failure = from_oauth_error(&errors, StatusCode::BAD_REQUEST, &oauth(code), None);
            assert_eq!(
                (failure.class, failure.cause.kind, failure.spent),
                (class, kind, Spent::No),
                "{code}"
            );
        }
        let server_error = oauth("server_error");
        let failure = from_oauth_error(&errors, StatusCode::INTERNAL_SERVER_ERROR, &server_error, None);
        assert_eq!(failure.spent, Spent::Unknown);
    }

    #[test]
    fn a_status_of_too_many_calls_says_so_whatever_the_word() {
        let errors = Errors::default();
        let failure =
            from_oauth_error(&errors, StatusCode::TOO_MANY_REQUESTS, &oauth("quota_exceeded"), None);
        assert_eq!((failure.class, failure.cause.kind), (Class::Transient, CauseKind::RateLimited));
        let failure = from_oauth_error(&errors, StatusCode::TOO_MANY_REQUESTS, &oauth("invalid_grant"), None);
        assert_eq!(failure.class, Class::Permanent);
    }

    #[test]
    fn answers_that_are_no_oauth_leave_open_whether_the_token_was_spent() {
        let errors = Errors { unspent_statuses: vec![503], ..Errors::default() };
        let table = [
            (200, CauseKind::NotOAuth, Spent::Unknown),
            (302, CauseKind::NotOAuth, Spent::Unknown),
            (400, CauseKind::NotOAuth, Spent::Unknown),
            (429, CauseKind::RateLimited, Spent::No),
            (500, CauseKind::ServerError, Spent::Unknown),
            (502, CauseKind::ServerError, Spent::Unknown),
            (503, CauseKind::ServerError, Spent::No),
            (504, CauseKind::ServerError, Spent::Unknown),
        ];
        for (status, kind, spent) in table {
            let status = StatusCode::from_u16(status).unwrap();
            let failure = from_unreadable(&errors, status, "not JSON", None);
            assert_eq!((failure.class, failure.cause.kind), (Class::Transient, kind), "{status}");
            assert_eq!(failure.spent, spent, "{status}");
        }
    }

    #[test]
    fn a_call_that_never_left_spent_nothing() {
        for (phase, spent) in
            [(SendPhase::BeforeRequest, Spent::No), (SendPhase::AfterRequest, Spent::Unknown)]
        {
            let error = SendError {
                phase,
                cause: SendCause::Timeout,
                host: "example.com".into(),
                detail: "no answer in 30 s".into(),
            };
            let failure = from_send_error(&error);
            assert_eq!((failure.class, failure.spent), (Class::Transient, spent));
            assert_eq!(failure.cause.detail, "timed out (example.com): no answer in 30 s");
        }
    }
}
