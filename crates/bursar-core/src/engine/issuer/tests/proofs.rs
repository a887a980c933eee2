//! Proofs of possession (RFC 9449): what they are good for once, and what is bound to their keys.

use std::sync::Barrier;

use futures::executor::block_on;
use serde_json::json;

use super::key::{ProofKey, TOKEN};
use super::stage::{CALLBACK, MCP, Stage, add_client, assert_refused, parameter};
use crate::engine::issuer::administration::clients::NewClient;
use crate::engine::issuer::answer::{TokenAnswer, TokenType};
use crate::engine::issuer::authorize::{Authorization, ConsentDecision};
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::presented::PresentedToken;
use crate::engine::issuer::records::client::Client;
use crate::engine::issuer::records::resource::Resource;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::engine::issuer::rules::ProofNonces;
use crate::engine::issuer::token::ClientRequest;
use crate::oauth::error::ErrorCode;
use crate::oauth::form::Parameters;
use crate::oauth::server::client_metadata::ClientMetadata;
use crate::oauth::server::resource::ResourceSet;
use crate::ports::document;
use crate::ports::store::{Commit, Expected};
use crate::secret::Secret;

const USERINFO: &str = "https://as.test/oauth/userinfo";

fn token(stage: &Stage, form: &[(&str, &str)], proofs: &[String]) -> Result<TokenAnswer, Refusal> {
    let mut parameters = Parameters::new();
    for (name, value) in form {
        parameters.append(name, value);
    }
    let source = Source::default();
    let request = ClientRequest { parameters: &parameters, authorization: None, proofs, source: &source };
    match block_on(stage.server.token(&request)) {
        Ok(answer) => Ok(answer),
        Err(IssueError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

pub(super) fn redeem(stage: &Stage, code: &Secret, proofs: &[String]) -> Result<TokenAnswer, Refusal> {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", stage.client.id.as_str()),
        ("code", code.expose()),
        ("redirect_uri", "http://127.0.0.1:5000/callback"),
        ("code_verifier", stage.verifier.expose()),
    ];
    token(stage, &form, proofs)
}

fn refresh(stage: &Stage, token_shown: &Secret, proofs: &[String]) -> Result<TokenAnswer, Refusal> {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", stage.client.id.as_str()),
        ("refresh_token", token_shown.expose()),
    ];
    token(stage, &form, proofs)
}

/// A code for a request with these parameters.
fn code(stage: &Stage, others: &[(&str, &str)]) -> Secret {
    let answer = match stage.authorize(others) {
        Authorization::Consent(prompt) => stage.decide(&prompt, ConsentDecision::Allow),
        other => other,
    };
    parameter(&answer, "code").expect("a code")
}

fn proof(stage: &Stage, key: &ProofKey) -> [String; 1] {
    [key.post(TOKEN, stage.server.now())]
}

#[test]
fn a_public_client_with_a_proof_binds_its_refresh_token_to_the_key() {
    let stage = Stage::new();
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let first = redeem(&stage, &stage.code(), &proof(&stage, &key)).unwrap();
    assert_eq!(first.token_type, TokenType::Dpop);
    let claims = block_on(stage.server.valid_access_token(&first.access_token)).unwrap().unwrap();
    assert_eq!(claims.key, Some(key.thumbprint()));
    let spent = first.refresh_token.unwrap();
    assert_refused(refresh(&stage, &spent, &[]), &ErrorCode::InvalidDpopProof);
    assert_refused(refresh(&stage, &spent, &proof(&stage, &other)), &ErrorCode::InvalidGrant);
    let second = refresh(&stage, &spent, &proof(&stage, &key)).unwrap();
    assert_eq!(second.token_type, TokenType::Dpop);
    let again = refresh(&stage, &spent, &proof(&stage, &key)).unwrap();
    assert_eq!(stage.said(&again), stage.said(&second), "a retry gets the same");
    assert_refused(refresh(&stage, &spent, &proof(&stage, &other)), &ErrorCode::InvalidGrant);
    let last = second.refresh_token.unwrap();
    assert!(refresh(&stage, &last, &proof(&stage, &key)).is_ok(), "whoever lacks the key ends nothing");
}

#[test]
fn a_login_without_a_proof_stays_without_one() {
    let stage = Stage::new();
    let first = stage.log_in();
    let second = refresh(&stage, &first.refresh_token.unwrap(), &proof(&stage, &ProofKey::new())).unwrap();
    assert_eq!(second.token_type, TokenType::Dpop);
    assert!(stage.refresh(&second.refresh_token.unwrap()).is_ok());
}

#[test]
fn a_code_for_a_key_needs_its_proof() {
    let stage = Stage::new();
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let bound = code(&stage, &[("dpop_jkt", key.thumbprint().as_str())]);
    assert_refused(redeem(&stage, &bound, &[]), &ErrorCode::InvalidDpopProof);
    assert_refused(redeem(&stage, &bound, &proof(&stage, &other)), &ErrorCode::InvalidGrant);
    assert!(redeem(&stage, &bound, &proof(&stage, &key)).is_ok());
}

#[test]
fn a_client_registered_for_proofs_gets_nothing_without_one() {
    let stage = Stage::new();
    let client = add_client(&stage.server, &json!({ "dpop_bound_access_tokens": true }));
    let stage = stage.with_client(client);
    let code = stage.code();
    assert_refused(redeem(&stage, &code, &[]), &ErrorCode::InvalidDpopProof);
    assert!(redeem(&stage, &code, &proof(&stage, &ProofKey::new())).is_ok());
}

#[test]
fn a_proof_counts_once_for_this_address_and_in_its_time() {
    let stage = Stage::new();
    let key = ProofKey::new();
    let spent = redeem(&stage, &stage.code(), &proof(&stage, &key)).unwrap().refresh_token.unwrap();
    let now = stage.server.now().as_second();
    let claims = |name: &str, value: serde_json::Value| {
        let mut claims = json!({ "htm": "POST", "htu": TOKEN, "iat": now });
        claims[name] = value;
        [key.proof(&claims)]
    };
    let used = claims("jti", json!("once"));
    assert!(refresh(&stage, &spent, &used).is_ok());
    for (what, proofs) in [
        ("replayed", used.to_vec()),
        ("its name again", claims("jti", json!("once")).to_vec()),
        ("other method", claims("htm", json!("GET")).to_vec()),
        ("other address", claims("htu", json!("https://as.test/oauth/par")).to_vec()),
        ("other server", claims("htu", json!("https://evil.test/oauth/token")).to_vec()),
        ("too old", claims("iat", json!(now - 301)).to_vec()),
        ("of the future", claims("iat", json!(now + 301)).to_vec()),
        ("two", [proof(&stage, &key), proof(&stage, &key)].concat()),
        ("none at all", vec!["garbage".to_owned()]),
    ] {
        let refusal = refresh(&stage, &spent, &proofs).expect_err(what);
        assert_eq!(refusal.code, ErrorCode::InvalidDpopProof, "{what}: {refusal:?}");
    }
    let at_the_edge = claims("iat", json!(now));
    stage.pass(300);
    assert!(refresh(&stage, &spent, &at_the_edge).is_err(), "the window to ask again is over");
    assert_refused(refresh(&stage, &spent, &at_the_edge), &ErrorCode::InvalidDpopProof);
}

#[test]
fn one_proof_shown_at_once_in_many_places_counts_once() {
    let stage = Stage::new();
    let key = ProofKey::new();
    let spent = redeem(&stage, &stage.code(), &proof(&stage, &key)).unwrap().refresh_token.unwrap();
    let one = proof(&stage, &key);
    let barrier = Barrier::new(16);
    let granted = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    refresh(&stage, &spent, &one)
                })
            })
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).count()
    });
    assert_eq!(granted, 1);
}

