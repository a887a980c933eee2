//! Devices without a browser (RFC 8628): how they are let in, and how they are not.

use std::sync::Barrier;

use futures::executor::block_on;
use serde_json::json;

use super::stage::{MCP, Stage, add_client, assert_refused, parameter};
use crate::engine::issuer::answer::TokenAnswer;
use crate::engine::issuer::authorize::ConsentDecision;
use crate::engine::issuer::device::{DeviceAnswer, DeviceEnd, DeviceInquiry, DevicePrompt};
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::records::family::Family;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::engine::issuer::token::ClientRequest;
use crate::oauth::error::ErrorCode;
use crate::oauth::form::Parameters;
use crate::ports::document;
use crate::secret::Secret;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A stage whose client runs on a television.
pub(super) fn television() -> Stage {
    let stage = Stage::new();
    let metadata = json!({ "grant_types": ["authorization_code", DEVICE_CODE, "refresh_token"] });
    let client = add_client(&stage.server, &metadata);
    stage.with_client(client)
}

pub(super) fn begin(stage: &Stage) -> DeviceAnswer {
    begin_with(stage, &[("scope", "read"), ("resource", MCP)]).unwrap()
}

fn begin_with(stage: &Stage, others: &[(&str, &str)]) -> Result<DeviceAnswer, Refusal> {
    let mut parameters = Parameters::new();
    parameters.set("client_id", &stage.client.id);
    for (name, value) in others {
        parameters.set(name, value);
    }
    let source = Source { address: Some([192, 0, 2, 7].into()), ..Source::default() };
    let request =
        ClientRequest { parameters: &parameters, authorization: None, proofs: &[], source: &source };
    match block_on(stage.server.begin_device(&request)) {
        Ok(answer) => Ok(answer),
        Err(IssueError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

pub(super) fn poll(stage: &Stage, answer: &DeviceAnswer) -> Result<TokenAnswer, Refusal> {
    stage.token(&[
        ("grant_type", DEVICE_CODE),
        ("client_id", &stage.client.id),
        ("device_code", answer.device_code.expose()),
    ])
}

fn type_in(stage: &Stage, typed: &str) -> DeviceInquiry {
    block_on(stage.server.device_by_user_code(typed, &stage.signed_in(), &Source::default())).unwrap()
}

fn find(stage: &Stage, answer: &DeviceAnswer) -> Box<DevicePrompt> {
    match type_in(stage, answer.user_code.shown().expose()) {
        DeviceInquiry::Found(prompt) => prompt,
        other => panic!("not found: {other:?}"),
    }
}

fn decide(stage: &Stage, prompt: &DevicePrompt, decision: ConsentDecision) -> DeviceEnd {
    let ticket = Secret::new(prompt.ticket.clone());
    block_on(stage.server.decide_device(&ticket, decision, &stage.signed_in(), &Source::default())).unwrap()
}

pub(super) fn allow(stage: &Stage, answer: &DeviceAnswer) {
    assert_eq!(decide(stage, &find(stage, answer), ConsentDecision::Allow), DeviceEnd::Allowed);
}

#[test]
fn a_device_is_let_in_once_and_its_consent_is_remembered() {
    let stage = television();
    let answer = begin(&stage);
    assert!(answer.device_code.expose().starts_with("bdc_") && answer.device_code.expose().len() >= 4 + 43);
    assert_eq!(answer.verification_uri, "https://as.test/oauth/device");
    assert_eq!((answer.interval.as_secs(), answer.expires_in.as_secs()), (5, 600));
    assert_refused(poll(&stage, &answer), &ErrorCode::AuthorizationPending);
    let prompt = find(&stage, &answer);
    assert_eq!(prompt.client.id, stage.client.id);
    assert_eq!(prompt.asked_from.as_deref(), Some("192.0.2.7"));
    assert_eq!((prompt.scope.to_string().as_str(), prompt.resources[0].url.as_str()), ("read", MCP));
    assert_eq!(decide(&stage, &prompt, ConsentDecision::Allow), DeviceEnd::Allowed);
    let tokens = poll(&stage, &answer).unwrap();
    assert_eq!(tokens.scope.to_string(), "read");
    let claims = block_on(stage.server.valid_access_token(&tokens.access_token)).unwrap().unwrap();
    assert!(claims.is_for(MCP) && claims.subject == stage.user.id);
    assert!(stage.refresh(&tokens.refresh_token.unwrap()).is_ok());
    assert_refused(poll(&stage, &answer), &ErrorCode::InvalidGrant);
    assert!(stage.is_good(&tokens.access_token), "asking again is no replay");
    assert!(parameter(&stage.authorize(&[("scope", "read")]), "code").is_some(), "remembered");
}

#[test]
fn an_address_with_the_code_in_it_is_told_only_where_the_operator_wants_it() {
    let stage = television();
    assert_eq!(begin(&stage).verification_uri_complete, None);
    let stage = stage.ruled(|rules| rules.complete_verification_uri = true);
    let answer = begin(&stage);
    let complete = answer.verification_uri_complete.unwrap();
    let shown = answer.user_code.shown();
    assert_eq!(complete.expose(), format!("https://as.test/oauth/device?user_code={}", shown.expose()));
}

#[test]
fn polling_faster_than_the_interval_is_slowed_down_and_adds_five_seconds() {
    let stage = television();
    let answer = begin(&stage);
    let steps = [
        (0, ErrorCode::AuthorizationPending),
        (5, ErrorCode::AuthorizationPending),
        (1, ErrorCode::SlowDown),
        (9, ErrorCode::SlowDown),
        (15, ErrorCode::AuthorizationPending),
        (14, ErrorCode::SlowDown),
        (20, ErrorCode::AuthorizationPending),
    ];
    for (step, (seconds, expected)) in steps.iter().enumerate() {
        stage.pass(*seconds);
        let refusal = poll(&stage, &answer).unwrap_err();
        assert_eq!(&refusal.code, expected, "step {step}");
    }
    allow(&stage, &answer);
    assert!(poll(&stage, &answer).is_ok(), "whoever was let in does not wait");
}

#[test]
fn what_ends_without_tokens_says_how() {
    let stage = television();
    let denied = begin(&stage);
    assert_eq!(decide(&stage, &find(&stage, &denied), ConsentDecision::Deny), DeviceEnd::Denied);
    assert_refused(poll(&stage, &denied), &ErrorCode::AccessDenied);
    let (late, too_late) = (begin(&stage), begin(&stage));
    let open = find(&stage, &late);
    allow(&stage, &too_late);
    stage.pass(600);
    assert_refused(poll(&stage, &late), &ErrorCode::ExpiredToken);
    assert_refused(poll(&stage, &too_late), &ErrorCode::ExpiredToken);
    assert_eq!(decide(&stage, &open, ConsentDecision::Allow), DeviceEnd::Expired);
    assert!(matches!(type_in(&stage, late.user_code.shown().expose()), DeviceInquiry::Unknown));
    let made_up = [
        ("grant_type", DEVICE_CODE),
        ("client_id", stage.client.id.as_str()),
        ("device_code", "bdc_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ];
    assert_refused(stage.token(&made_up), &ErrorCode::InvalidGrant);
    assert_refused(stage.token(&made_up[..2]), &ErrorCode::InvalidRequest);
}

#[test]
fn a_device_code_is_for_its_client_and_only_clients_with_the_grant_begin() {
    let stage = television();
    let answer = begin(&stage);
    allow(&stage, &answer);
    let other = add_client(&stage.server, &json!({ "grant_types": [DEVICE_CODE], "redirect_uris": [] }));
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", other.id.as_str()),
        ("device_code", answer.device_code.expose()),
    ];
    assert_refused(stage.token(&form), &ErrorCode::InvalidGrant);
    assert!(poll(&stage, &answer).is_ok());
    assert_refused(begin_with(&Stage::new(), &[]), &ErrorCode::UnauthorizedClient);
    for (parameter, code) in [
        (("client_id", "nobody"), ErrorCode::InvalidClient),
        (("client_secret", "a guess"), ErrorCode::InvalidClient),
        (("scope", "unheard-of"), ErrorCode::InvalidScope),
        (("resource", "https://unknown.test/"), ErrorCode::InvalidTarget),
    ] {
        assert_refused(begin_with(&stage, &[parameter]), &code);
    }
}

#[test]
fn guesses_are_counted_per_person_and_per_code_and_finding_one_earns_no_more() {
    let stage = television();
    let (first, second) = (begin(&stage), begin(&stage));
    for number in 0..20 {
        let guess = format!("{}CDF-GHJK", char::from(b"BCDFGHJKLMNPQRSTVWXZ"[number]));
        let typed = if number == 10 { first.user_code.shown() } else { Secret::new(guess) };
        let found = matches!(type_in(&stage, typed.expose()), DeviceInquiry::Found(_));
        assert_eq!(found, number == 10, "{number}");
    }
    let DeviceInquiry::TooMany { retry_after } = type_in(&stage, second.user_code.shown().expose()) else {
        panic!("still heard")
    };
    assert!((1..=600).contains(&retry_after.as_secs()), "{retry_after:?}");
    stage.pass(retry_after.as_secs());
    let third = begin(&stage);
    for _ in 0..10 {
        find(&stage, &third);
    }
    assert!(matches!(type_in(&stage, third.user_code.shown().expose()), DeviceInquiry::TooMany { .. }));
}

#[test]
fn what_can_be_no_code_is_unknown_and_costs_nothing() {
    let stage = television();
    for _ in 0..200 {
        assert!(matches!(type_in(&stage, "not a code"), DeviceInquiry::Unknown));
    }
    let answer = begin(&stage);
    let typed = answer.user_code.shown().expose().to_lowercase().replace('-', " ");
    assert!(matches!(type_in(&stage, &typed), DeviceInquiry::Found(_)));
}

#[test]
fn a_decision_counts_once_and_only_where_it_was_asked_for() {
    let stage = television();
    let answer = begin(&stage);
    let prompt = find(&stage, &answer);
    let ticket = Secret::new(prompt.ticket.clone());
    let source = Source::default();
    let cookie = block_on(stage.server.begin_session(&stage.user, &["pwd"], &source)).unwrap();
    let elsewhere = block_on(stage.server.session_of(&cookie)).unwrap().unwrap();
    let other_browser = Source { browser: "another".to_owned(), ..Source::default() };
    for (signed_in, source) in [(&elsewhere, &source), (&stage.signed_in(), &other_browser)] {
        let end = block_on(stage.server.decide_device(&ticket, ConsentDecision::Allow, signed_in, source));
        assert!(matches!(end.unwrap(), DeviceEnd::Refused(_)));
    }
    assert_refused(poll(&stage, &answer), &ErrorCode::AuthorizationPending);
    assert_eq!(decide(&stage, &prompt, ConsentDecision::Deny), DeviceEnd::Denied);
    assert!(matches!(decide(&stage, &prompt, ConsentDecision::Allow), DeviceEnd::Refused(_)));
    assert_refused(poll(&stage, &answer), &ErrorCode::AccessDenied);
}

#[test]
fn whatever_an_approval_stands_on_ends_it_before_it_is_fetched() {
    type Act = fn(&Stage);
    let acts: [(&str, Act, ErrorCode); 3] = [
        (
            "user disabled",
            |stage| assert!(block_on(stage.server.set_user_disabled(&stage.user.id, true)).unwrap()),
            ErrorCode::InvalidGrant,
        ),
        (
            "consent taken back",
            |stage| assert!(block_on(stage.server.withdraw_grant(&stage.user.id, &stage.client.id)).unwrap()),
            ErrorCode::InvalidGrant,
        ),
        (
            "client removed",
            |stage| assert!(block_on(stage.server.remove_client(&stage.client.id)).unwrap()),
            ErrorCode::InvalidClient,
        ),
    ];
    for (name, act, code) in acts {
        let stage = television();
        let answer = begin(&stage);
        allow(&stage, &answer);
        act(&stage);
        let refusal = poll(&stage, &answer).unwrap_err();
        assert_eq!(refusal.code, code, "{name}: {refusal:?}");
    }
}

#[test]
fn many_polls_at_once_begin_one_family() {
    let stage = television();
    let answer = begin(&stage);
    allow(&stage, &answer);
    let barrier = Barrier::new(16);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let polls: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    poll(&stage, &answer)
                })
            })
            .collect();
        polls.into_iter().map(|poll| poll.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter(Result::is_err) {
        assert_refused(refused, &ErrorCode::InvalidGrant);
    }
    let engine = &stage.world.engine;
    let families = block_on(document::list::<Family>(&*engine.ports().store, engine.space())).unwrap();
    assert_eq!(families.len(), 1);
}

#[test]
fn a_decision_and_polls_at_once_lose_neither() {
    let stage = television();
    let answer = begin(&stage);
    let prompt = find(&stage, &answer);
    let barrier = Barrier::new(9);
    let fetched = std::thread::scope(|scope| {
        let polls: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    poll(&stage, &answer)
                })
            })
            .collect();
        barrier.wait();
        assert_eq!(decide(&stage, &prompt, ConsentDecision::Allow), DeviceEnd::Allowed);
        let fetched = polls.into_iter().map(|poll| poll.join().unwrap());
        fetched.flatten().count()
    });
    let last = poll(&stage, &answer);
    assert_eq!(fetched + usize::from(last.is_ok()), 1);
}

