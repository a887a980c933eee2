//! Devices without a browser (RFC 8628): what they ask, and what their users see.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bursar_core::engine::issuer::authorize::{ConsentDecision, SignedIn};
use bursar_core::engine::issuer::device::{DeviceEnd, DeviceInquiry, DevicePrompt};
use bursar_core::engine::issuer::refusal::{IssueError, Refusal};
use bursar_core::oauth::error::ErrorCode;
use bursar_core::oauth::server::server_metadata::Endpoint;
use http::StatusCode;
use serde_json::json;

use super::Issuing;
use super::authorize::{Visit, client, lost, refused, shown_resources, shown_scopes, site, trouble};
use super::failure::json;
use super::form::{ClientForm, form};
use super::logout;
use super::met::Met;
use super::sign_in::sign_in_for;
use super::source::From;
use crate::http::pages::{
    CodeFailed, DeviceCode, DeviceConfirmation, DeviceEnd as EndPage, Foreign, Form, Person,
};

/// Where the decision of a person is posted.
pub(super) const DECISION: &str = "/oauth/device/decision";

/// A device asks for its codes.
pub(super) async fn begin(Met(issuing): Met, form: ClientForm) -> Response {
    let request = form.request();
    match issuing.server.begin_device(&request).await {
        Ok(answer) => {
            let mut document = json!({
                "device_code": answer.device_code.expose(),
                "user_code": answer.user_code.shown().expose(),
                "verification_uri": answer.verification_uri,
                "expires_in": answer.expires_in.as_secs(),
                "interval": answer.interval.as_secs(),
            });
            if let Some(complete) = &answer.verification_uri_complete {
                document["verification_uri_complete"] = complete.expose().into();
            }
            json(StatusCode::OK, &document)
        }
        Err(error) => form.failed(&issuing, &error),
    }
}

/// The page that asks for the code.
pub(super) async fn page(Met(issuing): Met, source: From, request: Request) -> Response {
    let visit = match Visit::of(&issuing, source, request.headers()).await {
        Ok(visit) => visit,
        Err(error) => return trouble(&issuing, &error),
    };
    if visit.signed_in.is_none() {
        return sign_in_for(&issuing, Endpoint::DeviceVerification.path(), &visit).await;
    }
    let typed = request.uri().query().and_then(|query| {
        url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "user_code")
    });
    // What an address brings is shown, never taken: somebody else may have written it.
    let typed = typed.map(|(_, code)| code.into_owned());
    visit.with_cookie(&issuing, code_page(&issuing, typed.as_deref(), None))
}

/// Somebody has typed a code (`user_code`).
pub(super) async fn typed(Met(issuing): Met, source: From, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let parameters = match form(&parts.headers, body, &[]).await {
        Ok(parameters) => parameters,
        Err(message) => return refused(&issuing, &Refusal::new(ErrorCode::InvalidRequest, message)),
    };
    let visit = match Visit::of(&issuing, source, &parts.headers).await {
        Ok(visit) => visit,
        Err(error) => return trouble(&issuing, &error),
    };
    let Some(signed_in) = &visit.signed_in else {
        return sign_in_for(&issuing, Endpoint::DeviceVerification.path(), &visit).await;
    };
    let code = parameters.value("user_code").unwrap_or_default();
    match issuing.server.device_by_user_code(code, signed_in, &visit.source.0).await {
        Ok(DeviceInquiry::Found(prompt)) => match confirmation(&issuing, &prompt, signed_in, &visit).await {
            Ok(response) => response,
            Err(error) => trouble(&issuing, &error),
        },
        Ok(DeviceInquiry::Unknown) => code_page(&issuing, Some(code), Some(CodeFailed::Unknown)),
        Ok(DeviceInquiry::TooMany { retry_after }) => {
            code_page(&issuing, Some(code), Some(CodeFailed::TooMany(retry_after)))
        }
        Err(error) => trouble(&issuing, &error),
    }
}

/// Somebody has decided (`ticket`, `decision`).
pub(super) async fn decide(Met(issuing): Met, source: From, request: Request) -> Response {
    match decided(&issuing, source, request).await {
        Ok(response) => response,
        Err(error) => trouble(&issuing, &error),
    }
}

async fn decided(issuing: &Issuing, source: From, request: Request) -> Result<Response, IssueError> {
    let (parts, body) = request.into_parts();
    let parameters = form(&parts.headers, body, &[])
        .await
        .map_err(|message| Refusal::new(ErrorCode::InvalidRequest, message))?;
    let decision = match parameters.value("decision") {
        Some("allow") => ConsentDecision::Allow,
        Some("deny") => ConsentDecision::Deny,
        _ => return Err(lost().into()),
    };
    let visit = Visit::of(issuing, source, &parts.headers).await?;
    let (Some(signed_in), Some(ticket)) = (&visit.signed_in, parameters.secret("ticket")) else {
        return Err(lost().into());
    };
    let end = match issuing.server.decide_device(ticket, decision, signed_in, &visit.source.0).await? {
        DeviceEnd::Allowed => EndPage::Allowed,
        DeviceEnd::Denied => EndPage::Denied,
        DeviceEnd::Expired => EndPage::Expired,
        DeviceEnd::Refused(refusal) => return Ok(refused(issuing, &refusal)),
    };
    Ok(end.page(&issuing.look).into_response())
}

fn code_page(issuing: &Issuing, typed: Option<&str>, failed: Option<CodeFailed>) -> Response {
    let view = DeviceCode {
        form: Form { action: &issuing.path(Endpoint::DeviceVerification.path()), ticket: "" },
        user_code: typed.map(Foreign::new),
        failed,
    };
    view.page(&issuing.look).into_response()
}

async fn confirmation(
    issuing: &Issuing,
    prompt: &DevicePrompt,
    signed_in: &SignedIn,
    visit: &Visit,
) -> Result<Response, IssueError> {
    let again = issuing.server.page_ticket(Endpoint::DeviceVerification.path(), &visit.source.0).await?;
    let site = site(&prompt.client);
    let user = &signed_in.user.document;
    let code = prompt.user_code.shown();
    let resources = shown_resources(&prompt.resources);
    let scopes = shown_scopes(&prompt.resources, &prompt.scope);
    let view = DeviceConfirmation {
        form: Form { action: &issuing.path(DECISION), ticket: &prompt.ticket },
        user_code: Foreign::new(code.expose()),
        client: client(&prompt.client, site.as_ref()),
        asked_from: prompt.asked_from.as_deref().map(Foreign::new),
        resources: &resources,
        scopes: &scopes,
        offline: prompt.client.may_refresh(&prompt.scope),
        person: Person {
            name: Foreign::new(user.name.as_deref().unwrap_or(&user.username)),
            leave: Form { action: &issuing.path(logout::LEAVE), ticket: &again },
        },
    };
    Ok(view.page(&issuing.look).into_response())
}
