//! From an answer and a fault to bytes on the connection.
//!
//! Some faults replace the answer, some disfigure it, some end the connection. hyper closes a connection without a byte
//! when the service fails, and in the middle of a body when the body fails; that is how the latter are played.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::Response;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, DATE, HeaderValue};
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::Sleep;

use crate::answer::Answer;
use crate::fault::{ErrorBody, Fault, RetryAfter};
use crate::system;

/// Time given to hyper to put what it has on the wire before the connection is cut. Any wait makes hyper flush; its length
/// does not matter.
const BEFORE_CUT: Duration = Duration::from_millis(1);

/// Size of the pieces of a huge body; large enough to be fast, small enough to be cheap.
const HUGE_CHUNK: usize = 64 * 1024;

/// How an answer leaves.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// Not at all: the connection closes.
    Hangup,
    /// As one piece.
    Whole(Answer),
    /// The same after a wait.
    Late(Answer, Duration),
    /// Byte by byte with this pause.
    Dribble(Answer, Duration),
    /// The head, this many bytes of the body, then the connection closes.
    Cut(Answer, usize),
    /// This many bytes of filler.
    Huge(u64),
}

impl Fault {
    /// What is sent instead of an answer, for faults that need none.
    pub(crate) fn instead(&self, now: Timestamp) -> Option<Delivery> {
        let answer = match self {
            Self::Status { code, retry_after, body } => {
                let answer = match body {
                    ErrorBody::Empty => Answer::empty(*code),
                    ErrorBody::Html => Answer::html(*code, "The server is having a bad day"),
                    ErrorBody::Json { error } => Answer::json(*code, &json!({ "error": error })),
                };
                match retry_after {
                    RetryAfter::None => answer,
                    RetryAfter::Seconds(seconds) => answer.with_header("retry-after", seconds.to_string()),
                    RetryAfter::HttpDate(seconds) => answer
                        .with_header("retry-after", http_date(now + SignedDuration::from_secs(*seconds))),
                }
            }
            Self::OauthError { status, code, description } => {
                let mut members = json!({ "error": code });
                if let Some(description) = description {
                    members["error_description"] = json!(description);
                }
                Answer::json(*status, &members)
            }
            Self::HtmlOk => Answer::html(200, "Sign in to the guest network"),
            Self::Redirect(location) => Answer::redirect(307, location.clone()),
            Self::CloseBeforeAnswer | Self::RotatedButLost => return Some(Delivery::Hangup),
            Self::HugeBody(bytes) => return Some(Delivery::Huge(*bytes)),
            Self::Processed(fault) => return fault.instead(now),
            Self::TruncatedJson
            | Self::Slow(_)
            | Self::Dribble(_)
            | Self::CutAfter(_)
            | Self::WrongContentType => {
                return None;
            }
        };
        Some(Delivery::Whole(answer))
    }

    /// How the processed answer leaves.
    pub(crate) fn disfigure(&self, mut answer: Answer, now: Timestamp) -> Delivery {
        match self {
            Self::Slow(wait) => Delivery::Late(answer, *wait),
            Self::Dribble(pause) => Delivery::Dribble(answer, *pause),
            Self::CutAfter(bytes) => Delivery::Cut(answer, *bytes),
            Self::TruncatedJson => {
                answer.body.truncate(answer.body.len() / 2);
                Delivery::Whole(answer)
            }
            Self::WrongContentType => {
                answer.headers.retain(|(name, _)| *name != "content-type");
                Delivery::Whole(answer.with_header("content-type", "text/plain".into()))
            }
            // A nested disfiguring fault is that fault.
            Self::Processed(fault) if fault.instead(now).is_none() => fault.disfigure(answer, now),
            _ => self.instead(now).unwrap_or(Delivery::Whole(answer)),
        }
    }
}

/// The connection is to be closed without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection closes on purpose")]
pub(crate) struct Hangup;

