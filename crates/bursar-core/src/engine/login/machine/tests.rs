//! Logins by assertion, from the login over renewals to the logout.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::executor::block_on;
use serde_json::{Value, json};

use super::*;
use crate::engine::broker::HandOutError;
use crate::engine::test_world::{World, answer, is, parameter, tokens};
use crate::lifecycle::account::{Account, Renewal, Standing};
use crate::lifecycle::failure::CauseKind;
use crate::oauth::jwt_bearer::ExtraClaims;
use crate::ports::upstream::{Request, Response, SendError};

/// RFC 8037 Appendix A.1, and a key nobody knows.
const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const STRANGER: &str = include_str!("../../../oauth/signing/ed25519-pkcs8.pem");

fn keyed(key: &str) -> KeyedAssertion {
    let assertion = Assertion {
        issuer: "robot".into(),
        subject: Some("robot".into()),
        audience: "https://as.example/token".into(),
        key_id: None,
        algorithm: "EdDSA".into(),
        claims: ExtraClaims::default(),
    };
    KeyedAssertion { assertion, key: Secret::new(key) }
}

/// A provider that knows one key, reads the time by its own clock and remembers every assertion.
#[derive(Clone, Default)]
struct Judge {
    seen: Arc<Mutex<Vec<Value>>>,
    /// Seconds its clock is ahead of the epoch of the test world, by the request.
    clock: Arc<Mutex<i64>>,
    revoked: Arc<Mutex<bool>>,
    fault: Arc<Mutex<Option<SendError>>>,
}

impl Judge {
    fn world(&self) -> World {
        let judge = self.clone();
        World::new("", move |request| judge.answer(request))
    }

    fn answer(&self, request: &Request) -> Result<Response, SendError> {
        if request.uri().path() == "/revoke" {
            return answer(200, &json!({}));
        }
        if let Some(fault) = self.fault.lock().unwrap().take() {
            return Err(fault);
        }
        assert_eq!(
            parameter(request, "grant_type").as_deref(),
            Some("urn:ietf:params:oauth:grant-type:jwt-bearer")
        );
        let now = *self.clock.lock().unwrap();
        let assertion = parameter(request, "assertion").unwrap();
        let mut response = match self.judge(&assertion, now) {
            Ok(number) => tokens(&format!("a{number}"), Some("never-kept")),
            Err(why) => answer(
                400,
                &json!({"error": "invalid_grant", "error_description": format!("{why}: {assertion}")}),
            ),
        }?;
        let date = Timestamp::from_second(now).unwrap().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.headers_mut().insert("date", date.parse().unwrap());
        Ok(response)
    }

    fn judge(&self, assertion: &str, now: i64) -> Result<usize, &'static str> {
        let (message, signature) = assertion.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let public = URL_SAFE_NO_PAD.decode(PUBLIC).unwrap();
        let verified = UnparsedPublicKey::new(&ED25519, public).verify(message.as_bytes(), &signature);
        verified.map_err(|_| "wrong key")?;
        let claims = URL_SAFE_NO_PAD.decode(message.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        if *self.revoked.lock().unwrap() {
            return Err("the key was withdrawn");
        }
        if claims["exp"].as_i64().unwrap() <= now || claims["iat"].as_i64().unwrap() > now + 5 {
            return Err("not now");
        }
        let mut seen = self.seen.lock().unwrap();
        if seen.iter().any(|known| known["jti"] == claims["jti"]) {
            return Err("seen before");
        }
        seen.push(claims);
        Ok(seen.len())
    }

    /// Sets its clock so far ahead of the world's.
    fn is_ahead(&self, world: &World, seconds: i64) {
        *self.clock.lock().unwrap() = world.now().as_second() + seconds;
    }
}

fn log_in(world: &World) -> Account {
    block_on(world.engine.login_by_assertion(&world.plan(), keyed(KEY))).unwrap().account
}

#[test]
fn every_renewal_signs_another_assertion_and_spends_nothing() {
    let judge = Judge::default();
    let world = judge.world();
    judge.is_ahead(&world, 0);
    let account = log_in(&world);
    assert_eq!((account.method, account.renewal()), (LoginMethod::JwtBearer, Renewal::JwtBearer));
    assert_eq!(account.identity.as_ref().unwrap().subject, "robot");
    assert_eq!(account.refresh, None, "what the provider gives besides is not kept");
    let reference = account.reference;
    for round in 2..4 {
        world.clock.advance(Duration::from_hours(1));
        judge.is_ahead(&world, 0);
        assert!(is(&world.hand_out(&reference).unwrap().token, &format!("a{round}")));
        assert_eq!(world.account(&reference).journal, None);
    }
    let seen = judge.seen.lock().unwrap();
    assert_eq!(seen.len(), 3, "each was accepted, so each was new");
    assert_eq!(seen[2]["iat"], world.now().as_second());
}

