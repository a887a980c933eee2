//! Answers that are wrong, late, or not whole.

use std::time::Duration;

use bursar_core::lifecycle::failure::CauseKind::{Cut, NotOAuth, TimedOut};
use misbehaving_provider::{Behaviour, Endpoint, Fault, MisbehavingProvider};

use super::row::Journal::Open;
use super::row::{After, Class, Expected, FIRST_PAUSE, Failure, Row, Strike, failing, play, row};

/// Long against a loopback call on a loaded machine, short against the fault.
const SHORT: Duration = Duration::from_millis(1500);
const CUT: &str = "the connection was cut (127.0.0.1): error reading a body from connection: end of file before message \
                   length reached";
const MILLISECOND: Duration = Duration::from_millis(1);

pub(super) fn rows() -> Vec<Row> {
    let (recovers, lost) = (After::Recovers, After::AnswerWasLost);
    let redirect = || Fault::Redirect("http://127.0.0.1:9/elsewhere".to_owned());
    vec![
        row(
            "a captive portal",
            Strike::Fault(Fault::HtmlOk),
            failing(Open, NotOAuth, "the provider answered HTTP 200: the answer is a web page", recovers),
        ),
        row(
            "a web page after the provider had rotated",
            Strike::Fault(Fault::Processed(Box::new(Fault::HtmlOk))),
            failing(Open, NotOAuth, "the provider answered HTTP 200: the answer is a web page", lost),
        ),
        row(
            "a redirect",
            Strike::Fault(redirect()),
            failing(Open, NotOAuth, "the provider answered HTTP 307: the answer is empty", recovers),
        ),
        row(
            "half a document",
            Strike::Fault(Fault::TruncatedJson),
            Expected::Failure(Failure {
                class: Class::Failing,
                journal: Open,
                kind: NotOAuth,
                wait: FIRST_PAUSE,
                message: "the provider answered HTTP 200: the answer was cut off",
                // Half of a refusal, because the token that was spent without our knowledge came back.
                again: Some("the provider answered HTTP 400: the answer was cut off"),
                after: lost,
            }),
        ),
        row(
            "an endless document",
            Strike::Fault(Fault::HugeBody(8 << 20)),
            failing(
                Open,
                NotOAuth,
                "the answer was too large (127.0.0.1): more than 1048576 bytes",
                recovers,
            ),
        ),
        row("the wrong content type", Strike::Fault(Fault::WrongContentType), Expected::Tokens),
        row("a late answer that is in time", Strike::Fault(Fault::Slow(MILLISECOND)), Expected::Tokens),
        row(
            "an answer that is too late",
            Strike::Patience(Fault::Slow(Duration::from_mins(1)), SHORT),
            failing(
                Open,
                TimedOut,
                "timed out (127.0.0.1): connected, but no whole answer within 1.5 s",
                lost,
            ),
        ),
        row("one byte at a time", Strike::Fault(Fault::Dribble(MILLISECOND)), Expected::Tokens),
        row(
            "one byte at a time, too slowly",
            Strike::Patience(Fault::Dribble(Duration::from_secs(1)), SHORT),
            failing(
                Open,
                TimedOut,
                "timed out (127.0.0.1): connected, but no whole answer within 1.5 s",
                lost,
            ),
        ),
        row("cut before the body", Strike::Fault(Fault::CutAfter(0)), failing(Open, Cut, CUT, lost)),
        row("cut inside the body", Strike::Fault(Fault::CutAfter(20)), failing(Open, Cut, CUT, lost)),
    ]
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_keeps_the_token_and_leaves_the_outcome_open() {
    play(rows()).await;
}

#[tokio::test]
async fn a_redirect_carries_no_token_to_where_it_leads() {
    let thief = MisbehavingProvider::start(Behaviour::default()).await;
    let world = super::world::World::new().await;
    world.login("work").await;
    let elsewhere = Fault::Redirect(format!("{}/token", thief.issuer()));
    world.provider.inject(Endpoint::Token, elsewhere, misbehaving_provider::Times::Once);
    let error = world.refresh("work").await.unwrap_err();
    assert!(error.to_string().contains("HTTP 307"), "{error}");
    assert_eq!(thief.calls(), []);
}
