//! Another password, by whoever knows the current one.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::authorize::SignedIn;
use bursar_core::engine::issuer::own_pages::Sender;
use bursar_core::engine::issuer::passwords::PasswordChangeError;
use bursar_core::engine::issuer::refusal::IssueError;
use http::HeaderMap;
use http::header::SET_COOKIE;

use super::{PASSWORD, PATH, Posted, arrived, done, posted};
use crate::http::oauth::Issuing;
use crate::http::oauth::authorize::trouble;
use crate::http::oauth::met::Met;
use crate::http::oauth::reset::{is_typed_twice, of_guess, of_user};
use crate::http::oauth::source::From;
use crate::http::pages::{Foreign, Form, Notice, PasswordChange, PasswordFailed};

/// The page.
pub(super) async fn page(Met(issuing): Met, source: From, headers: HeaderMap) -> Response {
    let outcome = async {
        match arrived(&issuing, source, &headers, PASSWORD).await? {
            Ok((visit, signed_in)) => {
                let ticket = issuing.server.form_ticket(PASSWORD, Sender::Person(&signed_in)).await?;
                Ok(visit.with_cookie(&issuing, shown(&issuing, &signed_in, &ticket, None)))
            }
            Err(response) => Ok(response),
        }
    };
    outcome.await.unwrap_or_else(|error: IssueError| trouble(&issuing, &error))
}

/// Both passwords (`ticket`, `current`, `new`, `again`).
pub(super) async fn change(Met(issuing): Met, source: From, request: Request) -> Response {
    let outcome = async {
        match posted(&issuing, source, request, PASSWORD).await? {
            Ok(posted) => changed(&issuing, &posted).await,
            Err(response) => Ok(response),
        }
    };
    outcome.await.unwrap_or_else(|error: IssueError| trouble(&issuing, &error))
}

async fn changed(issuing: &Issuing, posted: &Posted) -> Result<Response, IssueError> {
    let again = |failed| Ok(shown(issuing, &posted.signed_in, posted.ticket.expose(), Some(failed)));
    let parameters = &posted.parameters;
    let (Some(new), true) = (parameters.secret("new"), is_typed_twice(parameters)) else {
        return again(PasswordFailed::Differ);
    };
    let Some(current) = parameters.secret("current") else { return again(PasswordFailed::Wrong) };
    let server = issuing.server.acting_as(posted.signed_in.user.document.id.as_str());
    let source = &posted.visit.source.0;
    match server.change_password(&posted.signed_in, current.clone(), new.clone(), source).await {
        Ok(cookie) => {
            let mut response = done(issuing, Notice::Password);
            let seconds = server.rules().lifetimes.browser_session.as_secs();
            if let Some(cookie) = issuing.cookies.set_session(&cookie, seconds) {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            Ok(response)
        }
        Err(PasswordChangeError::Wrong) => again(PasswordFailed::Wrong),
        Err(PasswordChangeError::Guess(error)) => again(of_guess(error)?),
        Err(PasswordChangeError::User(error)) => again(of_user(error)?),
    }
}

fn shown(issuing: &Issuing, signed_in: &SignedIn, ticket: &str, failed: Option<PasswordFailed>) -> Response {
    let view = PasswordChange {
        form: Form { action: &issuing.path(PASSWORD), ticket },
        username: Foreign::new(&signed_in.user.document.username),
        back: &issuing.path(PATH),
        failed,
    };
    view.page(&issuing.look).into_response()
}
