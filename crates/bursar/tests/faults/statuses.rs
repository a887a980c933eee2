//! Statuses of gateways and overloaded servers.

use bursar_core::lifecycle::failure::CauseKind::{RateLimited, ServerError};
use misbehaving_provider::{ErrorBody, Fault, RetryAfter};

use super::row::Journal::{Closed, Open};
use super::row::{After, Row, Strike, failing, failing_for, play};

fn status(code: u16, retry_after: RetryAfter, body: ErrorBody) -> Strike {
    Strike::Fault(Fault::Status { code, retry_after, body })
}

fn json(error: &str) -> ErrorBody {
    ErrorBody::Json { error: error.to_owned() }
}

pub(super) fn rows() -> Vec<Row> {
    use ErrorBody::{Empty, Html};
    use RetryAfter::{HttpDate, None, Seconds};
    let recovers = After::Recovers;
    vec![
        Row {
            name: "429",
            strike: status(429, None, Empty),
            expected: failing(
                Closed,
                RateLimited,
                "the provider answered HTTP 429: the answer is empty",
                recovers,
            ),
        },
        Row {
            name: "429, Retry-After in seconds",
            strike: status(429, Seconds(120), Empty),
            expected: failing_for(
                120..=120,
                Closed,
                RateLimited,
                "the provider answered HTTP 429: the answer is empty",
            ),
        },
        Row {
            name: "429, Retry-After as a date",
            strike: status(429, HttpDate(120), Html),
            expected: failing_for(
                119..=122,
                Closed,
                RateLimited,
                "the provider answered HTTP 429: the answer is a web page",
            ),
        },
        Row {
            name: "429, Retry-After in the past",
            strike: status(429, HttpDate(-60), Empty),
            expected: failing(
                Closed,
                RateLimited,
                "the provider answered HTTP 429: the answer is empty",
                recovers,
            ),
        },
        Row {
            name: "429, Retry-After of a day is believed for an hour",
            strike: status(429, Seconds(86_400), Empty),
            expected: failing_for(
                3600..=3600,
                Closed,
                RateLimited,
                "the provider answered HTTP 429: the answer is empty",
            ),
        },
        Row {
            name: "429 with an OAuth error",
            strike: status(429, Seconds(60), json("slow_down")),
            expected: failing_for(60..=60, Closed, RateLimited, "the provider answered slow_down"),
        },
        Row {
            name: "429 with a word nobody knows",
            strike: status(429, Seconds(60), json("rate_limit_exceeded")),
            expected: failing_for(60..=60, Closed, RateLimited, "the provider answered rate_limit_exceeded"),
        },
        Row {
            name: "500",
            strike: status(500, None, Html),
            expected: failing(
                Open,
                ServerError,
                "the provider answered HTTP 500: the answer is a web page",
                recovers,
            ),
        },
        Row {
            name: "502",
            strike: status(502, None, Empty),
            expected: failing(
                Open,
                ServerError,
                "the provider answered HTTP 502: the answer is empty",
                recovers,
            ),
        },
        Row {
            name: "502, JSON of a gateway",
            strike: status(502, None, json("Bad Gateway")),
            expected: failing(
                Open,
                ServerError,
                "the provider answered HTTP 502: the answer is a server's failure, not a refusal",
                recovers,
            ),
        },
        Row {
            name: "503 as JSON",
            strike: status(503, None, json("temporarily_unavailable")),
            expected: failing(Closed, ServerError, "the provider answered temporarily_unavailable", recovers),
        },
        Row {
            name: "503 as HTML",
            strike: status(503, None, Html),
            expected: failing(
                Open,
                ServerError,
                "the provider answered HTTP 503: the answer is a web page",
                recovers,
            ),
        },
        Row {
            name: "503, empty, Retry-After",
            strike: status(503, Seconds(90), Empty),
            expected: failing_for(
                90..=90,
                Open,
                ServerError,
                "the provider answered HTTP 503: the answer is empty",
            ),
        },
        Row {
            name: "504",
            strike: status(504, None, Html),
            expected: failing(
                Open,
                ServerError,
                "the provider answered HTTP 504: the answer is a web page",
                recovers,
            ),
        },
        Row {
            name: "504 after the provider had rotated",
            strike: Strike::Fault(Fault::Processed(Box::new(Fault::Status {
                code: 504,
                retry_after: None,
                body: Html,
            }))),
            expected: failing(
                Open,
                ServerError,
                "the provider answered HTTP 504: the answer is a web page",
                After::AnswerWasLost,
            ),
        },
    ]
}

#[tokio::test]
async fn a_status_of_trouble_keeps_the_token_and_tells_when_it_is_tried_again() {
    play(rows()).await;
}
