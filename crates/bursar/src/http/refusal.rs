//! Failures as answers: the status for the transport, the code for programs, the hint for people.

use axum::Json;
use axum::response::{IntoResponse, Response};
use bursar_core::engine::issuer::refusal::Refusal as Refused;
use bursar_core::oauth::error::ErrorCode;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use super::cause::Cause;
use super::wire::{FailureDocument, VAULT_UNAVAILABLE};
use crate::exit::{Exit, Failure};

/// A failed call on its way out.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    document: FailureDocument,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: &str, message: impl Into<String>) -> Self {
        let document = FailureDocument {
            error: error.to_owned(),
            message: message.into(),
            causes: Vec::new(),
            hint: None,
        };
        Self { status, document }
    }

    /// The same for a person at the keyboard.
    pub(super) fn into_failure(self) -> Failure {
        let FailureDocument { message, causes, hint, .. } = self.document;
        let exit = match self.status {
            StatusCode::SERVICE_UNAVAILABLE => Exit::Unavailable,
            StatusCode::LOCKED => Exit::VaultLocked,
            StatusCode::FORBIDDEN => Exit::Denied,
            status if status.is_client_error() => Exit::Usage,
            _ => Exit::Error,
        };
        Failure { exit, message, causes, hint }
    }

    /// Tells a vault that a person has locked from one that cannot be opened here, where the caller may do better.
    pub(super) fn of_vault(mut self, is_locked: bool) -> Self {
        if self.status == StatusCode::LOCKED && !is_locked {
            VAULT_UNAVAILABLE.clone_into(&mut self.document.error);
        }
        self
    }

    /// The same, told of one thing among many.
    pub(super) fn about(mut self, what: &str) -> Self {
        self.document.message = format!("{what}: {}", self.document.message);
        self
    }

    pub(super) fn hint(mut self, hint: &str) -> Self {
        self.document.hint = Some(hint.to_owned());
        self
    }
}

impl<T: Into<Failure>> From<T> for Refusal {
    fn from(error: T) -> Self {
        let failure: Failure = error.into();
        Self { status: code(failure.exit).0, document: FailureDocument::from(&failure) }
    }
}

impl From<&Failure> for FailureDocument {
    fn from(failure: &Failure) -> Self {
        let Failure { exit, message, causes, hint } = failure;
        Self {
            error: code(*exit).1.to_owned(),
            message: message.clone(),
            causes: causes.clone(),
            hint: hint.clone(),
        }
    }
}

/// The status and the word of each exit code that a hand-out can end with.
fn code(exit: Exit) -> (StatusCode, &'static str) {
    match exit {
        Exit::Usage => (StatusCode::BAD_REQUEST, "usage"),
        Exit::NoSuchAccount => (StatusCode::NOT_FOUND, "no_such_account"),
        Exit::LoginRequired => (StatusCode::CONFLICT, "login_required"),
        Exit::Unavailable | Exit::Unreachable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        Exit::VaultLocked => (StatusCode::LOCKED, "vault_locked"),
        Exit::Denied => (StatusCode::FORBIDDEN, "denied"),
        Exit::Ok | Exit::Error | Exit::Expiring | Exit::Code(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "error")
        }
    }
}

impl FailureDocument {
    /// The same for whoever asks later why it was refused.
    fn as_refusal(&self) -> Refused {
        let Self { error, message, causes, .. } = self;
        let code = ErrorCode::Extension(error.clone());
        let reason = causes.iter().fold(message.clone(), |reason, cause| format!("{reason}: {cause}"));
        Refused::new(code, message.clone()).because(reason)
    }

    /// The failure a command ends with after such an answer.
    pub fn into_failure(self) -> Failure {
        let exit = match self.error.as_str() {
            "usage" | "unknown_route" => Exit::Usage,
            "no_such_account" => Exit::NoSuchAccount,
            "login_required" => Exit::LoginRequired,
            "unavailable" => Exit::Unavailable,
            "vault_locked" | VAULT_UNAVAILABLE => Exit::VaultLocked,
            "denied" | "unauthorized" => Exit::Denied,
            _ => Exit::Error,
        };
        Failure { exit, message: self.message, causes: self.causes, hint: self.hint }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let cause = Cause::of(self.document.as_refusal());
        let mut response = cause.on((self.status, Json(self.document)).into_response());
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

pub(super) async fn unknown_route() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "unknown_route", "there is nothing at this path")
        .hint("see /v1/openapi.json")
}

pub(super) async fn wrong_method() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "unknown_route", "this path does not take this method")
        .hint("see /v1/openapi.json")
}
