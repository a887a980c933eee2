//! Passkeys of whoever is signed in: added, renamed and removed.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::authorize::SignedIn;
use bursar_core::engine::issuer::own_pages::Sender;
use bursar_core::engine::issuer::passkeys::{ADDING, PasskeyChangeError};
use bursar_core::engine::issuer::refusal::IssueError;
use bursar_core::passkey::Registration;
use http::HeaderMap;

use super::{NEW_PASSKEY, PATH, Posted, arrived, done, posted};
use crate::http::oauth::Issuing;
use crate::http::oauth::authorize::{lost, trouble};
use crate::http::oauth::met::Met;
use crate::http::oauth::passkey_sign_in::{Ways, bytes};
use crate::http::oauth::sign_in::sign_in_for;
use crate::http::oauth::source::From;
use crate::http::pages::{Foreign, NewPasskey, Notice, Notification, PasskeyFailed, PasskeyOwner};

/// The page on which one is added.
pub(super) async fn page(Met(issuing): Met, source: From, headers: HeaderMap) -> Response {
    let outcome = async {
        let (visit, signed_in) = match arrived(&issuing, source, &headers, NEW_PASSKEY).await? {
            Ok(arrived) => arrived,
            Err(response) => return Ok(response),
        };
        if !issuing.server.may_add_passkeys(&signed_in) {
            return Ok(sign_in_for(&issuing, NEW_PASSKEY, &visit).await);
        }
        Ok(visit.with_cookie(&issuing, shown(&issuing, &signed_in, None).await?))
    };
    outcome.await.unwrap_or_else(|error: IssueError| trouble(&issuing, &error))
}

/// What a browser has made (`ticket`, `name`, `client_data`, `attestation`).
pub(super) async fn add(Met(issuing): Met, source: From, request: Request) -> Response {
    let outcome = async {
        match posted(&issuing, source, request, ADDING).await? {
            Ok(posted) => added(&issuing, &posted).await,
            Err(response) => Ok(response),
        }
    };
    outcome.await.unwrap_or_else(|error: IssueError| trouble(&issuing, &error))
}

async fn added(issuing: &Issuing, posted: &Posted) -> Result<Response, IssueError> {
    let signed_in = &posted.signed_in;
    let (client_data, attestation) =
        (bytes(&posted.parameters, "client_data"), bytes(&posted.parameters, "attestation"));
    let registration = Registration { client_data: &client_data, attestation: &attestation };
    let server = issuing.server.acting_as(signed_in.user.document.id.as_str());
    let failed = match server.add_passkey(signed_in, &posted.ticket, &registration, posted.text("name")).await
    {
        Ok(_) => return Ok(done(issuing, Notice::Passkey)),
        Err(PasskeyChangeError::Known) => PasskeyFailed::Known,
        Err(PasskeyChangeError::TooMany) => PasskeyFailed::TooMany,
        Err(PasskeyChangeError::Passkey(error)) => {
            tracing::info!(%error, "a new passkey was not taken");
            PasskeyFailed::Refused
        }
        Err(PasskeyChangeError::Stale) => return Err(lost().into()),
        Err(PasskeyChangeError::Issue(error)) => return Err(error),
        Err(PasskeyChangeError::NoHostName | PasskeyChangeError::OnlyWay) => return Ok(impossible(issuing)),
    };
    shown(issuing, signed_in, Some(failed)).await
}

/// Another name (`ticket`, `passkey`, `name`).
pub(super) async fn rename(Met(issuing): Met, source: From, request: Request) -> Response {
    let outcome = async {
        let posted = match posted(&issuing, source, request, PATH).await? {
            Ok(posted) => posted,
            Err(response) => return Ok(response),
        };
        let user = posted.signed_in.user.document.id.as_str();
        let server = issuing.server.acting_as(user);
        server.rename_passkey(user, posted.text("passkey"), posted.text("name")).await?;
        Ok(done(&issuing, Notice::PasskeyRenamed))
    };
    outcome.await.unwrap_or_else(|error: IssueError| trouble(&issuing, &error))
}

/// It shall open nothing any more (`ticket`, `passkey`).
pub(super) async fn remove(Met(issuing): Met, source: From, request: Request) -> Response {
    let outcome = async {
        let posted = match posted(&issuing, source, request, PATH).await? {
            Ok(posted) => posted,
            Err(response) => return Ok(response),
        };
        let user = posted.signed_in.user.document.id.as_str();
        let server = issuing.server.acting_as(user);
        match server.remove_passkey(user, posted.text("passkey")).await {
            Err(PasskeyChangeError::OnlyWay) => Ok(done(&issuing, Notice::OnlyWay)),
            Err(PasskeyChangeError::Issue(error)) => Err(error),
            Ok(_) | Err(_) => Ok(done(&issuing, Notice::PasskeyRemoved)),
        }
    };
    outcome.await.unwrap_or_else(|error: IssueError| trouble(&issuing, &error))
}

async fn shown(
    issuing: &Issuing,
    signed_in: &SignedIn,
    failed: Option<PasskeyFailed>,
) -> Result<Response, IssueError> {
    let user = &signed_in.user.document;
    let ticket = issuing.server.form_ticket(ADDING, Sender::Person(signed_in)).await?;
    let Some(question) = issuing.server.new_passkey_question(&user.id, &ticket).await? else {
        return Ok(impossible(issuing));
    };
    let ways = Ways::to(issuing, NEW_PASSKEY);
    let view = NewPasskey {
        passkey: ways.form(&ticket, &question),
        owner: PasskeyOwner {
            id: &user.id,
            username: Foreign::new(&user.username),
            name: Foreign::new(user.name.as_deref().unwrap_or(&user.username)),
        },
        back: &issuing.path(PATH),
        failed,
    };
    Ok(view.page(&issuing.look).into_response())
}

fn impossible(issuing: &Issuing) -> Response {
    Notification::NoPasskeys { back: &issuing.path(PATH) }.page(&issuing.look).into_response()
}
