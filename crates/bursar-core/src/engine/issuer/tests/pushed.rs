//! Pushed requests (RFC 9126): judged when they are left, good for one code, and for nobody else.

use std::sync::Barrier;

use futures::executor::block_on;
use serde_json::json;

use super::key::{ProofKey, TOKEN};
use super::proofs::redeem;
use super::stage::{CALLBACK, MCP, Stage, add_client, assert_refused, parameter};
use crate::engine::issuer::administration::clients::NewClient;
use crate::engine::issuer::authorize::{Authorization, ConsentDecision};
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::pushed::PushedAnswer;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::engine::issuer::token::ClientRequest;
use crate::oauth::error::ErrorCode;
use crate::oauth::form::Parameters;
use crate::oauth::server::client_metadata::ClientMetadata;
use crate::secret::Secret;

const PAR: &str = "https://as.test/oauth/par";

pub(super) fn push(stage: &Stage, others: &[(&str, &str)]) -> Result<PushedAnswer, Refusal> {
    push_with(stage, others, &[])
}

fn push_with(stage: &Stage, others: &[(&str, &str)], proofs: &[String]) -> Result<PushedAnswer, Refusal> {
    let parameters = Parameters::parse_form(stage.query(others).as_bytes()).unwrap();
    let source = Source::default();
    let request = ClientRequest { parameters: &parameters, authorization: None, proofs, source: &source };
    match block_on(stage.server.push(&request)) {
        Ok(answer) => Ok(answer),
        Err(IssueError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

/// The browser comes with no more than the name of the request.
pub(super) fn bring(
    stage: &Stage,
    client: &str,
    pushed: &PushedAnswer,
    others: &[(&str, &str)],
) -> Authorization {
    let mut parameters = Parameters::new();
    parameters.set("client_id", client);
    parameters.set("request_uri", pushed.request_uri.expose());
    for (name, value) in others {
        parameters.set(name, value);
    }
    let (signed_in, source) = (stage.signed_in(), Source::default());
    block_on(stage.server.authorize(&parameters.to_query(), Some(&signed_in), &source)).unwrap()
}

pub(super) fn agree(stage: &Stage, outcome: Authorization) -> Authorization {
    match outcome {
        Authorization::Consent(prompt) => stage.decide(&prompt, ConsentDecision::Allow),
        other => other,
    }
}

#[track_caller]
fn assert_page(outcome: &Authorization, code: &ErrorCode) {
    let Authorization::Refused(refusal) = outcome else { panic!("not refused: {outcome:?}") };
    assert_eq!(&refusal.code, code, "{refusal:?}");
}

#[test]
fn a_pushed_request_brings_one_code() {
    let stage = Stage::new();
    let pushed = push(&stage, &[]).unwrap();
    assert!(pushed.request_uri.expose().starts_with("urn:ietf:params:oauth:request_uri:"));
    assert!((60..=90).contains(&pushed.expires_in.as_secs()));
    let answer = agree(&stage, bring(&stage, &stage.client.id, &pushed, &[]));
    assert_eq!(parameter(&answer, "state"), Some(Secret::new("xyz")));
    let tokens = stage.redeem(&parameter(&answer, "code").unwrap()).unwrap();
    assert_eq!(tokens.scope.to_string(), "read write");
    let again = bring(&stage, &stage.client.id, &pushed, &[]);
    assert_eq!(parameter(&again, "error"), Some(Secret::new("invalid_request_uri")));
    assert_eq!(parameter(&again, "code"), None);
    assert!(stage.is_good(&tokens.access_token));
}

#[test]
fn two_pages_of_one_pushed_request_bring_one_code() {
    let stage = Stage::new();
    let pushed = push(&stage, &[]).unwrap();
    let first = bring(&stage, &stage.client.id, &pushed, &[]);
    stage.pass(80);
    let second = bring(&stage, &stage.client.id, &pushed, &[]);
    stage.pass(28 * 60);
    assert!(parameter(&agree(&stage, first), "code").is_some(), "the page may wait longer than the request");
    stage.pass(60);
    let second = agree(&stage, second);
    assert_eq!(parameter(&second, "error"), Some(Secret::new("invalid_request_uri")));
}

#[test]
fn eight_answers_at_once_to_one_pushed_request_bring_one_code() {
    let stage = Stage::new();
    let pushed = push(&stage, &[]).unwrap();
    let pages: Vec<_> = (0..8).map(|_| bring(&stage, &stage.client.id, &pushed, &[])).collect();
    let barrier = Barrier::new(pages.len());
    let codes = std::thread::scope(|scope| {
        let answers: Vec<_> = pages
            .into_iter()
            .map(|page| {
                scope.spawn(|| {
                    barrier.wait();
                    parameter(&agree(&stage, page), "code")
                })
            })
            .collect();
        answers.into_iter().filter_map(|answer| answer.join().unwrap()).count()
    });
    assert_eq!(codes, 1);
}

#[test]
fn a_pushed_request_is_for_its_client_and_for_a_short_time() {
    let stage = Stage::new();
    let pushed = push(&stage, &[]).unwrap();
    let other = add_client(&stage.server, &json!({}));
    assert_page(&bring(&stage, &other.id, &pushed, &[]), &ErrorCode::InvalidRequestUri);
    stage.pass(89);
    assert!(matches!(bring(&stage, &stage.client.id, &pushed, &[]), Authorization::Consent(_)));
    stage.pass(1);
    assert_page(&bring(&stage, &stage.client.id, &pushed, &[]), &ErrorCode::InvalidRequestUri);
    let made_up =
        PushedAnswer { request_uri: Secret::new("urn:ietf:params:oauth:request_uri:AAAAAAAA"), ..pushed };
    assert_page(&bring(&stage, &stage.client.id, &made_up, &[]), &ErrorCode::InvalidRequestUri);
}

#[test]
fn what_stands_beside_the_name_does_not_count() {
    let stage = Stage::new();
    let pushed = push(&stage, &[("scope", "read")]).unwrap();
    let beside = [("scope", "read write"), ("redirect_uri", "https://evil.test/"), ("state", "other")];
    let outcome = bring(&stage, &stage.client.id, &pushed, &beside);
    let Authorization::Consent(prompt) = outcome else { panic!("no consent page") };
    assert_eq!(prompt.scope.to_string(), "read");
    let answer = stage.decide(&prompt, ConsentDecision::Allow);
    assert_eq!(parameter(&answer, "state"), Some(Secret::new("xyz")));
}

#[test]
fn a_request_is_judged_when_it_is_pushed() {
    let stage = Stage::new();
    for (parameter, code) in [
        (("client_id", "nobody"), ErrorCode::InvalidClient),
        (("client_secret", "a guess"), ErrorCode::InvalidClient),
        (("redirect_uri", "https://evil.test/callback"), ErrorCode::InvalidRequest),
        (("code_challenge_method", "plain"), ErrorCode::InvalidRequest),
        (("response_type", "token"), ErrorCode::UnsupportedResponseType),
        (("scope", "unheard-of"), ErrorCode::InvalidScope),
        (("resource", "https://unknown.test/"), ErrorCode::InvalidTarget),
        (("request_uri", "urn:ietf:params:oauth:request_uri:AAAAAAAA"), ErrorCode::RequestUriNotSupported),
        (("state", &"s".repeat(5000)), ErrorCode::InvalidRequest),
    ] {
        assert_refused(push(&stage, &[parameter]), &code);
    }
}

#[test]
fn a_client_that_pushes_all_its_requests_is_held_to_it() {
    let stage = Stage::new();
    let client = add_client(&stage.server, &json!({ "require_pushed_authorization_requests": true }));
    let stage = stage.with_client(client);
    let direct = stage.authorize(&[]);
    assert_eq!(parameter(&direct, "error"), Some(Secret::new("invalid_request")));
    assert_eq!(parameter(&direct, "state"), Some(Secret::new("xyz")));
    let pushed = push(&stage, &[]).unwrap();
    let answer = agree(&stage, bring(&stage, &stage.client.id, &pushed, &[]));
    assert!(stage.redeem(&parameter(&answer, "code").unwrap()).is_ok());
}

#[test]
fn what_proves_the_client_is_not_kept_with_its_request() {
    let stage = Stage::new();
    let object = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "client_secret_post" });
    let metadata = ClientMetadata::from_object(object.as_object().unwrap()).unwrap();
    let wish = NewClient { metadata, scope: None, rotates: true };
    let (client, secret) = block_on(stage.server.add_client(wish)).unwrap();
    let secret = secret.unwrap();
    let stage = stage.with_client(client);
    assert_refused(push(&stage, &[]), &ErrorCode::InvalidClient);
    let pushed = push(&stage, &[("client_secret", secret.expose())]).unwrap();
    let mut parameters = Parameters::new();
    parameters.set("client_id", &stage.client.id);
    parameters.set("request_uri", pushed.request_uri.expose());
    let brought = block_on(stage.server.brought(&parameters.to_query())).unwrap();
    assert!(brought.query.contains("state=xyz") && !brought.query.contains(secret.expose()));
    assert!(matches!(bring(&stage, &stage.client.id, &pushed, &[]), Authorization::Consent(_)));
}

#[test]
fn a_proof_beside_a_pushed_request_binds_its_code_to_the_key() {
    let stage = Stage::new();
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let now = || stage.server.now();
    let bound_code = || {
        let pushed = push_with(&stage, &[("resource", MCP)], &[key.post(PAR, now())]).unwrap();
        parameter(&agree(&stage, bring(&stage, &stage.client.id, &pushed, &[])), "code").unwrap()
    };
    let code = bound_code();
    assert_refused(stage.redeem(&code), &ErrorCode::InvalidDpopProof);
    assert_refused(redeem(&stage, &code, &[other.post(TOKEN, now())]), &ErrorCode::InvalidGrant);
    assert!(redeem(&stage, &code, &[key.post(TOKEN, now())]).is_ok());
    let thumbprint = other.thumbprint();
    let mismatch = push_with(&stage, &[("dpop_jkt", thumbprint.as_str())], &[key.post(PAR, now())]);
    assert_refused(mismatch, &ErrorCode::InvalidDpopProof);
    let elsewhere = push_with(&stage, &[], &[key.post(TOKEN, now())]);
    assert_refused(elsewhere, &ErrorCode::InvalidDpopProof);
}
