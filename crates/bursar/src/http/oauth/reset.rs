//! A new password by a code of an administrator's.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::administration::quotas::QuotaReached;
use bursar_core::engine::issuer::administration::users::UserError;
use bursar_core::engine::issuer::guesses::GuessError;
use bursar_core::engine::issuer::own_pages::Sender;
use bursar_core::engine::issuer::password_reset::ResetError;
use bursar_core::engine::issuer::refusal::{IssueError, Refusal};
use bursar_core::oauth::error::ErrorCode;
use bursar_core::oauth::form::Parameters;

use super::authorize::{Visit, lost, refused, trouble};
use super::form::form;
use super::met::Met;
use super::source::From;
use super::{Issuing, account};
use crate::http::pages::{Foreign, Form, Notification, PasswordFailed, PasswordReset, ResetFailed};

/// The page, and where it is posted.
pub(super) const PATH: &str = "/reset";

/// The page that asks for the code.
pub(super) async fn page(Met(issuing): Met, source: From, request: Request) -> Response {
    let visit = match Visit::of(&issuing, source, request.headers()).await {
        Ok(visit) => visit,
        Err(error) => return trouble(&issuing, &error),
    };
    match issuing.server.form_ticket(PATH, Sender::Browser(&visit.source.0)).await {
        Ok(ticket) => visit.with_cookie(&issuing, shown(&issuing, &ticket, None, None)),
        Err(error) => trouble(&issuing, &error),
    }
}

/// Somebody has a code and a new password (`ticket`, `username`, `code`, `new`, `again`).
pub(super) async fn set(Met(issuing): Met, source: From, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let outcome = match form(&parts.headers, body, &[]).await {
        Ok(parameters) => changed(&issuing, &parameters, &source).await,
        Err(message) => Err(Refusal::new(ErrorCode::InvalidRequest, message).into()),
    };
    outcome.unwrap_or_else(|error| trouble(&issuing, &error))
}

async fn changed(issuing: &Issuing, parameters: &Parameters, source: &From) -> Result<Response, IssueError> {
    let Some(ticket) = parameters.secret("ticket") else { return Ok(refused(issuing, &lost())) };
    if issuing.server.form_ticket_end(PATH, Sender::Browser(&source.0), ticket).await?.is_none() {
        return Ok(refused(issuing, &lost()));
    }
    let (username, code) =
        (parameters.value("username").unwrap_or_default(), parameters.value("code").unwrap_or_default());
    let again = |failed| Ok(shown(issuing, ticket.expose(), Some(username), Some(failed)));
    let (Some(new), true) = (parameters.secret("new"), is_typed_twice(parameters)) else {
        return again(ResetFailed::Password(PasswordFailed::Differ));
    };
    match issuing.server.reset_password(username, code, new.clone(), &source.0).await {
        Ok(()) => {
            let sign_in = issuing.path(account::PATH);
            Ok(Notification::PasswordSet { sign_in: &sign_in }.page(&issuing.look).into_response())
        }
        Err(ResetError::NotGood) => again(ResetFailed::NotGood),
        Err(ResetError::Guess(error)) => again(ResetFailed::Password(of_guess(error)?)),
        Err(ResetError::User(error)) => again(ResetFailed::Password(of_user(error)?)),
    }
}

fn shown(issuing: &Issuing, ticket: &str, username: Option<&str>, failed: Option<ResetFailed>) -> Response {
    let form = Form { action: &issuing.path(PATH), ticket };
    PasswordReset { form, username: username.map(Foreign::new), failed }.page(&issuing.look).into_response()
}

/// Whether a new password was typed in the same way twice.
pub(super) fn is_typed_twice(parameters: &Parameters) -> bool {
    let typed = |name| parameters.secret(name).map_or("", |secret| secret.expose());
    typed("new") == typed("again")
}

/// What a page tells of a guess that was not heard.
pub(super) fn of_guess(error: GuessError) -> Result<PasswordFailed, IssueError> {
    match error {
        GuessError::TooMany { wait } => Ok(PasswordFailed::TooMany(wait)),
        GuessError::Store(error) => Err(error.into()),
    }
}

/// There are as many as there may be.
pub(super) fn no_room(full: &QuotaReached) -> IssueError {
    Refusal::new(ErrorCode::AccessDenied, full.to_string()).into()
}

/// What a page tells of a password that was not set.
pub(super) fn of_user(error: UserError) -> Result<PasswordFailed, IssueError> {
    match error {
        UserError::Overloaded(_) => Ok(PasswordFailed::Busy),
        UserError::Full(full) => Err(no_room(&full)),
        UserError::Store(error) => Err(error.into()),
        UserError::Issue(error) => Err(error),
        UserError::Password
        | UserError::Exists { .. }
        | UserError::WasUsed { .. }
        | UserError::Name { .. } => Ok(PasswordFailed::Unfit),
    }
}