#[test]
fn strangers_leave_only_so_many_devices_from_one_place() {
    let stage = television();
    let mut parameters = Parameters::new();
    parameters.set("client_id", &stage.client.id);
    let ask = |address: &str| {
        let source = Source { address: Some(address.parse().unwrap()), ..Source::default() };
        let request =
            ClientRequest { parameters: &parameters, authorization: None, proofs: &[], source: &source };
        block_on(stage.server.begin_device(&request))
    };
    // Whoever has one address of the new kind has billions.
    for number in 0..300 {
        assert!(ask(&format!("2001:db8:1:2{:02x}::{number}", number % 256)).is_ok());
    }
    assert!(matches!(ask("2001:db8:1:2ff::5"), Err(IssueError::TooMany { .. })));
    assert!(ask("2001:db8:1:300::5").is_ok());
}

#[test]
fn codes_are_tried_only_so_often_from_one_place() {
    let stage = television();
    let answer = begin(&stage);
    let ask = |person: &Stage, typed: &str, address: String| {
        let source = Source { address: Some(address.parse().unwrap()), ..Source::default() };
        block_on(person.server.device_by_user_code(typed, &person.signed_in(), &source)).unwrap()
    };
    let letters = "BCDFGHJKLMNPQRSTVWXZ";
    for (number, last) in letters.chars().take(5).enumerate() {
        let person = stage.another(&format!("guesser{number}"));
        for first in letters.chars() {
            let tried = ask(&person, &format!("{first}CDF-GHJ{last}"), format!("2001:db8:1:2ff::{number}"));
            assert!(matches!(tried, DeviceInquiry::Unknown), "{tried:?}");
        }
    }
    let (late, code) = (stage.another("late"), answer.user_code.shown());
    let held = ask(&late, code.expose(), "2001:db8:1:200::1".to_owned());
    assert!(matches!(held, DeviceInquiry::TooMany { .. }), "{held:?}");
    let elsewhere = ask(&late, code.expose(), "2001:db8:1:300::1".to_owned());
    assert!(matches!(elsewhere, DeviceInquiry::Found(_)), "{elsewhere:?}");
}