#[test]
fn nonces_are_accepted_or_required_and_old_ones_ask_for_a_new_one() {
    let key = ProofKey::new();
    let with_nonce = |stage: &Stage, nonce: &str| {
        let now = stage.server.now().as_second();
        [key.proof(&json!({ "htm": "POST", "htu": TOKEN, "iat": now, "nonce": nonce, "jti": format!("{nonce}{now}") }))]
    };
    let stage = Stage::new();
    let nonce = block_on(stage.server.proof_nonce()).unwrap();
    let mut last = redeem(&stage, &stage.code(), &with_nonce(&stage, &nonce)).unwrap().refresh_token.unwrap();
    assert_refused(refresh(&stage, &last, &with_nonce(&stage, "made-up")), &ErrorCode::UseDpopNonce);
    let stage = stage.ruled(|rules| rules.proof_nonces = ProofNonces::Required);
    assert_refused(refresh(&stage, &last, &proof(&stage, &key)), &ErrorCode::UseDpopNonce);
    stage.pass(1);
    last = refresh(&stage, &last, &with_nonce(&stage, &nonce)).unwrap().refresh_token.unwrap();
    stage.pass(600);
    assert_refused(refresh(&stage, &last, &with_nonce(&stage, &nonce)), &ErrorCode::UseDpopNonce);
    let fresh = block_on(stage.server.proof_nonce()).unwrap();
    assert_ne!(fresh, nonce);
    assert!(refresh(&stage, &last, &with_nonce(&stage, &fresh)).is_ok());
}

