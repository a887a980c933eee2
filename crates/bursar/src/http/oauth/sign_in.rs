//! Signing in and out, as the pages post it.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::known_browsers::KNOWN_BROWSER_AGE;
use bursar_core::engine::issuer::refusal::{IssueError, Refusal};
use bursar_core::engine::issuer::sign_in::{Credentials, SignInError, SignedInNow};
use bursar_core::engine::issuer::waiting::Waiting;
use bursar_core::oauth::error::ErrorCode;
use bursar_core::oauth::form::Parameters;
use bursar_core::secret::Secret;
use http::header::SET_COOKIE;

use super::authorize::{CONTINUE, Visit, lost, refused, sent_to, sign_in_page, trouble};
use super::form::form;
use super::met::Met;
use super::source::From;
use super::{Issuing, account, passkey_sign_in, reset};
use crate::http::pages::{Foreign, Form, SignIn, SignInFailed};

/// Where a sign-in is posted.
pub(super) const PATH: &str = "/login";

/// Somebody says who they are (`ticket`, `username`, `password`).
pub(super) async fn sign_in(Met(issuing): Met, source: From, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let parameters = match form(&parts.headers, body, &[]).await {
        Ok(parameters) => parameters,
        Err(message) => return refused(&issuing, &Refusal::new(ErrorCode::InvalidRequest, message)),
    };
    let known_browser = issuing.cookies.known_browser(&parts.headers);
    match signed_in(&issuing, &parameters, known_browser.as_ref(), &source).await {
        Ok(response) => response,
        Err(error) => trouble(&issuing, &error),
    }
}

async fn signed_in(
    issuing: &Issuing,
    parameters: &Parameters,
    known_browser: Option<&Secret>,
    source: &From,
) -> Result<Response, IssueError> {
    let (Some(username), Some(password), Some(ticket)) =
        (parameters.value("username"), parameters.secret("password"), parameters.secret("ticket"))
    else {
        return Ok(refused(issuing, &lost()));
    };
    let Some((waiting, next)) = waiting(issuing, ticket, source).await? else {
        return Ok(refused(issuing, &lost()));
    };
    let credentials = Credentials { username, password: password.clone(), known_browser };
    let failed = match issuing.server.sign_in(&credentials, &source.0).await {
        Ok(signed_in) => return Ok(entered(issuing, &signed_in, &next)),
        Err(SignInError::Wrong) => SignInFailed::Mismatch,
        Err(SignInError::LockedFor(wait)) => SignInFailed::TooMany(wait),
        Err(SignInError::Overloaded(_)) => SignInFailed::Busy,
        Err(SignInError::Issue(error)) => return Err(error),
    };
    Ok(again(issuing, &waiting, ticket, Some(username), failed))
}

/// What a ticket stands for, and where it leads. `None`: to nothing, for it is not one of this browser, so nobody is signed in
/// by a page of somebody else's.
pub(super) async fn waiting(
    issuing: &Issuing,
    ticket: &Secret,
    source: &From,
) -> Result<Option<(Waiting, String)>, IssueError> {
    let waiting = issuing.server.waiting(ticket, &source.0).await?;
    let next = match &waiting {
        Waiting::Request(_) => format!("{CONTINUE}?ticket={}", ticket.expose()),
        Waiting::Page(path) => path.clone(),
        Waiting::Nothing(_) => return Ok(None),
    };
    Ok(Some((waiting, next)))
}

/// Somebody is signed in, and goes on.
pub(super) fn entered(issuing: &Issuing, signed_in: &SignedInNow, next: &str) -> Response {
    let mut response = sent_to(&Secret::new(issuing.path(next)));
    let seconds = issuing.server.rules().lifetimes.browser_session.as_secs();
    let cookies = [
        issuing.cookies.set_session(&signed_in.cookie, seconds),
        issuing.cookies.set_known_browser(&signed_in.known_browser, KNOWN_BROWSER_AGE.as_secs()),
    ];
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// The page once more, with what went wrong.
pub(super) fn again(
    issuing: &Issuing,
    waiting: &Waiting,
    ticket: &Secret,
    username: Option<&str>,
    failed: SignInFailed,
) -> Response {
    match waiting {
        Waiting::Request(prompt) => sign_in_page(issuing, prompt, username, Some(failed)),
        Waiting::Page(_) | Waiting::Nothing(_) => {
            own_sign_in_page(issuing, ticket.expose(), username, Some(failed))
        }
    }
}

/// Whoever comes here by hand wants to their account.
pub(super) async fn arrive(Met(issuing): Met) -> Response {
    sent_to(&Secret::new(issuing.path(account::PATH)))
}

/// A sign-in for one of our own pages, after which the browser goes to `path`.
pub(super) async fn sign_in_for(issuing: &Issuing, path: &str, visit: &Visit) -> Response {
    match issuing.server.page_ticket(path, &visit.source.0).await {
        Ok(ticket) => visit.with_cookie(issuing, own_sign_in_page(issuing, &ticket, None, None)),
        Err(error) => trouble(issuing, &error),
    }
}

fn own_sign_in_page(
    issuing: &Issuing,
    ticket: &str,
    username: Option<&str>,
    failed: Option<SignInFailed>,
) -> Response {
    let question = issuing.server.passkey_question(ticket);
    let ways = passkey_sign_in::Ways::of(issuing);
    let reset = issuing.path(reset::PATH);
    let view = SignIn {
        form: Form { action: &issuing.path(PATH), ticket },
        username: username.map(Foreign::new),
        failed,
        client: None,
        redirect_uri: None,
        passkey: question.as_ref().map(|question| ways.form(ticket, question)),
        reset: Some(&reset),
    };
    view.page(&issuing.look).into_response()
}
