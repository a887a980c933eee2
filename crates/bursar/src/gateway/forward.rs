//! Passing a request on, and its answer back.
//!
//! A refused token is replaced once and the request repeated once, if its body is at hand; nothing else is ever
//! repeated, because nobody can tell what the upstream did with the first one.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use bursar_core::engine::broker::HandOut;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::oauth::proof::nonce_of_resource;
use futures::future::{Either, select};
use http::header::{CONNECTION, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;

use super::Shared;
use super::answer::Answer;
use super::arriving::Arriving;
use super::bound::{equip, is_bound, proof};
use super::callers::Caller;
use super::connection::Unanswered;
use super::handler::Serving;
use super::headers::{passed_on, strip_answer, upgrade};
use super::idle::{Pulse, Silence};
use super::outgoing::Outgoing;
use super::path::upstream_path;
use super::refusal::Refusal;
use super::request_body::taken;
use super::request_log::LogLine;
use super::room::Exchange;
use super::route::Route;
use super::target::Target;
use super::tunnel::tunnel;
use crate::exit::Failure;

/// Who is let through to where.
#[derive(Clone, Copy)]
pub(super) struct Passage<'a> {
    pub(super) serving: &'a Serving,
    pub(super) shared: &'a Arc<Shared>,
    pub(super) route: &'a Route,
    pub(super) caller: &'a Caller,
    /// Of the caller's connection.
    pub(super) pulse: &'a Pulse,
    /// The path after the route.
    pub(super) rest: &'a str,
}

/// Passes a request on to where its route leads.
pub(super) async fn forward(
    passage: Passage<'_>,
    mut request: Request<Incoming>,
    line: &mut Option<LogLine>,
) -> Result<Response<Answer>, Refusal> {
    let Passage { shared, route, caller, pulse, rest, .. } = passage;
    let target = route.target(shared).await?;
    if let Some(line) = line {
        line.led_to(&route.name, &target.reference);
    }
    caller.check_account(&target.reference)?;
    let path = upstream_path(&target.prefix, rest).map_err(|refusal| {
        Refusal::new(StatusCode::BAD_REQUEST, "bad_path", refusal.to_string())
            .hint("write the path as the upstream has it, without detours")
    })?;
    let protocol = upgrade(request.headers()).filter(|_| request.version() == Version::HTTP_11);
    let upgraded = protocol.is_some().then(|| hyper::upgrade::on(&mut request));
    let (parts, body) = request.into_parts();
    let (body, copy) = if protocol.is_some() {
        (Outgoing::Passing { incoming: body, pulse: pulse.clone() }, None)
    } else {
        taken(shared, &parts.headers, body, pulse).await?
    };
    let exchange = shared.room.exchange(&shared.limits, &*shared.clock).await?;
    // Now and not before: a token should not age while a slow caller sends its body.
    let (target, handed) = token(shared, route, target, &Ask::default()).await?;
    let mut draft = Draft { parts, rest, path, protocol };
    let silence = Silence::new(pulse.clone(), shared.limits.upstream_idle);

    let sent = draft.with_token(shared, &target, &handed, body).await?;
    let mut answer = send(&target, sent, &silence, draft.protocol.is_some()).await?;
    let wants_nonce =
        is_bound(&target, &handed) && nonce_of_resource(answer.status(), answer.headers()).is_some();
    if wants_nonce && let Some(copy) = &copy {
        // It was refused for what it could not know; with that in the proof it is another request.
        let again =
            Box::pin(draft.with_token(shared, &target, &handed, Outgoing::whole(copy.clone()))).await?;
        answer = Box::pin(send(&target, again, &silence, false)).await?;
    }
    let mut answering = target;
    let refused = answer.status() == StatusCode::UNAUTHORIZED
        && nonce_of_resource(answer.status(), answer.headers()).is_none();
    if refused && copy.is_none() {
        let (now, pause) = (shared.clock.stopwatch(), shared.limits.fruitless_pause);
        if route.may_replace_for_later(now, pause) {
            // For the next request: this one cannot be repeated.
            let _for_later = Box::pin(replacement(shared, route, &answering, &handed)).await;
        }
    } else if refused
        && let Some((target, handed)) = Box::pin(replacement(shared, route, &answering, &handed)).await
        && let Some(copy) = copy
    {
        caller.check_account(&target.reference)?;
        draft.path = upstream_path(&target.prefix, draft.rest).unwrap_or(draft.path);
        let again = Box::pin(draft.with_token(shared, &target, &handed, Outgoing::whole(copy))).await?;
        answer = Box::pin(send(&target, again, &silence, false)).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            route.replacing_was_fruitless(shared.clock.stopwatch(), shared.limits.fruitless_pause);
        }
        answering = target;
    }
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        return switched(passage, upgraded, answer, line, exchange);
    }
    Ok(passed_back(&answering, route, answer, (silence, exchange)))
}

/// A token, and the target made for it.
async fn token(
    shared: &Shared,
    route: &Route,
    target: Arc<Target>,
    ask: &Ask,
) -> Result<(Arc<Target>, Arc<HandOut>), Failure> {
    let handed = shared.desk.hand_out(&target.reference, ask, shared.limits.hand_out_wait).await?;
    let target = route.target_for(shared, target, handed.generation).await?;
    Ok((target, handed))
}