#[test]
fn a_resource_that_requires_proof_gets_no_tokens_without() {
    let stage = Stage::new();
    let url = "https://strict.test/";
    let lenient = block_on(stage.server.known_resources(&ResourceSet::parse([MCP]).unwrap())).unwrap();
    let lenient = Resource::clone(&lenient[0].document);
    let resource = Resource { url: url.to_owned(), requires_proof: true, ..lenient };
    assert!(block_on(stage.server.add_resource(&resource)).unwrap());
    let code = code(&stage, &[("resource", url)]);
    assert_refused(redeem(&stage, &code, &[]), &ErrorCode::InvalidDpopProof);
    let key = ProofKey::new();
    assert!(redeem(&stage, &code, &proof(&stage, &key)).is_ok(), "the refusal has not burnt the code");
}

/// A client with a secret, of the policy that its refresh tokens stay.
fn confidential(stage: &Stage, rotates: bool) -> (Client, Secret) {
    let object = json!({
        "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token"], "dpop_bound_access_tokens": true,
    });
    let metadata = ClientMetadata::from_object(object.as_object().unwrap()).unwrap();
    let wish = NewClient { metadata, scope: None, rotates };
    let (client, secret) = block_on(stage.server.add_client(wish)).unwrap();
    (client, secret.unwrap())
}

#[test]
fn a_client_that_proves_itself_may_keep_its_refresh_token_and_change_its_key() {
    let stage = Stage::new();
    let (client, secret) = confidential(&stage, false);
    let stage = stage.with_client(client);
    let code = stage.code();
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", stage.client.id.as_str()),
        ("client_secret", secret.expose()),
        ("code", code.expose()),
        ("redirect_uri", "http://127.0.0.1:5000/callback"),
        ("code_verifier", stage.verifier.expose()),
    ];
    let (key, next_key) = (ProofKey::new(), ProofKey::new());
    let kept = token(&stage, &form, &proof(&stage, &key)).unwrap().refresh_token.unwrap();
    form = vec![
        ("grant_type", "refresh_token"),
        ("client_id", stage.client.id.as_str()),
        ("client_secret", secret.expose()),
        ("refresh_token", kept.expose()),
    ];
    assert_refused(token(&stage, &form, &[]), &ErrorCode::InvalidDpopProof);
    for key in [&key, &next_key, &key] {
        stage.pass(120);
        let answer = token(&stage, &form, &proof(&stage, key)).unwrap();
        assert_eq!(answer.refresh_token.as_ref(), Some(&kept));
        let claims = block_on(stage.server.valid_access_token(&answer.access_token)).unwrap().unwrap();
        assert_eq!(claims.key, Some(key.thumbprint()));
    }
}

