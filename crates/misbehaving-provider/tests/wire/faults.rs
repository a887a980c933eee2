//! Every fault, as it shows on the wire, and whether the call took effect.

use std::io::ErrorKind;
use std::time::Duration;

use misbehaving_provider::{Behaviour, Endpoint, ErrorBody, Fault, PUBLIC_CLIENT, RetryAfter, Times, When};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Scene, refresh_form, text};

/// A login, then a refresh that meets the fault: everything the provider sent on that connection, the refresh token that
/// was presented, and the scene.
async fn refresh_meets(fault: Fault) -> (Vec<u8>, String, Scene) {
    let scene = Scene::new(Behaviour::default()).await;
    let tokens = scene.login().await;
    let token = text(&tokens, "refresh_token").to_owned();
    scene.provider.inject(Endpoint::Token, fault, Times::Once);
    let received = raw_refresh(&scene, &token).await;
    (received, token, scene)
}

async fn raw_refresh(scene: &Scene, token: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(scene.provider.address()).await.unwrap();
    let body = format!("grant_type=refresh_token&client_id={PUBLIC_CLIENT}&refresh_token={token}");
    let request = format!(
        "POST /token HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    match stream.read_to_end(&mut received).await {
        Ok(_) => received,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => received,
        Err(error) => panic!("{error}"),
    }
}

fn split(received: &[u8]) -> (String, &[u8]) {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8(received[..end].to_vec()).unwrap().to_lowercase(), &received[end..])
}

/// Under the default policy a token that was spent behind our back kills its family; one that was not still works.
async fn assert_spent(scene: &Scene, token: &str, spent: bool) {
    assert_eq!(scene.provider.refresh_successes(), usize::from(spent));
    assert_eq!(scene.provider.is_refresh_live(token), !spent);
    let (status, _) = scene.refresh(token).await;
    assert_eq!(status, if spent { 400 } else { 200 });
    assert_eq!(scene.provider.reuse_detected(), usize::from(spent));
    assert_eq!(scene.provider.refreshes(), 2);
}

#[tokio::test]
async fn a_status_is_sent_without_processing() {
    let table = [
        (
            Fault::Status { code: 429, retry_after: RetryAfter::Seconds(7), body: ErrorBody::Empty },
            "retry-after: 7\r\n",
            "",
        ),
        (
            Fault::Status { code: 503, retry_after: RetryAfter::None, body: ErrorBody::Html },
            "content-type: text/html",
            "<!doctype html>",
        ),
        (
            Fault::Status {
                code: 500,
                retry_after: RetryAfter::None,
                body: ErrorBody::Json { error: "server_error".into() },
            },
            "content-type: application/json",
            r#"{"error":"server_error"}"#,
        ),
    ];
    for (fault, header, start) in table {
        let Fault::Status { code, .. } = fault else { unreachable!() };
        let (received, token, scene) = refresh_meets(fault).await;
        let (head, body) = split(&received);
        assert!(head.starts_with(&format!("http/1.1 {code}")) && head.contains(header), "{head}");
        assert!(body.starts_with(start.as_bytes()));
        assert_spent(&scene, &token, false).await;
    }
}

#[tokio::test]
async fn retry_after_can_be_a_date_of_the_movable_clock() {
    let scene = Scene::new(Behaviour::default()).await;
    scene.provider.set_time("2031-01-01T00:00:00Z".parse().unwrap());
    let fault = Fault::Status { code: 503, retry_after: RetryAfter::HttpDate(3600), body: ErrorBody::Empty };
    scene.provider.inject(Endpoint::Jwks, fault, Times::Once);
    let answer = scene.fetch("/jwks").await;
    assert!(answer.headers()["retry-after"].to_str().unwrap().starts_with("Wed, 01 Jan 2031 01:00:0"));
    assert!(answer.headers()["date"].to_str().unwrap().starts_with("Wed, 01 Jan 2031 00:00:0"));
}

