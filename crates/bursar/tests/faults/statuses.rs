//! Statuses of gateways and overloaded servers.

use bursar_core::lifecycle::failure::CauseKind::{RateLimited, ServerError};
use misbehaving_provider::{ErrorBody, Fault, RetryAfter};

use super::row::Journal::{Closed, Open};
use super::row::{After, Row, Strike, failing, failing_for, play, row};

fn status(code: u16, retry_after: RetryAfter, body: ErrorBody) -> Strike {
    Strike::Fault(Fault::Status { code, retry_after, body })
}

fn json(error: &str) -> ErrorBody {
    ErrorBody::Json { error: error.to_owned() }
}

const EMPTY_429: &str = "the provider answered HTTP 429: the answer is empty";

pub(super) fn rows() -> Vec<Row> {
    use ErrorBody::{Empty, Html};
    use RetryAfter::{HttpDate, None, Seconds};
    let recovers = After::Recovers;
    vec![
        row("429", status(429, None, Empty), failing(Closed, RateLimited, EMPTY_429, recovers)),
        row(
            "429, Retry-After in seconds",
            status(429, Seconds(120), Empty),
            failing_for(120..=120, Closed, RateLimited, EMPTY_429),
        ),
        row(
            "429, Retry-After as a date",
            status(429, HttpDate(120), Html),
            failing_for(
                119..=122,
                Closed,
                RateLimited,
                "the provider answered HTTP 429: the answer is a web page",
            ),
        ),
        row(
            "429, Retry-After in the past",
            status(429, HttpDate(-60), Empty),
            failing(Closed, RateLimited, EMPTY_429, recovers),
        ),
        row(
            "429, Retry-After of a day is believed for an hour",
            status(429, Seconds(86_400), Empty),
            failing_for(3600..=3600, Closed, RateLimited, EMPTY_429),
        ),
        row(
            "429 with an OAuth error",
            status(429, Seconds(60), json("slow_down")),
            failing_for(60..=60, Closed, RateLimited, "the provider answered slow_down"),
        ),
        row(
            "429 with a word nobody knows",
            status(429, Seconds(60), json("rate_limit_exceeded")),
            failing_for(60..=60, Closed, RateLimited, "the provider answered rate_limit_exceeded"),
        ),
        row(
            "500",
            status(500, None, Html),
            failing(Open, ServerError, "the provider answered HTTP 500: the answer is a web page", recovers),
        ),
        row(
            "502",
            status(502, None, Empty),
            failing(Open, ServerError, "the provider answered HTTP 502: the answer is empty", recovers),
        ),
        row(
            "502, JSON of a gateway",
            status(502, None, json("Bad Gateway")),
            failing(
                Open,
                ServerError,
                "the provider answered HTTP 502: the answer is a server's failure, not a refusal",
                recovers,
            ),
        ),
        row(
            "503 as JSON",
            status(503, None, json("temporarily_unavailable")),
            failing(Closed, ServerError, "the provider answered temporarily_unavailable", recovers),
        ),
        row(
            "503 as HTML",
            status(503, None, Html),
            failing(Open, ServerError, "the provider answered HTTP 503: the answer is a web page", recovers),
        ),
        row(
            "503, empty, Retry-After",
            status(503, Seconds(90), Empty),
            failing_for(90..=90, Open, ServerError, "the provider answered HTTP 503: the answer is empty"),
        ),
        row(
            "504",
            status(504, None, Html),
            failing(Open, ServerError, "the provider answered HTTP 504: the answer is a web page", recovers),
        ),
        row(
            "504 after the provider had rotated",
            Strike::Fault(Fault::Processed(Box::new(Fault::Status {
                code: 504,
                retry_after: None,
                body: Html,
            }))),
            failing(
                Open,
                ServerError,
                "the provider answered HTTP 504: the answer is a web page",
                After::AnswerWasLost,
            ),
        ),
    ]
}

#[tokio::test]
async fn a_status_of_trouble_keeps_the_token_and_tells_when_it_is_tried_again() {
    play(rows()).await;
}
