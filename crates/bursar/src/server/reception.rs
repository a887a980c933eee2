//! One request: looked at, given to the routes within its bounds, answered whatever happens to them.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::ports::clock::Clock;
use bursar_core::ports::store::StoreError;
use futures::{FutureExt as _, StreamExt as _};
use http::header::CONNECTION;
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode, Version};
use hyper::body::Incoming;
use tokio::sync::watch;
use tower_service::Service as _;

use super::away::{Away, turned_away};
use super::connection::{Phase, reached};
use super::door::DoorRules;
use super::exchange::{AnswerBody, Exchange};
use super::health::{HEALTH_PATH, READINESS_PATH};
use super::limits::Limits;
use super::request_body::bounded;
use super::source::Source;
use crate::http::cause::noted;
use crate::sandboxes::{SandboxServer, SandboxServers};

/// What all requests of a server share.
#[derive(Debug)]
pub(super) struct Reception {
    pub(super) router: Router,
    pub(super) rules: DoorRules,
    pub(super) limits: Limits,
    pub(super) clock: Arc<dyn Clock>,
    /// Who notes why requests get nothing.
    pub(super) refusals: Option<AuthorizationServer>,
    /// Who answers in the place of the routes, for what is a sandbox's.
    pub(super) sandboxes: Option<SandboxServers>,
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

    /// Whatever becomes of a request: what the routes refuse, and what never comes to them, is noted in one place.
    async fn answer(&self, request: Request<Incoming>, guest: Guest) -> Response {
        let (parts, body) = request.into_parts();
        // The routes keep what they are given.
        let uri = parts.uri.clone();
        // Machines ask for it every few seconds, and no one asks them why.
        let is_health = [HEALTH_PATH, READINESS_PATH].contains(&uri.path());
        let sandbox = if is_health { Ok(None) } else { self.sandbox_of(&parts).await };
        // What is refused in a sandbox is nobody's business but its own.
        let (router, refusals) = match &sandbox {
            Ok(Some(sandbox)) => (&sandbox.router, Some(&sandbox.server)),
            _ => (&self.router, self.refusals.as_ref().filter(|_| !is_health)),
        };
        let source = self.rules.proxies.source(guest.peer, guest.is_tls, &parts.headers);
        let is_admitted = is_health || self.rules.admits(guest.peer);
        let answer = match turned_away(&parts, is_admitted) {
            Some(away) => away.answer(refusals),
            None if sandbox.is_err() => Away::NotNow.answer(refusals),
            None => self.routed(router, parts, body, source.clone(), refusals).await,
        };
        match refusals {
            Some(server) => noted(server, answer, uri.path(), &source),
            None => answer,
        }
    }

    /// The sandbox that a request is for; `None`: for none.
    async fn sandbox_of(&self, head: &Parts) -> Result<Option<Arc<SandboxServer>>, StoreError> {
        let concerned = self.sandboxes.as_ref().filter(|sandboxes| sandboxes.may_be_asked_for(head));
        let Some(sandboxes) = concerned else { return Ok(None) };
        // Room for it only where it is needed: every connection has room for all that may happen on it.
        let found = Box::pin(sandboxes.asked_for(head)).await;
        if let Err(error) = &found {
            tracing::warn!(%error, "it cannot be told which sandbox a request is for");
        }
        found
    }

    async fn routed(
        &self,
        router: &Router,
        mut parts: Parts,
        body: Incoming,
        source: Source,
        refusals: Option<&AuthorizationServer>,
    ) -> Response {
        let (body, fate) = match bounded(body, &self.limits, &self.clock) {
            Ok(Some((body, fate))) => (body, Some(fate)),
            Ok(None) => (Body::empty(), None),
            Err(cut) => return Away::from(cut).answer(refusals),
        };
        parts.extensions.insert(source);
        let answering = router.clone().call(Request::from_parts(parts, body));
        let answer = match AssertUnwindSafe(answering).catch_unwind().await {
            Ok(Ok(answer)) => answer,
            Ok(Err(never)) => match never {},
            // The panic has told its story already.
            Err(_panic) => Away::Broken.answer(refusals),
        };
        // Whatever the route made of half a body.
        fate.and_then(|fate| fate.cut()).map_or(answer, |cut| Away::from(cut).answer(refusals))
    }
}

const BROKEN_OFF: [StatusCode; 2] = [StatusCode::PAYLOAD_TOO_LARGE, StatusCode::REQUEST_TIMEOUT];