#[test]
fn a_retry_with_another_key_has_an_access_token_for_that_key() {
    let stage = Stage::new();
    let (client, secret) = confidential(&stage, true);
    let stage = stage.with_client(client);
    let code = stage.code();
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", stage.client.id.as_str()),
        ("client_secret", secret.expose()),
        ("code", code.expose()),
        ("redirect_uri", "http://127.0.0.1:5000/callback"),
        ("code_verifier", stage.verifier.expose()),
    ];
    let spent = token(&stage, &form, &proof(&stage, &key)).unwrap().refresh_token.unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", stage.client.id.as_str()),
        ("client_secret", secret.expose()),
        ("refresh_token", spent.expose()),
    ];
    let first = token(&stage, &form, &proof(&stage, &key)).unwrap();
    let retried = token(&stage, &form, &proof(&stage, &other)).unwrap();
    assert_eq!(retried.refresh_token, first.refresh_token);
    let claims = block_on(stage.server.valid_access_token(&retried.access_token)).unwrap().unwrap();
    assert_eq!(claims.key, Some(other.thumbprint()));
}

#[test]
fn a_public_client_that_proves_a_key_may_keep_its_refresh_token() {
    let stage = Stage::new();
    let object = json!({
        "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], "dpop_bound_access_tokens": true,
    });
    let metadata = ClientMetadata::from_object(object.as_object().unwrap()).unwrap();
    let wish = NewClient { metadata, scope: None, rotates: false };
    let (client, _) = block_on(stage.server.add_client(wish)).unwrap();
    let stage = stage.with_client(client);
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let kept = redeem(&stage, &stage.code(), &proof(&stage, &key)).unwrap().refresh_token.unwrap();
    for _ in 0..3 {
        stage.pass(120);
        let answer = refresh(&stage, &kept, &proof(&stage, &key)).unwrap();
        assert_eq!(answer.refresh_token.as_ref(), Some(&kept));
        assert_refused(refresh(&stage, &kept, &proof(&stage, &other)), &ErrorCode::InvalidGrant);
    }
}

#[test]
fn a_login_that_is_bound_to_no_key_rotates_even_if_its_client_need_not_any_more() {
    let stage = Stage::new();
    let token = stage.log_in().refresh_token.unwrap();
    let engine = &stage.world.engine;
    let store = &*engine.ports().store;
    let known =
        block_on(document::get::<Client>(store, engine.space(), &stage.client.id)).unwrap().value.unwrap();
    let changed = Client { rotates: false, ..known.document };
    let batch = document::put(engine.batch(), &changed, Expected::Version(known.version)).unwrap();
    assert!(matches!(block_on(store.commit(batch)).unwrap().value, Commit::Done(_)));
    assert_ne!(stage.refresh(&token).unwrap().refresh_token, Some(token));
}