#[tokio::test]
async fn an_oauth_error_is_sent_without_processing() {
    let fault =
        Fault::OauthError { status: 403, code: "access_denied".into(), description: Some("no".into()) };
    let (received, token, scene) = refresh_meets(fault).await;
    let (head, body) = split(&received);
    assert!(head.starts_with("http/1.1 403"));
    assert_eq!(body, br#"{"error":"access_denied","error_description":"no"}"#);
    assert_spent(&scene, &token, false).await;
}

#[tokio::test]
async fn a_captive_portal_answers_html_with_200() {
    let (received, token, scene) = refresh_meets(Fault::HtmlOk).await;
    let (head, body) = split(&received);
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: text/html"));
    assert!(body.starts_with(b"<!doctype html>"));
    assert_spent(&scene, &token, false).await;
}

#[tokio::test]
async fn a_redirect_keeps_method_and_body() {
    let (received, token, scene) = refresh_meets(Fault::Redirect("http://127.0.0.1:1/thief".into())).await;
    let (head, _) = split(&received);
    assert!(head.starts_with("http/1.1 307") && head.contains("location: http://127.0.0.1:1/thief\r\n"));
    assert_spent(&scene, &token, false).await;
}

#[tokio::test]
async fn closing_before_the_answer_sends_nothing_and_spends_nothing() {
    let (received, token, scene) = refresh_meets(Fault::CloseBeforeAnswer).await;
    assert_eq!(received, b"");
    assert_spent(&scene, &token, false).await;
}

#[tokio::test]
async fn a_lost_answer_sends_nothing_but_spends_the_token() {
    let (received, token, scene) = refresh_meets(Fault::RotatedButLost).await;
    assert_eq!(received, b"");
    assert_eq!(scene.outcomes().last().unwrap(), "ok, rotated_but_lost");
    assert_spent(&scene, &token, true).await;
}

#[tokio::test]
async fn a_huge_body_has_exactly_the_size_asked_for() {
    let scene = Scene::new(Behaviour::default()).await;
    scene.provider.inject(Endpoint::Jwks, Fault::HugeBody(1_000_001), Times::Once);
    let answer = scene.fetch("/jwks").await;
    assert_eq!(answer.content_length(), None);
    assert_eq!(answer.bytes().await.unwrap().len(), 1_000_001);
}

#[tokio::test]
async fn truncated_json_looks_complete_to_http_but_not_to_json() {
    let (received, token, scene) = refresh_meets(Fault::TruncatedJson).await;
    let (head, body) = split(&received);
    assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
    assert!(body.starts_with(b"{") && serde_json::from_slice::<serde_json::Value>(body).is_err());
    assert_spent(&scene, &token, true).await;
}

#[tokio::test]
async fn a_cut_sends_the_head_and_some_bytes_of_a_longer_body() {
    for bytes in [0, 1, 20] {
        let (received, token, scene) = refresh_meets(Fault::CutAfter(bytes)).await;
        let (head, body) = split(&received);
        assert!(head.starts_with("http/1.1 200"));
        assert_eq!(body.len(), bytes);
        assert!(!head.contains(&format!("content-length: {bytes}\r\n")));
        assert_spent(&scene, &token, true).await;
    }
}

#[tokio::test]
async fn a_client_notices_the_cut() {
    let scene = Scene::new(Behaviour::default()).await;
    scene.provider.inject(Endpoint::Jwks, Fault::CutAfter(10), Times::Once);
    assert!(scene.fetch("/jwks").await.bytes().await.is_err());
    assert_eq!(scene.fetch("/jwks").await.status(), 200);
}

#[tokio::test]
async fn a_wrong_content_type_hides_a_right_answer() {
    let (received, token, scene) = refresh_meets(Fault::WrongContentType).await;
    let (head, body) = split(&received);
    assert!(head.contains("content-type: text/plain\r\n") && !head.contains("application/json"));
    assert!(serde_json::from_slice::<serde_json::Value>(body).is_ok());
    assert_spent(&scene, &token, true).await;
}

#[tokio::test]
async fn slow_answers_are_processed_before_the_wait() {
    let scene = Scene::new(Behaviour::default()).await;
    let tokens = scene.login().await;
    // Longer than any test runs: only a client's own time limit ends it.
    scene.provider.inject(Endpoint::Token, Fault::Slow(Duration::from_hours(1)), Times::Once);
    let outcome = scene
        .http
        .post(scene.url("/token"))
        .form(&refresh_form(text(&tokens, "refresh_token")))
        .timeout(Duration::from_millis(300))
        .send()
        .await;
    assert!(outcome.unwrap_err().is_timeout());
    assert_eq!(scene.provider.refresh_successes(), 1);

    scene.provider.inject(Endpoint::Jwks, Fault::Slow(Duration::from_millis(20)), Times::Once);
    assert_eq!(scene.fetch("/jwks").await.status(), 200);
}

#[tokio::test]
async fn dribbled_answers_arrive_in_many_pieces_and_whole() {
    let scene = Scene::new(Behaviour::default()).await;
    scene.provider.inject(Endpoint::Resource, Fault::Dribble(Duration::from_millis(2)), Times::Once);
    let mut answer = scene.fetch("/.well-known/oauth-protected-resource").await;
    let (mut pieces, mut body) = (0, Vec::new());
    while let Some(piece) = answer.chunk().await.unwrap() {
        pieces += 1;
        body.extend_from_slice(&piece);
    }
    assert!(pieces > 10, "{pieces}");
    assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
}

#[tokio::test]
async fn a_gateway_can_fail_although_the_server_did_not() {
    let gateway = Fault::Status { code: 504, retry_after: RetryAfter::None, body: ErrorBody::Html };
    let (received, token, scene) = refresh_meets(Fault::Processed(Box::new(gateway))).await;
    assert!(split(&received).0.starts_with("http/1.1 504"));
    assert_spent(&scene, &token, true).await;
}

#[tokio::test]
async fn standing_faults_strike_after_injected_ones() {
    let scene = Scene::new(Behaviour::default()).await;
    let status = |code| Fault::Status { code, retry_after: RetryAfter::None, body: ErrorBody::Empty };
    scene.provider.change(|behaviour| {
        behaviour.faults.insert(Endpoint::Jwks, status(500));
    });
    scene.provider.inject(Endpoint::Jwks, status(502), Times::Exactly(2));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(scene.fetch("/jwks").await.status().as_u16());
    }
    assert_eq!(statuses, [502, 502, 500, 500]);
    scene.provider.change(|behaviour| behaviour.faults.clear());
    assert_eq!(scene.fetch("/jwks").await.status(), 200);
}

