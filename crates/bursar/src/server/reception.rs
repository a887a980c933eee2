//! One request: looked at, given to the routes within its bounds, answered whatever happens to them.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bursar_core::ports::clock::Clock;
use futures::{FutureExt as _, StreamExt as _};
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Request, StatusCode, Version};
use hyper::body::Incoming;
use serde_json::json;
use tokio::sync::watch;
use tower_service::Service as _;

use super::connection::{Phase, reached};
use super::door::DoorRules;
use super::exchange::{AnswerBody, Exchange};
use super::health::{HEALTH_PATH, READINESS_PATH};
use super::limits::Limits;
use super::request_body::{Cut, bounded};

/// What all requests of a server share.
#[derive(Debug)]
pub(super) struct Reception {
    pub(super) router: Router,
    pub(super) rules: DoorRules,
    pub(super) limits: Limits,
    pub(super) clock: Arc<dyn Clock>,
}

/// With an answer that would go on for ever, and whose reader comes back by itself: it ends when the server closes.
#[derive(Clone, Copy, Debug)]
pub struct Endless;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guest {
    pub(super) peer: IpAddr,
    pub(super) is_tls: bool,
}

impl Reception {
    pub(super) async fn receive(
        &self,
        request: Request<Incoming>,
        guest: Guest,
        exchange: Exchange,
        mut phase: watch::Receiver<Phase>,
    ) -> Response<AnswerBody> {
        let version = request.version();
        let mut answer = self.answer(request, guest).await;
        if version < Version::HTTP_2 && BROKEN_OFF.contains(&answer.status()) {
            // What is left of the body is not waited for.
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if answer.extensions().get::<Endless>().is_some() {
            let closing = async move { reached(&mut phase, Phase::Closing).await };
            let until_then =
                |body: Body| Body::from_stream(body.into_data_stream().take_until(Box::pin(closing)));
            answer = answer.map(until_then);
        }
        answer.map(|body| AnswerBody::new(body, exchange))
    }

    async fn answer(&self, request: Request<Incoming>, guest: Guest) -> Response {
        if !names_one_host(&request) {
            return refusal(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "the request names no host, or several",
            );
        }
        let path = request.uri().path();
        if !self.rules.admits(guest.peer) && path != HEALTH_PATH && path != READINESS_PATH {
            return refusal(
                StatusCode::FORBIDDEN,
                "insecure_transport",
                "this server is reached through its proxy, or by HTTPS",
            );
        }
        let (mut parts, body) = request.into_parts();
        let (body, fate) = match bounded(body, &self.limits, &self.clock) {
            Ok(Some((body, fate))) => (body, Some(fate)),
            Ok(None) => (Body::empty(), None),
            Err(cut) => return broken_off(cut),
        };
        parts.extensions.insert(self.rules.proxies.source(guest.peer, guest.is_tls, &parts.headers));
        let answering = self.router.clone().call(Request::from_parts(parts, body));
        let answer = match AssertUnwindSafe(answering).catch_unwind().await {
            Ok(Ok(answer)) => answer,
            Ok(Err(never)) => match never {},
            // The panic has told its story already.
            Err(_panic) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "something went wrong"),
        };
        // Whatever the route made of half a body.
        fate.and_then(|fate| fate.cut()).map_or(answer, broken_off)
    }
}

/// RFC 9112 §3.2: a request of HTTP/1.1 without a host, or with two, is a mistake or an attempt at confusing somebody.
fn names_one_host<B>(request: &Request<B>) -> bool {
    let hosts = request.headers().get_all(HOST).iter().count();
    match request.version() {
        Version::HTTP_11 => hosts == 1,
        _ => hosts <= 1,
    }
}

fn broken_off(cut: Cut) -> Response {
    match cut {
        Cut::TooLarge => {
            refusal(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", "the request's body is too large")
        }
        Cut::TooSlow => refusal(
            StatusCode::REQUEST_TIMEOUT,
            "invalid_request",
            "the request's body does not come in time",
        ),
    }
}

fn refusal(status: StatusCode, error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": description }).to_string();
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

const BROKEN_OFF: [StatusCode; 2] = [StatusCode::PAYLOAD_TOO_LARGE, StatusCode::REQUEST_TIMEOUT];
