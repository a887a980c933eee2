//! Failures of administration as answers: errors of use cases, and what is not there.

use bursar_core::engine::issuer::administration::users::UserError;
use http::StatusCode;

use crate::exit::Failure;
use crate::http::refusal::Refusal;

/// There is nothing of this name.
pub(super) fn missing(what: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
}

/// The name is taken.
pub(super) fn exists(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::CONFLICT, "exists", message)
}

/// The request asks for what cannot be.
pub(super) fn unacceptable(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "usage", message)
}

/// Of users, where a taken name is a conflict.
pub(super) fn of_user(error: UserError) -> Refusal {
    match error {
        UserError::Exists { .. } | UserError::WasUsed { .. } => exists(error.to_string()),
        other => Failure::from(other).into(),
    }
}
