//! Everything that is settled before a login begins, whoever wants it: the command line or the API.
//!
//! `target` finds the provider, `draft` settles secret, scopes and variables, `client` the client, `redirect` says where the browser
//! comes back to. Nothing here talks to a person: errors are facts, and each caller tells what to do in its own words.

mod client;
mod draft;
mod error;
mod redirect;
mod target;

pub(crate) use self::draft::{Draft, Wish};
pub(crate) use self::error::{PlanError, TargetError};
pub(crate) use self::redirect::{
    comes_back_by_itself, listen, pasted_redirect, refuse_scopes_of_other_flows,
};
pub(crate) use self::target::Target;

use bursar_core::engine::login::{LoginError, RegistrationFailure};
use bursar_core::lifecycle::failure::CauseKind;

use crate::exit::{Exit, Failure};

/// An outage in the middle of a login; everything else the engine says is told as it is.
pub(crate) fn refused(error: LoginError) -> Failure {
    let passes = matches!(
        &error,
        LoginError::Unreachable { cause, .. } if matches!(
            cause.kind,
            CauseKind::ServerError | CauseKind::Cut | CauseKind::TimedOut | CauseKind::RateLimited
        )
    );
    let failure = Failure::from(error);
    if passes { failure.hint("log in again in a minute; nothing was stored") } else { failure }
}

/// A client could not be had; `hint` says what helps where the server is at fault.
pub(crate) fn of_registration(error: RegistrationFailure, hint: &str) -> Failure {
    match error {
        RegistrationFailure::Vault(error) => error.into(),
        RegistrationFailure::Store(error) => error.into(),
        RegistrationFailure::Unreachable { .. } => {
            Failure::of(Exit::Unavailable, &error).hint("log in again in a minute; nothing was stored")
        }
        RegistrationFailure::NotOffered { .. } | RegistrationFailure::Refused { .. } => {
            Failure::of(Exit::Denied, &error).hint(hint)
        }
    }
}
