//! A request's body: read whole while it is small and there is room, so that it can be sent twice, or passed on as it
//! comes.

use futures::future::{Either, select};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Incoming};

use super::Shared;
use super::idle::Pulse;
use super::outgoing::Outgoing;
use super::refusal::Refusal;
use super::room::held;

/// The body to send, and a copy for a second time if it was read whole.
pub(super) async fn taken(
    shared: &Shared,
    headers: &HeaderMap,
    body: Incoming,
    pulse: &Pulse,
) -> Result<(Outgoing, Option<Bytes>), Refusal> {
    if body.is_end_stream() {
        return Ok((Outgoing::Whole(None), Some(Bytes::new())));
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let small = announced.filter(|length| *length <= shared.limits.replay_body);
    let Some(space) = small.and_then(|length| shared.room.space(length)) else {
        return Ok((Outgoing::Passing { incoming: body, pulse: pulse.clone() }, None));
    };
    let whole = match select(Box::pin(body.collect()), shared.clock.sleep(shared.limits.body_time)).await {
        Either::Left((whole, _)) => whole.map_err(|_| {
            Refusal::new(StatusCode::BAD_REQUEST, "body_cut", "the request's body ended before its end")
        })?,
        Either::Right(_) => {
            let message = "the request's body did not come in time";
            return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", message)
                .hint("send a body that takes long without a length, as chunks"));
        }
    };
    let bytes = held(whole.to_bytes(), space);
    Ok((Outgoing::whole(bytes.clone()), Some(bytes)))
}
