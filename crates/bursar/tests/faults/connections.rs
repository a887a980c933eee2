//! Connections that do not come to be, and those that end without an answer.

use bursar_core::lifecycle::failure::CauseKind::{Cut, Dns, Tls, Unreachable};
use misbehaving_provider::Fault;

use super::row::Journal::{Closed, Open};
use super::row::{After, Row, Strike, failing, play};

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "nobody listens",
            strike: Strike::Stopped,
            expected: failing(Closed, Unreachable, "", After::Recovers),
        },
        Row {
            name: "the name leads nowhere",
            strike: Strike::NoSuchName,
            expected: failing(Closed, Dns, "", After::Recovers),
        },
        Row {
            name: "the other side does not speak TLS",
            strike: Strike::PlainPort,
            expected: failing(Closed, Tls, "", After::Recovers),
        },
        Row {
            name: "closed without an answer",
            strike: Strike::Fault(Fault::CloseBeforeAnswer),
            expected: failing(Open, Cut, "", After::Recovers),
        },
        Row {
            name: "closed without an answer, after the provider had rotated",
            strike: Strike::Fault(Fault::RotatedButLost),
            expected: failing(Open, Cut, "", After::AnswerWasLost),
        },
    ]
}

#[tokio::test]
async fn a_connection_that_fails_keeps_the_token_and_tells_whether_the_request_had_left() {
    play(rows()).await;
}
