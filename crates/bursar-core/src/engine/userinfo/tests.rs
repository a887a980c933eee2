//! Tokens that are bound to a key are shown with their proof wherever they are shown.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::executor::block_on;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use serde_json::json;
use url::Url;

use crate::engine::login::LoginPlan;
use crate::engine::probe::Probe;
use crate::engine::proving::ProofWish;
use crate::engine::test_world::{World, answer};
use crate::lifecycle::account::Account;
use crate::memory::clock::ManualClock;
use crate::oauth::proof::{FIELD, NONCE_FIELD};
use crate::oauth::server::dpop::{Expected, NoncePolicy, verify};
use crate::ports::clock::Clock as _;
use crate::ports::upstream::{Request, Response, SendError};
use crate::provider::{Endpoint, IdentitySource, ProviderId};
use crate::secret::Secret;

const USERINFO: &str = "https://as.example/userinfo";

/// A provider whose userinfo wants nonces in proofs.
#[derive(Clone)]
struct Server {
    token_type: &'static str,
    /// It wants another one each time, and is never content.
    is_greedy: bool,
    asked: Arc<AtomicUsize>,
    clock: Arc<OnceLock<Arc<ManualClock>>>,
}

impl Server {
    fn of(token_type: &'static str) -> Self {
        Self { token_type, is_greedy: false, asked: Arc::default(), clock: Arc::default() }
    }

    fn open(&self) -> World {
        let server = self.clone();
        let world = World::new("", move |request| server.answer(request));
        self.clock.set(world.clock.clone()).unwrap();
        world
    }

    fn answer(&self, request: &Request) -> Result<Response, SendError> {
        if request.uri().path() == "/token" {
            assert!(request.headers().contains_key(FIELD));
            return answer(
                200,
                &json!({ "access_token": "a1", "token_type": self.token_type, "expires_in": 3600 }),
            );
        }
        assert_eq!(request.uri().to_string(), USERINFO);
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let shown: Vec<&str> =
            request.headers().get_all(AUTHORIZATION).iter().map(|field| field.to_str().unwrap()).collect();
        assert_eq!(shown, [format!("{} a1", self.token_type)]);
        let person = json!({ "sub": "ada" });
        if self.token_type == "Bearer" {
            assert!(!request.headers().contains_key(FIELD));
            return answer(200, &person);
        }
        let (url, token) = (Url::parse(USERINFO).unwrap(), Secret::new("a1"));
        let expected = Expected {
            method: "GET",
            url: &url,
            now: self.clock.get().unwrap().now(),
            nonces: NoncePolicy::Unused,
            access_token: Some(&token),
        };
        verify(request.headers()[FIELD].to_str().unwrap(), &expected).unwrap();
        if self.is_greedy || asked.is_multiple_of(2) {
            let mut refused = answer(401, &json!({}))?;
            let wanted = "DPoP error=\"use_dpop_nonce\"".parse().unwrap();
            refused.headers_mut().insert(WWW_AUTHENTICATE, wanted);
            refused.headers_mut().insert(NONCE_FIELD, format!("n{asked}").parse().unwrap());
            return Ok(refused);
        }
        answer(200, &person)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A login that wants bound tokens, at a provider that was discovered.
fn plan(world: &World) -> LoginPlan {
    let mut plan = world.plan();
    plan.provider.id = ProviderId::parse("elsewhere").unwrap();
    plan.provider.endpoints.userinfo = Some(Endpoint::parse(USERINFO).unwrap());
    plan.provider.identity.source = IdentitySource::Auto;
    LoginPlan { issuer: Some("https://as.example".to_owned()), binds_tokens: true, ..plan }
}

fn probe(world: &World, account: &Account) -> Probe {
    block_on(world.engine.probe(&account.reference, Duration::from_mins(1))).unwrap()
}

#[test]
fn a_bound_token_is_shown_with_its_proof_and_the_nonce_that_is_wanted() {
    let server = Server::of("DPoP");
    let world = server.open();
    let account = world.log_in_with(&plan(&world));
    assert_eq!(account.identity.as_ref().unwrap().subject, "ada");
    assert_eq!(server.asked(), 2);
    assert_eq!(probe(&world, &account), Probe::Accepted);
    assert_eq!(server.asked(), 4);
}

#[test]
fn a_server_that_always_wants_another_nonce_is_asked_twice() {
    let server = Server { is_greedy: true, ..Server::of("DPoP") };
    let world = server.open();
    let account = world.log_in_with(&plan(&world));
    assert_eq!(account.identity, None);
    assert_eq!(server.asked(), 2);
    assert!(matches!(probe(&world, &account), Probe::Refused { .. }));
    assert_eq!(server.asked(), 4);
}

#[test]
fn a_server_that_binds_nothing_leaves_an_ordinary_account_without_a_key() {
    let server = Server::of("Bearer");
    let world = server.open();
    let account = world.log_in_with(&plan(&world));
    assert_eq!(account.token_type, "Bearer");
    assert_eq!(account.identity.as_ref().unwrap().subject, "ada");
    assert_eq!(probe(&world, &account), Probe::Accepted);
    assert_eq!(server.asked(), 2);
    let url = Url::parse(USERINFO).unwrap();
    let wish = ProofWish { method: "GET", url: &url, nonce: None };
    assert_eq!(block_on(world.engine.prove(&account.reference, "hash", &wish)).unwrap(), None);
}
