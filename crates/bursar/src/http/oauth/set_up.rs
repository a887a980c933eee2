//! The first administrator of a new server, made in a browser on the server's own machine.

use axum::extract::{Extension, Request};
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::administration::first_code::FirstCodeError;
use bursar_core::engine::issuer::administration::users::UserError;
use bursar_core::engine::issuer::own_pages::Sender;
use bursar_core::engine::issuer::records::user::User;
use bursar_core::engine::issuer::refusal::{IssueError, Refusal};
use bursar_core::oauth::error::ErrorCode;
use bursar_core::oauth::form::Parameters;
use bursar_core::secret::Secret;
use http::HeaderMap;
use http::header::SET_COOKIE;

use super::authorize::{Visit, lost, refused, sent_to, trouble};
use super::form::form;
use super::met::Met;
use super::reset::{is_typed_twice, no_room};
use super::source::From;
use super::{Issuing, account};
use crate::http::pages::{Foreign, Form, Notice, Notification, SetUp, SetUpFailed};
use crate::http::this_machine::is_here;
use crate::server::Source;

/// The page, and where it is posted.
pub(super) const PATH: &str = "/set-up";

/// The page that asks for the code.
pub(super) async fn page(
    Met(issuing): Met,
    source: From,
    peer: Option<Extension<Source>>,
    request: Request,
) -> Response {
    match offered(&issuing, source, peer.as_deref(), request.headers()).await {
        Ok(response) => response,
        Err(error) => trouble(&issuing, &error),
    }
}

async fn offered(
    issuing: &Issuing,
    source: From,
    peer: Option<&Source>,
    headers: &HeaderMap,
) -> Result<Response, IssueError> {
    if let Some(response) = closed(issuing, peer, headers).await? {
        return Ok(response);
    }
    let visit = Visit::of(issuing, source, headers).await?;
    let ticket = issuing.server.form_ticket(PATH, Sender::Browser(&visit.source.0)).await?;
    Ok(visit.with_cookie(issuing, shown(issuing, &ticket, None, None)))
}

/// Somebody has the code (`ticket`, `code`, `username`, `new`, `again`).
pub(super) async fn claim(
    Met(issuing): Met,
    source: From,
    peer: Option<Extension<Source>>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let outcome = match form(&parts.headers, body, &[]).await {
        Ok(parameters) => claimed(&issuing, &parameters, &source, peer.as_deref(), &parts.headers).await,
        Err(message) => Err(Refusal::new(ErrorCode::InvalidRequest, message).into()),
    };
    outcome.unwrap_or_else(|error| trouble(&issuing, &error))
}

async fn claimed(
    issuing: &Issuing,
    parameters: &Parameters,
    source: &From,
    peer: Option<&Source>,
    headers: &HeaderMap,
) -> Result<Response, IssueError> {
    if let Some(response) = closed(issuing, peer, headers).await? {
        return Ok(response);
    }
    let (Some(ticket), Some(code)) = (parameters.secret("ticket"), parameters.secret("code")) else {
        return Ok(refused(issuing, &lost()));
    };
    if issuing.server.form_ticket_end(PATH, Sender::Browser(&source.0), ticket).await?.is_none() {
        return Ok(refused(issuing, &lost()));
    }
    let username = parameters.value("username").unwrap_or_default();
    let again = |failed| Ok(shown(issuing, ticket.expose(), Some(username), Some(failed)));
    let (Some(password), true) = (parameters.secret("new"), is_typed_twice(parameters)) else {
        return again(SetUpFailed::Differ);
    };
    let code = Secret::new(code.expose().trim());
    match issuing.server.claim_first_code(&code, username, password.clone()).await {
        Ok(user) => welcomed(issuing, &user, source).await,
        Err(FirstCodeError::NotGood) => again(SetUpFailed::NotGood),
        Err(FirstCodeError::NotFirst) => Ok(done(issuing)),
        Err(FirstCodeError::Store(error)) => Err(error.into()),
        Err(FirstCodeError::Issue(error)) => Err(error),
        Err(FirstCodeError::User(error)) => match error {
            UserError::Exists { .. } | UserError::WasUsed { .. } => again(SetUpFailed::Taken),
            UserError::Name { .. } => again(SetUpFailed::Name),
            UserError::Password => again(SetUpFailed::Password),
            UserError::Overloaded(_) => again(SetUpFailed::Busy),
            UserError::Full(full) => Err(no_room(&full)),
            UserError::Store(error) => Err(error.into()),
            UserError::Issue(error) => Err(error),
        },
    }
}

/// Nobody types a password again that they have just chosen.
async fn welcomed(issuing: &Issuing, user: &User, source: &From) -> Result<Response, IssueError> {
    let cookie = issuing.server.begin_session(user, &["pwd"], &source.0).await?;
    let seconds = issuing.server.rules().lifetimes.browser_session.as_secs();
    let mut response = sent_to(&Secret::new(account::address(issuing, Some(Notice::Welcome))));
    if let Some(cookie) = issuing.cookies.set_session(&cookie, seconds) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Why the page is not for this browser, or not any more.
async fn closed(
    issuing: &Issuing,
    peer: Option<&Source>,
    headers: &HeaderMap,
) -> Result<Option<Response>, IssueError> {
    if !is_here(peer, headers) {
        return Ok(Some(Notification::SetUpElsewhere.page(&issuing.look).into_response()));
    }
    Ok(issuing.server.has_administrator().await?.then(|| done(issuing)))
}

fn done(issuing: &Issuing) -> Response {
    let sign_in = issuing.path(account::PATH);
    Notification::SetUpDone { sign_in: &sign_in }.page(&issuing.look).into_response()
}

fn shown(issuing: &Issuing, ticket: &str, username: Option<&str>, failed: Option<SetUpFailed>) -> Response {
    let form = Form { action: &issuing.path(PATH), ticket };
    SetUp { form, username: username.map(Foreign::new), failed }.page(&issuing.look).into_response()
}
