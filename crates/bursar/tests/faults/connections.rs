//! Connections that do not come to be, and those that end without an answer.

use bursar_core::lifecycle::failure::CauseKind::{Cut, Dns, Tls, Unreachable};
use misbehaving_provider::Fault;

use super::row::Journal::{Closed, Open};
use super::row::{After, Row, Strike, failing, play, row};

const HUNG_UP: &str = "the connection was cut (127.0.0.1): connection closed before message completed";

pub(super) fn rows() -> Vec<Row> {
    vec![
        row(
            "nobody listens",
            Strike::Stopped,
            failing(
                Closed,
                Unreachable,
                "connection failed (127.0.0.1): tcp connect error: Connection refused (os error 111)",
                After::Recovers,
            ),
        ),
        row(
            "the name leads nowhere",
            Strike::NoSuchName,
            failing(
                Closed,
                Dns,
                "name resolution failed (no-such-host.invalid): failed to lookup address information: [RESOLVER]",
                After::Recovers,
            ),
        ),
        row(
            "the other side does not speak TLS",
            Strike::PlainPort,
            failing(
                Closed,
                Tls,
                "TLS failed (127.0.0.1): the other side does not speak TLS",
                After::Recovers,
            ),
        ),
        row(
            "closed without an answer",
            Strike::Fault(Fault::CloseBeforeAnswer),
            failing(Open, Cut, HUNG_UP, After::Recovers),
        ),
        row(
            "closed without an answer, after the provider had rotated",
            Strike::Fault(Fault::RotatedButLost),
            failing(Open, Cut, HUNG_UP, After::AnswerWasLost),
        ),
    ]
}

#[tokio::test]
async fn a_connection_that_fails_keeps_the_token_and_tells_whether_the_request_had_left() {
    play(rows()).await;
}
