//! Connections that do not come to be, and those that end without an answer.

use bursar_core::lifecycle::failure::CauseKind::{Cut, Dns, Tls, Unreachable};
use misbehaving_provider::Fault;

use super::row::Journal::{Closed, Open};
use super::row::{After, Row, Strike, failing, play};

const HUNG_UP: &str = "the connection was cut (127.0.0.1): connection closed before message completed";

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "nobody listens",
            strike: Strike::Stopped,
            expected: failing(
                Closed,
                Unreachable,
                "connection failed (127.0.0.1): tcp connect error: Connection refused (os error 111)",
                After::Recovers,
            ),
        },
        Row {
            name: "the name leads nowhere",
            strike: Strike::NoSuchName,
            expected: failing(
                Closed,
                Dns,
                "name resolution failed (no-such-host.invalid): failed to lookup address information: [RESOLVER]",
                After::Recovers,
            ),
        },
        Row {
            name: "the other side does not speak TLS",
            strike: Strike::PlainPort,
            expected: failing(
                Closed,
                Tls,
                "TLS failed (127.0.0.1): the other side does not speak TLS",
                After::Recovers,
            ),
        },
        Row {
            name: "closed without an answer",
            strike: Strike::Fault(Fault::CloseBeforeAnswer),
            expected: failing(Open, Cut, HUNG_UP, After::Recovers),
        },
        Row {
            name: "closed without an answer, after the provider had rotated",
            strike: Strike::Fault(Fault::RotatedButLost),
            expected: failing(Open, Cut, HUNG_UP, After::AnswerWasLost),
        },
    ]
}

#[tokio::test]
async fn a_connection_that_fails_keeps_the_token_and_tells_whether_the_request_had_left() {
    play(rows()).await;
}