#[test]
fn an_assertion_is_dated_by_the_providers_clock() {
    for ahead in [3600, -3600] {
        let judge = Judge::default();
        let world = judge.world();
        judge.is_ahead(&world, ahead);
        let account = log_in(&world);
        assert!((account.clock_skew.as_secs() - ahead).abs() <= 1, "{ahead}");
        // Later the clocks are set right, the other way round.
        world.clock.advance(Duration::from_hours(1));
        judge.is_ahead(&world, 0);
        assert!(is(&world.hand_out(&account.reference).unwrap().token, "a2"), "{ahead}");
        assert_eq!(world.account(&account.reference).clock_skew.as_secs(), 0);
    }
}

#[test]
fn a_wrong_key_stores_nothing_and_its_assertion_is_not_repeated() {
    let judge = Judge::default();
    let world = judge.world();
    judge.is_ahead(&world, 0);
    let refused = block_on(world.engine.login_by_assertion(&world.plan(), keyed(STRANGER))).unwrap_err();
    assert!(matches!(refused, LoginError::Refused { .. }), "{refused}");
    let text = format!("{refused} {refused:?}");
    assert!(text.contains("wrong key") && !text.contains("eyJ"), "{text}");
    assert!(block_on(world.engine.overview()).unwrap().accounts.is_empty());
    let unusable = block_on(world.engine.login_by_assertion(&world.plan(), keyed("hunter2"))).unwrap_err();
    assert!(matches!(unusable, LoginError::Key(_)), "{unusable}");
}

#[test]
fn a_key_that_is_withdrawn_needs_a_login_and_an_outage_does_not() {
    let judge = Judge::default();
    let world = judge.world();
    judge.is_ahead(&world, 0);
    let reference = log_in(&world).reference;
    world.clock.advance(Duration::from_hours(1));
    judge.is_ahead(&world, 0);
    *judge.fault.lock().unwrap() = crate::engine::test_world::cut().err();
    let error = world.hand_out(&reference).unwrap_err();
    assert!(matches!(error, HandOutError::TryLater { .. }), "{error}");
    assert_eq!(world.account(&reference).journal, None, "no answer was worth keeping");
    world.clock.advance(Duration::from_mins(1));
    judge.is_ahead(&world, 0);
    assert!(is(&world.hand_out(&reference).unwrap().token, "a2"));

    world.clock.advance(Duration::from_hours(1));
    judge.is_ahead(&world, 0);
    *judge.revoked.lock().unwrap() = true;
    let error = world.hand_out(&reference).unwrap_err();
    assert!(
        matches!(&error, HandOutError::LoginRequired { cause, .. } if cause.kind == CauseKind::GrantRefused)
    );
    assert!(!format!("{error} {:?}", world.account(&reference)).contains("eyJ"), "{error}");
    assert!(matches!(world.account(&reference).standing, Standing::NeedsLogin { .. }));
    *judge.revoked.lock().unwrap() = false;
    assert_eq!(log_in(&world).reference, reference);
    assert!(is(&world.hand_out(&reference).unwrap().token, "a3"));
}

#[test]
fn another_service_does_not_take_the_accounts_place() {
    let judge = Judge::default();
    let world = judge.world();
    judge.is_ahead(&world, 0);
    log_in(&world);
    let mut other = keyed(KEY);
    other.assertion.subject = Some("somebody-else".into());
    let refused = block_on(world.engine.login_by_assertion(&world.plan(), other)).unwrap_err();
    assert!(matches!(refused, LoginError::OtherIdentity { .. }), "{refused}");
}

#[test]
fn a_logout_revokes_the_access_token_there_is() {
    use crate::engine::logout::RevocationReport;
    let judge = Judge::default();
    let world = judge.world();
    judge.is_ahead(&world, 0);
    let reference = log_in(&world).reference;
    assert_eq!(block_on(world.engine.logout(&reference)).unwrap(), RevocationReport::Revoked);
}

#[test]
fn the_request_names_no_client_where_there_is_none_and_no_scope_twice() {
    let bodies: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = bodies.clone();
    let world = World::new("", move |request| {
        kept.lock().unwrap().push(String::from_utf8(request.body().expose().to_vec()).unwrap());
        tokens("a", None)
    });
    let mut plan = world.plan();
    plan.scopes = vec!["read".into()];
    block_on(world.engine.login_by_assertion(&plan, keyed(KEY))).unwrap();
    plan.client_id = String::new();
    let mut claiming = keyed(KEY);
    claiming.assertion.claims.add("scope", "read").unwrap();
    let account = block_on(world.engine.login_by_assertion(&plan, claiming)).unwrap().account;
    block_on(world.engine.refresh(&account.reference, Duration::from_mins(1))).unwrap();
    let bodies = bodies.lock().unwrap();
    assert!(bodies[0].contains("&scope=read") && bodies[0].contains("&client_id=client"));
    for body in &bodies[1..] {
        assert!(!body.contains("scope=") && !body.contains("client_id="), "{body}");
    }
    assert_eq!(bodies.len(), 3);
}
