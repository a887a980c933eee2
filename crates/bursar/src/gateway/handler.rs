//! One request: who may pass, then where to. The order of the checks is the order of the lines here.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderValue, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use tokio::sync::watch;

use super::answer::Answer;
use super::door::{open_to, preflight};
use super::forward::{Passage, forward};
use super::idle::Pulse;
use super::listener::Phase;
use super::path::gateway_path;
use super::refusal::Refusal;
use super::request_log::LogLine;
use super::{Gateway, Shared};

/// What the requests of one listener share.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) gateway: Gateway,
    pub(super) local: SocketAddr,
    pub(super) phase: watch::Receiver<Phase>,
}

/// Answers a request; `pulse` is that of its connection.
pub(super) async fn handle(serving: &Serving, pulse: &Pulse, request: Request<Incoming>) -> Response<Answer> {
    let shared = &serving.gateway.shared();
    let mut line = shared.log.as_ref().map(|log| log.line(&shared.clock, &request));
    let page = match shared.door.check_host(request.uri(), request.headers(), serving.local) {
        Ok(()) => shared.door.check_origin(request.headers()),
        Err(refusal) => Err(refusal),
    };
    let (page, result) = match page {
        Ok(page) => {
            let result = admitted((serving, shared, pulse), request, page.as_ref(), &mut line).await;
            (page, result)
        }
        Err(refusal) => (None, Err(refusal)),
    };
    let mut answer = result.unwrap_or_else(Refusal::into_answer);
    if let Some(page) = page {
        open_to(page, answer.headers_mut());
    }
    if let Some(line) = &mut line {
        line.answered(answer.status());
    }
    answer.map(|body| body.logged(line))
}

/// What happens to a request that came by a known name, from a known page or none.
async fn admitted(
    (serving, shared, pulse): (&Serving, &Arc<Shared>, &Pulse),
    request: Request<Incoming>,
    page: Option<&HeaderValue>,
    line: &mut Option<LogLine>,
) -> Result<Response<Answer>, Refusal> {
    if let (Some(_), Some(answer)) = (page, preflight(request.method(), request.headers())) {
        return Ok(answer);
    }
    let uri: Uri = request.uri().clone();
    let path = gateway_path(uri.path()).ok_or_else(|| unknown_route("there is no such path here"))?;
    let caller = shared.callers.admit(request.headers()).await?;
    if let Some(line) = line {
        line.called_by(&caller.name);
    }
    caller.check_route(path.route)?;
    let Some(route) = shared.routes.get(path.route) else {
        return Err(unknown_route("there is no such route"));
    };
    let passage = Passage { serving, shared, route, caller: &caller, pulse, rest: path.rest };
    forward(passage, request, line).await
}

fn unknown_route(message: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "unknown_route", message)
        .hint("routes are configured in `[gateway.routes.NAME]` and called as /gateway/NAME/...")
}