fn userinfo(
    stage: &Stage,
    header: Option<&str>,
    proofs: &[String],
) -> Result<serde_json::Map<String, serde_json::Value>, Refusal> {
    let header = header.map(Secret::new);
    let presented = PresentedToken { method: "GET", url: USERINFO, authorization: header.as_ref(), proofs };
    match block_on(stage.server.userinfo(&presented)) {
        Ok(claims) => Ok(claims),
        Err(IssueError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

/// The request of an application that only signs users in.
fn sign_in_code(stage: &Stage, scope: &str) -> Secret {
    let query = stage.query(&[("scope", scope)]);
    let mut parameters = Parameters::parse_form(query.as_bytes()).unwrap();
    parameters.remove("resource");
    let (signed_in, source) = (stage.signed_in(), Source::default());
    let outcome =
        block_on(stage.server.authorize(&parameters.to_query(), Some(&signed_in), &source)).unwrap();
    let answer = match outcome {
        Authorization::Consent(prompt) => stage.decide(&prompt, ConsentDecision::Allow),
        other => other,
    };
    parameter(&answer, "code").unwrap()
}

#[test]
fn userinfo_tells_what_the_scope_lets_it() {
    let stage = Stage::new();
    let tokens = stage.redeem(&sign_in_code(&stage, "openid email")).unwrap();
    let header = format!("Bearer {}", tokens.access_token.expose());
    let claims = serde_json::Value::Object(userinfo(&stage, Some(&header), &[]).unwrap());
    assert_eq!(claims, json!({ "sub": stage.user.id, "email": "ada@test", "email_verified": true }));
    let tokens = stage.redeem(&sign_in_code(&stage, "openid profile")).unwrap();
    let header = format!("bearer {}", tokens.access_token.expose());
    let claims = userinfo(&stage, Some(&header), &[]).unwrap();
    assert_eq!(claims["preferred_username"], "ada");
    assert!(!claims.contains_key("email"));
}

#[test]
fn userinfo_is_for_living_tokens_of_users_for_this_server() {
    let stage = Stage::new();
    assert_refused(userinfo(&stage, None, &[]), &ErrorCode::InvalidToken);
    for header in ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "DPoP x"] {
        assert_refused(userinfo(&stage, Some(header), &[]), &ErrorCode::InvalidToken);
    }
    let bearer = |token: &Secret| format!("Bearer {}", token.expose());
    let for_a_resource = stage.log_in();
    assert_refused(
        userinfo(&stage, Some(&bearer(&for_a_resource.access_token)), &[]),
        &ErrorCode::InvalidToken,
    );
    let no_openid = stage.redeem(&sign_in_code(&stage, "email")).unwrap();
    assert_refused(
        userinfo(&stage, Some(&bearer(&no_openid.access_token)), &[]),
        &ErrorCode::InsufficientScope,
    );
    let tokens = stage.redeem(&sign_in_code(&stage, "openid")).unwrap();
    let id_token = tokens.id_token.clone().unwrap();
    assert_refused(userinfo(&stage, Some(&bearer(&id_token)), &[]), &ErrorCode::InvalidToken);
    let refresh_token = tokens.refresh_token.clone().unwrap();
    assert_refused(userinfo(&stage, Some(&bearer(&refresh_token)), &[]), &ErrorCode::InvalidToken);
    let header = bearer(&tokens.access_token);
    assert!(userinfo(&stage, Some(&header), &[]).is_ok());
    stage.pass(15 * 60);
    assert_refused(userinfo(&stage, Some(&header), &[]), &ErrorCode::InvalidToken);
    let tokens = stage.redeem(&sign_in_code(&stage, "openid")).unwrap();
    assert!(block_on(stage.server.withdraw_grant(&stage.user.id, &stage.client.id)).unwrap());
    assert_refused(userinfo(&stage, Some(&bearer(&tokens.access_token)), &[]), &ErrorCode::InvalidToken);
}

#[test]
fn a_bound_token_needs_its_proof_and_does_not_pass_as_a_bearers() {
    let stage = Stage::new();
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let tokens = redeem(&stage, &sign_in_code(&stage, "openid"), &proof(&stage, &key)).unwrap();
    let shown = &tokens.access_token;
    let now = || stage.server.now();
    let (bound, bearer) = (format!("DPoP {}", shown.expose()), format!("Bearer {}", shown.expose()));
    let good = key.get(USERINFO, now(), shown);
    assert!(userinfo(&stage, Some(&bound), std::slice::from_ref(&good)).is_ok());
    assert_refused(userinfo(&stage, Some(&bound), &[good]), &ErrorCode::InvalidDpopProof);
    assert_refused(userinfo(&stage, Some(&bound), &[]), &ErrorCode::InvalidDpopProof);
    let fresh = || key.get(USERINFO, now(), shown);
    assert_refused(userinfo(&stage, Some(&bearer), &[fresh()]), &ErrorCode::InvalidToken);
    let of_another = other.get(USERINFO, now(), shown);
    assert_refused(userinfo(&stage, Some(&bound), &[of_another]), &ErrorCode::InvalidToken);
    let without_hash = key.proof(&json!({ "htm": "GET", "htu": USERINFO, "iat": now().as_second() }));
    assert_refused(userinfo(&stage, Some(&bound), &[without_hash]), &ErrorCode::InvalidDpopProof);
    let for_another_token = key.get(USERINFO, now(), &Secret::new("another"));
    assert_refused(userinfo(&stage, Some(&bound), &[for_another_token]), &ErrorCode::InvalidDpopProof);
    let unbound = stage.redeem(&sign_in_code(&stage, "openid")).unwrap().access_token;
    let header = format!("DPoP {}", unbound.expose());
    let proof = key.get(USERINFO, now(), &unbound);
    assert_refused(userinfo(&stage, Some(&header), &[proof]), &ErrorCode::InvalidToken);
}
