//! Signing out: because an application says so (OIDC RP-Initiated Logout 1.0), or because somebody wants to.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::logout::{LogoutPrompt, LogoutStep};
use bursar_core::engine::issuer::refusal::{IssueError, Refusal};
use bursar_core::oauth::error::ErrorCode;
use bursar_core::oauth::form::Parameters;
use bursar_core::secret::Secret;
use http::header::SET_COOKIE;
use http::{HeaderMap, Method};

use super::authorize::{Visit, client, lost, refused, sent_to, site, trouble};
use super::form::form;
use super::met::Met;
use super::sign_in::waiting;
use super::source::From;
use super::{Issuing, account};
use crate::http::pages::{Foreign, Form, Person, SignOut, SignedIn, SignedOut};

/// Where the decision of a person is posted.
pub(super) const DECISION: &str = "/oauth/end_session/decision";
/// Where somebody goes who is not the one signed in.
pub(super) const LEAVE: &str = "/logout";

/// An application wants its user signed out.
pub(super) async fn begin(Met(issuing): Met, source: From, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let parameters = if parts.method == Method::POST {
        form(&parts.headers, body, &[]).await
    } else {
        let query = parts.uri.query().unwrap_or_default();
        Parameters::parse_form(query.as_bytes()).map_err(|error| error.to_string())
    };
    let outcome = match parameters {
        Ok(parameters) => {
            let cookie = issuing.cookies.session(&parts.headers);
            issuing.server.begin_logout(&parameters, cookie.as_ref(), &source.0).await
        }
        Err(message) => Err(Refusal::new(ErrorCode::InvalidRequest, message).into()),
    };
    answer(&issuing, outcome)
}

/// Somebody has decided (`ticket`, `decision`).
pub(super) async fn decide(Met(issuing): Met, source: From, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let parameters = match form(&parts.headers, body, &[]).await {
        Ok(parameters) => parameters,
        Err(message) => return refused(&issuing, &Refusal::new(ErrorCode::InvalidRequest, message)),
    };
    let Some(ticket) = parameters.secret("ticket") else { return refused(&issuing, &lost()) };
    if parameters.value("decision") != Some("sign_out") {
        return stayed(&issuing, source, &parts.headers).await;
    }
    let cookie = issuing.cookies.session(&parts.headers);
    let outcome = issuing.server.confirm_logout(ticket, cookie.as_ref(), &source.0).await;
    answer(&issuing, outcome)
}

/// Nothing has changed.
async fn stayed(issuing: &Issuing, source: From, headers: &HeaderMap) -> Response {
    let visit = match Visit::of(issuing, source, headers).await {
        Ok(visit) => visit,
        Err(error) => return trouble(issuing, &error),
    };
    let Some(signed_in) = &visit.signed_in else { return signed_out(issuing) };
    let user = &signed_in.user.document;
    let person = Person {
        name: Foreign::new(user.name.as_deref().unwrap_or(&user.username)),
        leave: Form { action: &issuing.path(LEAVE), ticket: "" },
    };
    SignedIn { person }.page(&issuing.look).into_response()
}

/// Somebody at one of our pages is not who is signed in (`ticket`: what brought them there, which goes on for whoever they
/// are). The cookie comes with our own pages only, so a page of another site ends nobody's session.
pub(super) async fn leave(Met(issuing): Met, source: From, request: Request) -> Response {
    match left(&issuing, &source, request).await {
        Ok(response) => without_session(&issuing, response),
        Err(error) => trouble(&issuing, &error),
    }
}

async fn left(issuing: &Issuing, source: &From, request: Request) -> Result<Response, IssueError> {
    let (parts, body) = request.into_parts();
    let parameters = form(&parts.headers, body, &[])
        .await
        .map_err(|message| Refusal::new(ErrorCode::InvalidRequest, message))?;
    if let Some(cookie) = issuing.cookies.session(&parts.headers) {
        issuing.server.end_session(&cookie).await?;
    }
    let waiting = match parameters.secret("ticket") {
        Some(ticket) => waiting(issuing, ticket, source).await?,
        None => None,
    };
    Ok(waiting.map_or_else(|| signed_out(issuing), |(_, next)| sent_to(&Secret::new(issuing.path(&next)))))
}

fn signed_out(issuing: &Issuing) -> Response {
    SignedOut { sign_in: &issuing.path(account::PATH) }.page(&issuing.look).into_response()
}

fn answer(issuing: &Issuing, outcome: Result<LogoutStep, IssueError>) -> Response {
    match outcome {
        Ok(LogoutStep::Confirm(prompt)) => confirmation(issuing, &prompt),
        Ok(LogoutStep::Done { redirect: Some(address) }) => {
            without_session(issuing, sent_to(&Secret::new(address.as_str())))
        }
        Ok(LogoutStep::Done { redirect: None }) => without_session(issuing, signed_out(issuing)),
        Ok(LogoutStep::Refused(refusal)) => refused(issuing, &refusal),
        Err(error) => trouble(issuing, &error),
    }
}

fn confirmation(issuing: &Issuing, prompt: &LogoutPrompt) -> Response {
    let site = prompt.client.as_ref().and_then(|client| site(client));
    let user = &prompt.user;
    let view = SignOut {
        form: Form { action: &issuing.path(DECISION), ticket: &prompt.ticket },
        person: Foreign::new(user.name.as_deref().unwrap_or(&user.username)),
        client: prompt.client.as_ref().map(|known| client(known, site.as_ref())),
        redirect_uri: prompt.redirect.as_ref(),
    };
    view.page(&issuing.look).into_response()
}

fn without_session(issuing: &Issuing, mut response: Response) -> Response {
    if let Some(cookie) = issuing.cookies.end_session() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