/// Turns a delivery into what hyper sends; `date` goes into the `Date` header (RFC 9110 §6.6.1).
pub(crate) async fn response(delivery: Delivery, date: Timestamp) -> Result<Response<ScriptedBody>, Hangup> {
    let (answer, body) = match delivery {
        Delivery::Hangup => return Err(Hangup),
        Delivery::Whole(answer) => {
            let body = ScriptedBody::whole(answer.body.clone());
            (answer, body)
        }
        Delivery::Late(answer, wait) => {
            system::sleep(wait).await;
            let body = ScriptedBody::whole(answer.body.clone());
            (answer, body)
        }
        Delivery::Dribble(answer, pause) => {
            let body = ScriptedBody::dribble(&answer.body, pause);
            (answer, body)
        }
        Delivery::Cut(answer, bytes) => {
            let body = ScriptedBody::cut(&answer.body, bytes);
            (answer, body)
        }
        Delivery::Huge(bytes) => {
            (Answer::empty(200).with_body("application/json", String::new()), ScriptedBody::huge(bytes))
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status.try_into().map_err(|_| Hangup)?;
    let headers = response.headers_mut();
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    if let Ok(value) = HeaderValue::from_str(&http_date(date)) {
        headers.insert(DATE, value);
    }
    // RFC 9110 §8.6: no Content-Length with 204.
    if let Some(length) = response.body().length.filter(|_| answer.status != 204) {
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    Ok(response)
}

/// IMF-fixdate (RFC 9110 §5.6.7).
fn http_date(at: Timestamp) -> String {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap_or_default()
}

/// A body that follows a script.
#[derive(Debug)]
pub(crate) struct ScriptedBody {
    steps: VecDeque<Step>,
    pausing: Option<Pin<Box<Sleep>>>,
    /// What `Content-Length` says; `None` sends chunks.
    length: Option<u64>,
}

#[derive(Debug)]
enum Step {
    Send(Bytes),
    Pause(Duration),
    Filler(u64),
    Cut,
}

impl ScriptedBody {
    fn new(length: Option<u64>, steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), pausing: None, length }
    }

    fn whole(body: Vec<u8>) -> Self {
        let length = body.len() as u64;
        Self::new(Some(length), (length > 0).then(|| Step::Send(body.into())))
    }

    fn dribble(body: &[u8], pause: Duration) -> Self {
        let steps =
            body.iter().flat_map(|&byte| [Step::Pause(pause), Step::Send(Bytes::copy_from_slice(&[byte]))]);
        Self::new(Some(body.len() as u64), steps)
    }

    fn cut(body: &[u8], bytes: usize) -> Self {
        let beginning = &body[..bytes.min(body.len())];
        // Never the whole length, or nothing would be missing.
        let length = body.len().max(bytes.saturating_add(1)) as u64;
        let send = (!beginning.is_empty()).then(|| Step::Send(Bytes::copy_from_slice(beginning)));
        Self::new(Some(length), send.into_iter().chain([Step::Pause(BEFORE_CUT), Step::Cut]))
    }

    fn huge(bytes: u64) -> Self {
        Self::new(None, [Step::Filler(bytes)])
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = Hangup;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Hangup>>> {
        loop {
            if let Some(pausing) = &mut self.pausing {
                ready!(pausing.as_mut().poll(context));
                self.pausing = None;
            }
            match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Send(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::Pause(duration)) => self.pausing = Some(Box::pin(system::sleep(duration))),
                Some(Step::Cut) => return Poll::Ready(Some(Err(Hangup))),
                Some(Step::Filler(0)) => {}
                Some(Step::Filler(left)) => {
                    let size = usize::try_from(left).unwrap_or(usize::MAX).min(HUGE_CHUNK);
                    self.steps.push_front(Step::Filler(left - size as u64));
                    return Poll::Ready(Some(Ok(Frame::data(vec![b'['; size].into()))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.pausing.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map(SizeHint::with_exact).unwrap_or_default()
    }
}