/// Another token than the one that was refused, if one can be had.
async fn replacement(
    shared: &Shared,
    route: &Route,
    target: &Arc<Target>,
    refused: &HandOut,
) -> Option<(Arc<Target>, Arc<HandOut>)> {
    // While replacing is fruitless, a token that somebody else has renewed meanwhile still counts as another.
    let rejected = route.may_replace(shared.clock.stopwatch()).then(|| refused.token.fingerprint());
    let ask = Ask { rejected, ..Ask::default() };
    match token(shared, route, Arc::clone(target), &ask).await {
        Ok((target, handed)) if handed.token != refused.token => Some((target, handed)),
        Ok(_) => None,
        Err(failure) => {
            tracing::debug!(
                route = route.name,
                failure = failure.message,
                "a refused token was not replaced"
            );
            None
        }
    }
}

/// A request as it came, and what is needed to send it.
struct Draft<'a> {
    parts: Parts,
    /// The path after the route.
    rest: &'a str,
    /// The path at the upstream.
    path: String,
    /// What the caller wants to switch to.
    protocol: Option<HeaderValue>,
}

impl Draft<'_> {
    /// The request with a token in it.
    async fn with_token(
        &self,
        shared: &Shared,
        target: &Target,
        handed: &HandOut,
        body: Outgoing,
    ) -> Result<Request<Outgoing>, Refusal> {
        let unusable = || {
            Refusal::new(
                StatusCode::BAD_GATEWAY,
                "token_unusable",
                "the token cannot be carried as the route says",
            )
            .hint("see `inject`, `name` and `template` of the route")
        };
        let address =
            target.address(&self.path, self.parts.uri.query(), &handed.token).ok_or_else(unusable)?;
        let mut request = Request::new(body);
        *request.method_mut() = self.parts.method.clone();
        let proof = proof(&shared.desk, target, handed, &self.parts.method, &address).await?;
        *request.uri_mut() = address;
        let mut headers = passed_on(&self.parts.headers, target.injection.header());
        target.equip(&mut headers, &handed.token).ok_or_else(unusable)?;
        if let Some(proof) = proof {
            equip(&mut headers, handed, &proof).ok_or_else(unusable)?;
        }
        if let Some(protocol) = &self.protocol {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, protocol.clone());
        }
        *request.headers_mut() = headers;
        Ok(request)
    }
}

async fn send(
    target: &Target,
    request: Request<Outgoing>,
    silence: &Silence,
    upgrading: bool,
) -> Result<Response<Arriving>, Refusal> {
    silence.broken();
    let answer = async {
        if upgrading {
            Box::pin(target.pool.send_upgradable(request)).await
        } else {
            target.pool.send(request).await
        }
    };
    match select(pin!(answer), poll_fn(|context| silence.poll(context))).await {
        Either::Left((Ok(answer), _)) => {
            target.nonce.learn(answer.headers());
            Ok(answer)
        }
        Either::Left((Err(error), _)) => Err(unanswered(target, &error)),
        Either::Right(_) => Err(Refusal::new(
            StatusCode::GATEWAY_TIMEOUT,
            "upstream_timeout",
            format!("{} did not answer in time", target.host()),
        )),
    }
}

/// What an answer that did not come means.
fn unanswered(target: &Target, error: &Unanswered) -> Refusal {
    let mut causes: Vec<String> = Vec::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if causes.last() != Some(&text) {
            causes.push(text);
        }
        next = cause.source();
    }
    let host = target.host();
    let detail = causes.join(": ");
    let hint = "`bursar doctor` tests names, network, proxies and certificates";
    match error {
        Unanswered::TimedOut => {
            let message = format!("{host} could not be reached in time");
            Refusal::new(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", message).hint(hint)
        }
        Unanswered::Unreachable(_) => {
            let message = format!("{host} cannot be reached: {detail}");
            Refusal::new(StatusCode::BAD_GATEWAY, "upstream_unreachable", message).hint(hint)
        }
        Unanswered::Failed(_) => {
            let message = format!("{host} gave no answer: {detail}");
            Refusal::new(StatusCode::BAD_GATEWAY, "upstream_failed", message)
                .hint("whether it acted on the request is unknown; repeat it only if that does no harm")
        }
    }
}

fn passed_back(
    target: &Target,
    route: &Route,
    answer: Response<Arriving>,
    (silence, exchange): (Silence, Exchange),
) -> Response<Answer> {
    let (mut parts, body) = answer.into_parts();
    parts.version = Version::HTTP_11;
    strip_answer(&mut parts.headers);
    target.bend_location(&route.name, &mut parts.headers);
    Response::from_parts(parts, Answer::passing(body, silence, exchange))
}

/// Both sides go on in another protocol, if both wanted to.
fn switched(
    passage: Passage<'_>,
    caller: Option<OnUpgrade>,
    mut answer: Response<Arriving>,
    line: &mut Option<LogLine>,
    exchange: Exchange,
) -> Result<Response<Answer>, Refusal> {
    let Some(caller) = caller else {
        return Err(Refusal::new(
            StatusCode::BAD_GATEWAY,
            "upstream_failed",
            "the upstream switched to a protocol nobody asked for",
        ));
    };
    let upstream = hyper::upgrade::on(&mut answer);
    let mut parts = answer.into_parts().0;
    let protocol = parts.headers.get(UPGRADE).cloned();
    strip_answer(&mut parts.headers);
    parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    if let Some(protocol) = protocol {
        parts.headers.insert(UPGRADE, protocol);
    }
    if let Some(line) = line {
        line.answered(parts.status);
    }
    tunnel(passage.serving, &*passage.shared.tasks, caller, upstream, line.take(), exchange);
    Ok(Response::from_parts(parts, Answer::empty()))
}
