//! Requests of clients, as they come: a form, and what its headers say.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar_core::engine::issuer::refusal::{IssueError, Refusal};
use bursar_core::engine::issuer::token::ClientRequest;
use bursar_core::oauth::error::ErrorCode;
use bursar_core::oauth::form::Parameters;
use bursar_core::secret::Secret;
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http_body_util::BodyExt as _;
use zeroize::Zeroizing;

use super::Issuing;
use super::failure::failed;
use super::source::From;
use crate::http::cause::asked_by;

/// A client's form with its headers.
#[derive(Debug)]
pub(super) struct ClientForm {
    pub(super) parameters: Parameters,
    authorization: Option<Secret>,
    proofs: Vec<String>,
    source: From,
}

impl ClientForm {
    /// As the use cases want it.
    pub(super) fn request(&self) -> ClientRequest<'_> {
        ClientRequest {
            parameters: &self.parameters,
            authorization: self.authorization.as_ref(),
            proofs: &self.proofs,
            source: &self.source.0,
        }
    }
}

impl ClientForm {
    /// The answer to a request that nothing comes of.
    pub(super) fn failed(&self, issuing: &Issuing, error: &IssueError) -> Response {
        asked_by(failed(issuing, error, self.authorization.is_some()), || {
            let said = self.parameters.value("client_id").map(str::to_owned);
            said.or_else(|| self.authorization.as_ref().and_then(named_in))
        })
    }
}

impl FromRequest<Issuing> for ClientForm {
    type Rejection = Response;

    async fn from_request(request: Request, state: &Issuing) -> Result<Self, Response> {
        use axum::extract::FromRequestParts as _;
        let (mut parts, body) = request.into_parts();
        let Ok(source) = From::from_request_parts(&mut parts, state).await;
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            // RFC 6749 §2.3.1: secrets in addresses end in logs, so nothing is read from there.
            return Err(invalid(
                state,
                "parameters belong into the body of the request, not into its address",
            ));
        }
        let parameters =
            form(&parts.headers, body, &["resource"]).await.map_err(|message| invalid(state, &message))?;
        let mut authorization = parts.headers.get_all(AUTHORIZATION).iter();
        let (first, more) = (authorization.next(), authorization.next());
        if more.is_some() {
            return Err(invalid(state, "there is more than one `Authorization` header"));
        }
        let proofs = parts.headers.get_all("dpop").iter();
        Ok(Self {
            parameters,
            // Bytes that are no text prove nothing, but they were shown.
            authorization: first.map(|value| Secret::new(value.to_str().unwrap_or("?"))),
            proofs: proofs.map(|value| value.to_str().unwrap_or_default().to_owned()).collect(),
            source,
        })
    }
}

/// Reads a form in which only `repeatable` may be there twice.
pub(super) async fn form(headers: &HeaderMap, body: Body, repeatable: &[&str]) -> Result<Parameters, String> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err("the body must be a form: `Content-Type: application/x-www-form-urlencoded`".to_owned());
    }
    let bytes = body.collect().await.map_err(|_| "the body could not be read".to_owned())?.to_bytes();
    Parameters::parse_repeating(&bytes, repeatable).map_err(|error| error.to_string())
}

fn invalid(issuing: &Issuing, message: &str) -> Response {
    failed(issuing, &Refusal::new(ErrorCode::InvalidRequest, message).into(), false)
}

/// The client that the header names (RFC 6749 §2.3.1).
fn named_in(authorization: &Secret) -> Option<String> {
    let (scheme, pair) = authorization.expose().split_once(' ')?;
    let pair = Zeroizing::new(STANDARD.decode(pair.trim()).ok()?);
    let id = pair.split(|byte| *byte == b':').next().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    // The part before the colon is no secret.
    String::from_utf8(id.to_vec()).ok()
}
