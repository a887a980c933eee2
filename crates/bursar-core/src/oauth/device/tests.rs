//! The device grant step by step.

use proptest::prelude::*;

use super::*;
use crate::ports::upstream::Body;
use crate::provider::{Endpoint, ProviderId};

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

#[derive(Debug)]
struct Zeros;

impl Random for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn provider() -> Provider {
    let mut provider = Provider::new(ProviderId::parse("example").unwrap());
    provider.endpoints.device =
        Some(Endpoint::parse("https://server.example.com/device_authorization").unwrap());
    provider
}

fn read(body: &str) -> DeviceAnswer {
    read_device_answer(&Response::new(Body::new(body)), NOW)
}

fn begun(body: &str) -> DeviceAuthorization {
    match read(body) {
        DeviceAnswer::Begun(authorization) => *authorization,
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn the_request_of_the_standard_is_written() {
    // RFC 8628 §3.1.
    let client = Client { id: "1406020730".to_owned(), authentication: ClientAuthentication::None };
    let scope = Scope::parse("example_scope").unwrap();
    let request = device_request(&provider(), &client, Some(&scope), &[], NOW, &Zeros).unwrap();
    assert_eq!(request.method(), http::Method::POST);
    assert_eq!(request.uri(), "https://server.example.com/device_authorization");
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    let body = String::from_utf8(request.body().expose().to_vec()).unwrap();
    assert_eq!(body, "scope=example_scope&client_id=1406020730");
}

#[test]
fn a_secret_is_sent_only_where_the_provider_wants_it() {
    let mut provider = provider();
    let authentication = ClientAuthentication::Post(Secret::new("hunter2"));
    let client = Client { id: "id".to_owned(), authentication };
    let text = |provider: &Provider| {
        let request = device_request(provider, &client, None, &[], NOW, &Zeros).unwrap();
        String::from_utf8(request.body().expose().to_vec()).unwrap()
    };
    assert_eq!(text(&provider), "client_id=id");
    provider.device.authenticate = true;
    assert!(text(&provider).contains("client_secret=hunter2"));
    provider.endpoints.device = None;
    assert!(matches!(
        device_request(&provider, &client, None, &[], NOW, &Zeros),
        Err(RequestError::NoEndpoint("device"))
    ));
}

#[test]
fn the_answer_of_the_standard_is_read() {
    // RFC 8628 §3.2.
    let authorization = begun(
        r#"{"device_code":"GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS","user_code":"WDJB-MJHT",
            "verification_uri":"https://example.com/device",
            "verification_uri_complete":"https://example.com/device?user_code=WDJB-MJHT",
            "expires_in":1800,"interval":5}"#,
    );
    assert_eq!(authorization.device_code, Secret::new("GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS"));
    assert_eq!(authorization.user_code, "WDJB-MJHT");
    assert_eq!(authorization.verification_uri, "https://example.com/device");
    assert_eq!(
        authorization.verification_uri_complete.as_deref(),
        Some("https://example.com/device?user_code=WDJB-MJHT")
    );
    assert_eq!(authorization.expires_at, NOW + SignedDuration::from_secs(1800));
    assert_eq!(authorization.interval, Duration::from_secs(5));
}

#[test]
fn dialects_are_understood() {
    let google = begun(
        r#"{"device_code":"a","user_code":"GQVQ-JKEC","verification_url":"https://www.google.com/device","expires_in":"1800","interval":"7"}"#,
    );
    assert_eq!(google.verification_uri, "https://www.google.com/device");
    assert_eq!(google.interval, Duration::from_secs(7));
    let form = begun(
        "device_code=a&user_code=B&verification_uri=https%3A%2F%2Fgithub.com%2Flogin%2Fdevice&expires_in=899&interval=5",
    );
    assert_eq!(form.verification_uri, "https://github.com/login/device");
    let sparse =
        begun(r#"{"device_code":"a","user_code":"B","verification_uri":"https://example.com","interval":0}"#);
    assert_eq!(sparse.interval, Duration::from_secs(5));
    assert_eq!(sparse.expires_at, NOW + SignedDuration::from_mins(15));
    let absurd = begun(
        r#"{"device_code":"a","user_code":"B","verification_uri":"https://example.com","interval":1e9,"expires_in":18446744073709551615}"#,
    );
    assert_eq!(absurd.expires_at, NOW + SignedDuration::from_hours(24));
    assert!(absurd.interval <= Duration::from_mins(1));
}

#[test]
fn what_cannot_be_shown_safely_is_not_accepted() {
    for body in [
        "",
        "<html>",
        "{}",
        r#"{"device_code":"","user_code":"B","verification_uri":"https://example.com"}"#,
        r#"{"device_code":"a","user_code":"","verification_uri":"https://example.com"}"#,
        r#"{"device_code":"a","user_code":"B\u001b[2J","verification_uri":"https://example.com"}"#,
        r#"{"device_code":"a","user_code":"B\u202e","verification_uri":"https://example.com"}"#,
        r#"{"device_code":"a","user_code":"B","verification_uri":"http://example.com"}"#,
        r#"{"device_code":"a","user_code":"B","verification_uri":"javascript:alert(1)"}"#,
        r#"{"device_code":"a","user_code":"B","verification_uri":"https://google.com@evil.example"}"#,
        r#"{"device_code":"a","user_code":"B","verification_uri":"https:evil.example"}"#,
        r#"{"device_code":"a","user_code":"B","verification_uri":"https://evil.example\\@google.com"}"#,
        r#"{"device_code":"a","user_code":"B"}"#,
    ] {
        assert!(matches!(read(body), DeviceAnswer::Unreadable(_)), "{body}");
    }
    assert!(matches!(read(r#"{"error":"unauthorized_client"}"#), DeviceAnswer::Refused(_)));
}

fn poll() -> Poll {
    Poll::new(&begun(
        r#"{"device_code":"a","user_code":"B","verification_uri":"https://example.com","interval":5,"expires_in":600}"#,
    ))
}

fn refused(code: &str) -> PollAnswer {
    let error = OAuthError::from_json(&serde_json::json!({ "error": code })).unwrap();
    PollAnswer::Answer(TokenAnswer::Refused(error))
}

fn seconds(seconds: u64) -> PollStep {
    PollStep::Wait(Duration::from_secs(seconds))
}

#[test]
fn slowing_down_lasts_and_trouble_passes() {
    let provider = provider();
    let mut poll = poll();
    assert_eq!(poll.first_wait(), Duration::from_secs(5));
    for (answer, step) in [
        (refused("authorization_pending"), seconds(5)),
        (refused("slow_down"), seconds(10)),
        (refused("authorization_pending"), seconds(10)),
        (PollAnswer::Unreachable, seconds(20)),
        (PollAnswer::Answer(TokenAnswer::Unreadable("the answer is empty")), seconds(40)),
        (refused("temporarily_unavailable"), seconds(60)),
        (PollAnswer::Unreachable, seconds(60)),
        (refused("authorization_pending"), seconds(10)),
        (refused("slow_down"), seconds(15)),
    ] {
        assert_eq!(poll.next(&provider, answer.clone(), NOW), step, "{answer:?}");
    }
}

#[test]
fn every_end_is_told() {
    let provider = provider();
    assert_eq!(poll().next(&provider, refused("access_denied"), NOW), PollStep::Denied);
    assert_eq!(poll().next(&provider, refused("authorization_declined"), NOW), PollStep::Denied);
    assert_eq!(poll().next(&provider, refused("expired_token"), NOW), PollStep::Expired);
    assert_eq!(poll().next(&provider, refused("token_expired"), NOW), PollStep::Expired);
    assert!(matches!(poll().next(&provider, refused("invalid_client"), NOW), PollStep::Failed(_)));
    assert!(matches!(poll().next(&provider, refused("device_flow_disabled"), NOW), PollStep::Failed(_)));
    let late = NOW + SignedDuration::from_secs(600);
    assert_eq!(poll().next(&provider, refused("authorization_pending"), late), PollStep::Expired);
    assert_eq!(poll().next(&provider, PollAnswer::Unreachable, late), PollStep::Expired);
}

#[test]
fn tokens_are_taken_even_after_the_end() {
    let response = Response::new(Body::new(r#"{"access_token":"a"}"#));
    let late = NOW + SignedDuration::from_hours(1);
    let answer = super::super::token::read_token_answer(&provider(), &response, late, SignedDuration::ZERO);
    assert!(matches!(poll().next(&provider(), PollAnswer::Answer(answer), late), PollStep::Done(_)));
}

proptest! {
    #[test]
    fn no_answer_panics(body in "\\PC{0,80}") {
        let _ = read(&body);
    }
}
