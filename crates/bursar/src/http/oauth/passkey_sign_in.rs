//! Signing in with a passkey, as the sign-in page posts it, and the script of the pages that use passkeys.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_core::engine::issuer::passkeys::{PasskeyQuestion, PasskeySignIn, PasskeySignInError};
use bursar_core::engine::issuer::refusal::{IssueError, Refusal};
use bursar_core::oauth::error::ErrorCode;
use bursar_core::oauth::form::Parameters;
use bursar_core::passkey::Assertion;
use bursar_core::secret::Secret;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

use super::Issuing;
use super::authorize::{lost, refused, trouble};
use super::form::form;
use super::met::Met;
use super::sign_in::{again, entered, waiting};
use super::source::From;
use crate::http::pages::{Form, PASSKEY_SCRIPT, PasskeyForm, SignInFailed};

/// Where a sign-in with a passkey is posted.
pub(super) const PATH: &str = "/login/passkey";
/// Where the script is.
pub(super) const SCRIPT: &str = "/oauth/passkeys.js";

/// Paths that a page with passkeys names.
pub(super) struct Ways {
    action: String,
    script: String,
}

impl Ways {
    pub(super) fn of(issuing: &Issuing) -> Self {
        Self::to(issuing, PATH)
    }

    /// The same for a form that is posted elsewhere.
    pub(super) fn to(issuing: &Issuing, action: &str) -> Self {
        Self { action: issuing.path(action), script: issuing.path(SCRIPT) }
    }

    pub(super) fn form<'a>(&'a self, ticket: &'a str, question: &'a PasskeyQuestion) -> PasskeyForm<'a> {
        PasskeyForm { form: Form { action: &self.action, ticket }, question, script: &self.script }
    }
}

/// The script. It is the same for everybody and changes with the program only.
pub(super) async fn script() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, PASSKEY_SCRIPT).into_response()
}

/// A browser brings what a passkey has signed.
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
    let Some(ticket) = parameters.secret("ticket") else { return Ok(refused(issuing, &lost())) };
    let Some((waiting, next)) = waiting(issuing, ticket, source).await? else {
        return Ok(refused(issuing, &lost()));
    };
    let [client_data, authenticator_data, signature, user_handle] =
        ["client_data", "authenticator_data", "signature", "user_handle"].map(|name| bytes(parameters, name));
    let brought = PasskeySignIn {
        ticket,
        credential: parameters.value("credential").unwrap_or_default(),
        user_handle: &user_handle,
        assertion: Assertion {
            client_data: &client_data,
            authenticator_data: &authenticator_data,
            signature: &signature,
        },
        known_browser,
    };
    let failed = match issuing.server.sign_in_with_passkey(&brought, &source.0).await {
        Ok(signed_in) => return Ok(entered(issuing, &signed_in, &next)),
        Err(PasskeySignInError::Unknown | PasskeySignInError::Passkey(_)) => SignInFailed::Passkey,
        Err(PasskeySignInError::Copied) => SignInFailed::PasskeyCopied,
        Err(PasskeySignInError::Answered) => return Ok(refused(issuing, &lost())),
        Err(PasskeySignInError::Issue(error)) => return Err(error),
    };
    Ok(again(issuing, &waiting, ticket, None, failed))
}

/// Bytes of a field; none: what is none of them proves nothing.
pub(super) fn bytes(parameters: &Parameters, name: &str) -> Vec<u8> {
    let text = parameters.value(name).unwrap_or_default();
    URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
}
