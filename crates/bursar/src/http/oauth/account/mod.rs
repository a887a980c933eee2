//! The pages of a person's own account. Every one of them needs somebody signed in, and every post the ticket of a page that was
//! shown in the same session.

mod overview;
mod passkeys;
mod password;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{get, post};
use bursar_core::engine::issuer::authorize::SignedIn;
use bursar_core::engine::issuer::own_pages::Sender;
use bursar_core::engine::issuer::refusal::{IssueError, Refusal};
use bursar_core::oauth::error::ErrorCode;
use bursar_core::oauth::form::Parameters;
use bursar_core::secret::Secret;
use http::HeaderMap;

use super::Issuing;
use super::authorize::{Visit, lost, sent_to};
use super::form::form;
use super::sign_in::sign_in_for;
use super::source::From;
use crate::http::pages::Notice;

/// The page of it all; the others are beneath.
pub(super) const PATH: &str = "/account";

/// All of them.
pub(super) fn routes() -> Router<Issuing> {
    Router::new()
        .route(PATH, get(overview::page))
        .route(&beneath("/apps"), post(overview::withdraw))
        .route(&beneath("/sessions"), post(overview::end_sessions))
        .route(PASSWORD, get(password::page).post(password::change))
        .route(NEW_PASSKEY, get(passkeys::page).post(passkeys::add))
        .route(&beneath("/passkeys/rename"), post(passkeys::rename))
        .route(&beneath("/passkeys/remove"), post(passkeys::remove))
}

/// Where a browser finds the account, with a word on what was done.
pub(super) fn address(issuing: &Issuing, notice: Option<Notice>) -> String {
    let path = issuing.path(PATH);
    notice.map_or_else(|| path.clone(), |notice| format!("{path}?done={}", notice.word()))
}

fn done(issuing: &Issuing, notice: Notice) -> Response {
    sent_to(&Secret::new(address(issuing, Some(notice))))
}

/// Somebody signed in; or the page on which they sign in, to come back to `path`.
async fn arrived(
    issuing: &Issuing,
    source: From,
    headers: &HeaderMap,
    path: &str,
) -> Result<Result<(Visit, SignedIn), Response>, IssueError> {
    let visit = Visit::of(issuing, source, headers).await?;
    Ok(match visit.signed_in.clone() {
        Some(signed_in) => Ok((visit, signed_in)),
        None => Err(sign_in_for(issuing, path, &visit).await),
    })
}

/// What somebody signed in has posted from a page of theirs.
struct Posted {
    visit: Visit,
    signed_in: SignedIn,
    ticket: Secret,
    parameters: Parameters,
}

impl Posted {
    /// A text of the form; empty when it is not there.
    fn text(&self, name: &str) -> &str {
        self.parameters.value(name).unwrap_or_default()
    }
}

/// Reads a form of `page`; or the page on which they sign in, if they are not any more.
async fn posted(
    issuing: &Issuing,
    source: From,
    request: Request,
    page: &str,
) -> Result<Result<Posted, Response>, IssueError> {
    let (parts, body) = request.into_parts();
    let parameters = form(&parts.headers, body, &[])
        .await
        .map_err(|message| Refusal::new(ErrorCode::InvalidRequest, message))?;
    let (visit, signed_in) = match arrived(issuing, source, &parts.headers, PATH).await? {
        Ok(arrived) => arrived,
        Err(response) => return Ok(Err(response)),
    };
    let Some(ticket) = parameters.secret("ticket").cloned() else { return Err(lost().into()) };
    let end = issuing.server.form_ticket_end(page, Sender::Person(&signed_in), &ticket).await?;
    if end.is_none() {
        return Err(lost().into());
    }
    Ok(Ok(Posted { visit, signed_in, ticket, parameters }))
}

fn beneath(path: &str) -> String {
    format!("{PATH}{path}")
}

const PASSWORD: &str = "/account/password";
const NEW_PASSKEY: &str = "/account/passkeys/new";