#[tokio::test]
async fn a_call_whose_client_dies_at_a_hold_is_processed_all_the_same() {
    for when in [When::BeforeProcessing, When::AfterProcessing] {
        let scene = Scene::new(Behaviour::default()).await;
        let tokens = scene.login().await;
        let token = text(&tokens, "refresh_token").to_owned();
        let hold = scene.provider.hold(Endpoint::Token, when);
        let request = scene.http.post(scene.url("/token")).form(&refresh_form(&token)).send();
        tokio::select! {
            _ = request => panic!("the call is held"),
            () = hold.arrived() => {}
        }
        assert_eq!(scene.provider.refresh_successes(), usize::from(when == When::AfterProcessing));
        assert_eq!(scene.outcomes().last().unwrap(), "pending");
        // The client is gone now; its request was dropped with the select.
        hold.release();
        while scene.outcomes().last().unwrap() == "pending" {
            tokio::task::yield_now().await;
        }
        assert_eq!(scene.provider.refresh_successes(), 1);
        assert!(!scene.provider.is_refresh_live(&token));
    }
}

#[tokio::test]
async fn an_outage_refuses_connections_and_forgets_nothing() {
    let scene = Scene::new(Behaviour::default()).await;
    let tokens = scene.login().await;
    scene.provider.stop().await;
    let refused = scene.token(&refresh_form(text(&tokens, "refresh_token"))).await.unwrap_err();
    assert!(refused.is_connect());
    scene.provider.resume().await.unwrap();
    assert_eq!(scene.refresh(text(&tokens, "refresh_token")).await.0, 200);
}

#[tokio::test]
async fn a_provider_that_starts_on_the_same_port_knows_nothing() {
    let scene = Scene::new(Behaviour::default()).await;
    let tokens = scene.login().await;
    scene.provider.stop().await;
    let address = scene.provider.address();
    let provider =
        misbehaving_provider::MisbehavingProvider::start_on(address, Behaviour::default()).await.unwrap();
    let scene = Scene { provider, http: scene.http.clone() };
    assert_eq!(scene.refresh(text(&tokens, "refresh_token")).await.0, 400);
}
