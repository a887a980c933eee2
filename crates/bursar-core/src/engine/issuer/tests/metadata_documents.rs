//! Clients whose id is the address of their metadata, and keys at an address.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use futures::executor::block_on;
use serde_json::{Value, json};

use super::stage::{Stage, add_client, assert_refused, parameter};
use super::web::{Page, Web};
use crate::engine::issuer::authorize::{Authorization, ConsentDecision};
use crate::engine::issuer::records::client::Client;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::jose::Algorithm;
use crate::oauth::signing::SigningKey;
use crate::oauth::url::Issuer;
use crate::ports::document;
use crate::ports::upstream::{SendCause, UrlOrigin};
use crate::secret::Secret;

const ID: &str = "https://app.test/oauth/client.json";
const KEYS: &str = "https://app.test/oauth/keys.json";

fn document() -> Value {
    json!({
        "client_id": ID, "client_name": "App", "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut document = document();
    document[name] = value;
    document
}

fn stage() -> (Stage, Web) {
    let web = Web::default();
    web.put(ID, Page::json(&document()));
    (Stage::new().calling(Arc::new(web.clone())).of_client(ID), web)
}

fn record(stage: &Stage) -> Option<document::Stored<Client>> {
    block_on(stage.server.client(&stage.client.id)).unwrap()
}

/// The refusal of a request that is answered to the person, because nobody knows where else to.
#[track_caller]
fn refusal(stage: &Stage) -> Refusal {
    match stage.authorize(&[]) {
        Authorization::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn is_shown(stage: &Stage) -> bool {
    matches!(stage.authorize(&[]), Authorization::Consent(_))
}

#[test]
fn a_document_is_a_client_that_is_stored_when_somebody_agrees() {
    let (stage, web) = stage();
    let Authorization::Consent(prompt) = stage.authorize(&[]) else { panic!("no consent page") };
    assert_eq!(prompt.client.metadata.client_name.as_deref(), Some("App"));
    assert!(record(&stage).is_none(), "nobody has agreed yet");
    let answer = stage.decide(&prompt, ConsentDecision::Allow);
    let tokens = stage.redeem(&parameter(&answer, "code").unwrap()).unwrap();
    assert!(record(&stage).is_some());
    assert!(stage.is_good(&tokens.access_token));
    assert!(stage.refresh(&tokens.refresh_token.unwrap()).is_ok());
    assert!(parameter(&stage.authorize(&[]), "code").is_some(), "remembered");
    assert_eq!(web.calls(), 1);
}

#[test]
fn documents_that_may_not_be_believed_are_refused_and_not_remembered() {
    let private = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "a", "y": "b", "d": "c"}]});
    let large = with("client_uri", json!(format!("https://app.test/{}", "x".repeat(6_000))));
    let table = [
        Page::answer(302, "application/json", document().to_string())
            .with("location", "https://app.test/other"),
        Page::answer(301, "application/json", "").with("location", "http://127.0.0.1/"),
        Page::answer(404, "application/json", document().to_string()),
        Page::answer(206, "application/json", document().to_string()),
        Page::answer(500, "application/json", document().to_string()),
        Page::answer(200, "text/html", document().to_string()),
        Page::answer(200, "application/json", "<html>"),
        Page::answer(200, "application/json", "{\"client_id\":"),
        Page::answer(200, "application/json", vec![0xff, 0xfe, 0x00]),
        Page::json(&document()).with("content-encoding", "gzip"),
        Page::json(&large),
        Page::json(&with("client_id", json!("https://app.test/oauth/client.jsoN"))),
        Page::json(&with("client_id", json!("https://app.test:443/oauth/client.json"))),
        Page::json(&with("client_id", Value::Null)),
        Page::json(&with("client_name", Value::Null)),
        Page::json(&with("redirect_uris", json!([]))),
        Page::json(&with("redirect_uris", json!(["http://app.test/callback"]))),
        Page::json(&with("token_endpoint_auth_method", json!("client_secret_basic"))),
        Page::json(&with("client_secret", json!("s"))),
        Page::json(&with("jwks", private)),
        Page::Failure(SendCause::Timeout),
        Page::Failure(SendCause::Forbidden),
        Page::Failure(SendCause::Dns),
        Page::Failure(SendCause::Tls),
        Page::Failure(SendCause::Cut),
    ];
    for page in table {
        let (stage, web) = stage();
        web.put(ID, page.clone());
        assert_eq!(refusal(&stage).code, ErrorCode::InvalidClient, "{page:?}");
        assert!(record(&stage).is_none());
        web.put(ID, Page::json(&document()));
        stage.pass(1);
        assert!(is_shown(&stage), "remembered: {page:?}");
        assert_eq!(web.calls(), 2);
    }
}

#[test]
fn nobody_learns_from_a_refusal_which_addresses_there_are() {
    let told = [SendCause::Forbidden, SendCause::Dns, SendCause::Connect, SendCause::Timeout].map(|cause| {
        let (stage, web) = stage();
        web.put(ID, Page::Failure(cause));
        let refusal = refusal(&stage);
        (refusal.code, refusal.description)
    });
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
}

#[test]
fn identifiers_that_are_no_proper_addresses_are_never_called() {
    let (stage, web) = stage();
    for id in [
        "http://app.test/client.json",
        "http://127.0.0.1/client.json",
        "http://localhost:3000/client.json",
        "https://app.test",
        "https://user@app.test/c",
        "https://app.test/a/../c",
        "https://app.test/%2e%2e/c",
        "https://app.test/c#fragment",
        "https://0x7f000001/c",
        "https://2130706433/c",
        "https://017700000001/c",
    ] {
        let refusal = refusal(&stage.of_client(id));
        assert_eq!(refusal.code, ErrorCode::InvalidClient, "{id}");
    }
    assert_eq!(web.calls(), 0);
}

#[test]
fn strangers_addresses_are_called_with_the_guard_and_past_every_proxy() {
    let (stage, web) = stage();
    assert!(is_shown(&stage));
    let (address, limits) = web.last_call();
    assert_eq!(address, ID);
    assert_eq!(limits.origin, UrlOrigin::Stranger);
    assert_eq!(limits.proxy.as_deref(), Some(""));
    assert_eq!((limits.time, limits.body), (Duration::from_secs(5), 5 * 1024));
    let guarded = Secret::new("http://guard.test:3128");
    let stage =
        stage.ruled(|rules| rules.guarded_proxy = Some(guarded.clone())).calling(Arc::new(web.clone()));
    assert!(is_shown(&stage));
    assert_eq!(web.last_call().1.proxy.as_deref(), Some(guarded.expose()));
}

#[test]
fn what_is_on_this_machine_is_called_by_a_server_for_development_only() {
    let local = "http://localhost:3000/client.json";
    let web = Web::default();
    web.put(local, Page::json(&with("client_id", json!(local))));
    let stage = |issuer: &str| {
        let issuer = Issuer::parse(issuer).unwrap();
        Stage::new().ruled(|rules| rules.issuer = issuer).calling(Arc::new(web.clone())).of_client(local)
    };
    assert_eq!(refusal(&stage("https://as.test")).code, ErrorCode::InvalidClient);
    assert_eq!(web.calls(), 0);
    assert!(is_shown(&stage("http://localhost:8790")));
    assert_eq!(web.last_call().1.proxy.as_deref(), Some(""));
}

#[test]
fn five_hundred_first_requests_are_one_call() {
    for page in [Page::json(&document()), Page::answer(404, "text/html", "")] {
        let (stage, web) = stage();
        web.put(ID, page);
        let together = Arc::new(Barrier::new(500));
        let threads: Vec<_> = (0..500)
            .map(|_| {
                let (server, together) = (stage.server.clone(), Arc::clone(&together));
                std::thread::spawn(move || {
                    together.wait();
                    block_on(server.client_of(ID)).is_ok()
                })
            })
            .collect();
        let outcomes: Vec<bool> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]));
        assert_eq!(web.calls(), 1);
    }
}

#[test]
fn copies_are_fresh_for_as_long_as_their_answer_says_within_bounds() {
    for (field, fresh_for) in [
        (None, 3_600),
        (Some("max-age=600"), 600),
        (Some("public, max-age=\"7200\""), 7_200),
        (Some("max-age=0"), 300),
        (Some("max-age=-5"), 300),
        (Some("max-age=soon"), 300),
        (Some("no-store, max-age=600"), 300),
        (Some("max-age=31536000"), 86_400),
    ] {
        let (stage, web) = stage();
        let page = Page::json(&document());
        web.put(ID, field.map_or(page.clone(), |field| page.with("cache-control", field)));
        assert!(is_shown(&stage));
        stage.pass(fresh_for - 1);
        block_on(stage.server.client_of(ID)).unwrap();
        assert_eq!(web.calls(), 1, "{field:?}");
        stage.pass(1);
        block_on(stage.server.client_of(ID)).unwrap();
        assert_eq!(web.calls(), 2, "{field:?}");
    }
}

#[test]
fn a_document_with_other_addresses_or_keys_asks_its_users_again() {
    let (key, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let keys = json!({"keys": [key.public_key().unwrap().to_jwk()]});
    for changed in [
        with("redirect_uris", json!(["http://127.0.0.1/callback", "https://app.test/callback"])),
        with("jwks", keys),
    ] {
        let (stage, web) = stage();
        let tokens = stage.log_in();
        web.put(ID, Page::json(&changed));
        assert!(parameter(&stage.authorize(&[]), "code").is_some(), "the copy is fresh");
        stage.pass(3_600);
        assert!(is_shown(&stage), "asked again");
        let stored = record(&stage).unwrap().document;
        assert_eq!(stored.metadata.redirect_uris.len(), changed["redirect_uris"].as_array().unwrap().len());
        assert!(stage.refresh(&tokens.refresh_token.unwrap()).is_ok(), "who is logged in stays so");
    }
    let (stage, web) = stage();
    stage.log_in();
    web.put(ID, Page::json(&with("redirect_uris", json!(["https://app.test/callback"]))));
    stage.pass(3_600);
    assert_eq!(refusal(&stage).code, ErrorCode::InvalidRequest, "an address that was taken back");
}

#[test]
fn a_change_of_words_is_taken_over_without_asking() {
    let (stage, web) = stage();
    stage.log_in();
    let before = record(&stage).unwrap();
    stage.pass(3_600);
    assert!(parameter(&stage.authorize(&[]), "code").is_some());
    assert_eq!(record(&stage).unwrap().version, before.version, "nothing has changed, nothing is written");
    web.put(ID, Page::json(&with("client_uri", json!("https://app.example.com/about"))));
    stage.pass(3_600);
    assert!(parameter(&stage.authorize(&[]), "code").is_some());
    assert!(record(&stage).unwrap().version > before.version);
}

#[test]
fn another_name_is_asked_about() {
    let (stage, web) = stage();
    stage.log_in();
    web.put(ID, Page::json(&with("client_name", json!("Better App"))));
    stage.pass(3_600);
    assert!(is_shown(&stage));
    assert_eq!(record(&stage).unwrap().document.metadata.client_name.as_deref(), Some("Better App"));
}

#[test]
fn without_an_answer_the_last_copy_serves_for_a_day_and_a_definite_one_counts_at_once() {
    for page in [Page::Failure(SendCause::Timeout), Page::answer(503, "text/html", "")] {
        let (stage, web) = stage();
        let mut tokens = stage.log_in();
        web.put(ID, page);
        for _ in 0..2 {
            stage.pass(3_600 * 12);
            tokens = stage.refresh(&tokens.refresh_token.unwrap()).unwrap();
        }
        stage.pass(3_600 * 2);
        let late = block_on(stage.server.client_of(ID));
        assert!(matches!(late, Err(IssueError::Elsewhere(_))), "never a reason to give a login up: {late:?}");
        web.put(ID, Page::json(&document()));
        stage.pass(1);
        assert!(stage.refresh(&tokens.refresh_token.unwrap()).is_ok());
    }
    for page in
        [Page::answer(404, "text/html", ""), Page::json(&with("client_id", json!("https://other.test/c")))]
    {
        let (stage, web) = stage();
        let tokens = stage.log_in();
        web.put(ID, page);
        stage.pass(3_600);
        assert_refused(stage.refresh(&tokens.refresh_token.unwrap()), &ErrorCode::InvalidClient);
    }
}

#[test]
fn a_removed_address_stays_removed_and_is_never_called() {
    let (stage, web) = stage();
    assert!(block_on(stage.server.remove_client(ID)).unwrap(), "before anybody has agreed");
    assert_eq!(refusal(&stage).code, ErrorCode::InvalidClient);
    assert_eq!(web.calls(), 0);
    let (stage, _) = self::stage();
    let tokens = stage.log_in();
    assert!(block_on(stage.server.remove_client(ID)).unwrap());
    assert!(!stage.is_good(&tokens.access_token));
    assert_refused(stage.refresh(&tokens.refresh_token.unwrap()), &ErrorCode::InvalidClient);
    assert!(!block_on(stage.server.remove_client(ID)).unwrap());
}

#[test]
fn a_server_may_take_no_addresses() {
    let (stage, web) = stage();
    let stage = stage.ruled(|rules| rules.metadata_documents = false).calling(Arc::new(web.clone()));
    assert_eq!(refusal(&stage).code, ErrorCode::InvalidClient);
    assert_eq!(web.calls(), 0);
}

struct Signer {
    key: SigningKey,
    name: &'static str,
}

impl Signer {
    fn new(name: &'static str) -> Self {
        let (key, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
        Self { key: key.named(name), name }
    }

    fn page(signers: &[&Self]) -> Page {
        let jwk = |signer: &&Self| {
            let mut jwk = signer.key.public_key().unwrap().to_jwk();
            jwk.insert("kid".to_owned(), json!(signer.name));
            Value::Object(jwk)
        };
        Page::json(&json!({ "keys": signers.iter().map(jwk).collect::<Vec<_>>() }))
    }

    /// Asks for a token of the client's own, or by a code that is none: whether the assertion is believed.
    fn proves(&self, stage: &Stage, client: &str, once: &str) -> Result<(), Refusal> {
        let now = stage.world.now().as_second();
        let claims = json!({"iss": client, "sub": client, "aud": "https://as.test", "jti": once,
            "iat": now, "exp": now + 60});
        let assertion = self.key.sign("JWT", &claims).unwrap();
        let outcome = stage.token(&[
            ("grant_type", "authorization_code"),
            ("code", "bac_none"),
            ("redirect_uri", "http://127.0.0.1/callback"),
            ("code_verifier", &"v".repeat(43)),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.expose()),
        ]);
        match outcome {
            // The client was believed, the code was not.
            Err(refusal) if refusal.code == ErrorCode::InvalidGrant => Ok(()),
            Err(refusal) => Err(refusal),
            Ok(answer) => panic!("{answer:?}"),
        }
    }
}

fn with_keys(web: &Web) -> Stage {
    let mut document = with("token_endpoint_auth_method", json!("private_key_jwt"));
    document["jwks_uri"] = json!(KEYS);
    web.put(ID, Page::json(&document));
    Stage::new().calling(Arc::new(web.clone())).of_client(ID)
}

#[test]
fn keys_at_an_address_are_read_once_and_again_for_a_new_one_at_most_once_a_minute() {
    let web = Web::default();
    let stage = with_keys(&web);
    let (one, other) = (Signer::new("one"), Signer::new("other"));
    web.put(KEYS, Signer::page(&[&one]));
    for once in ["1", "2", "3"] {
        one.proves(&stage, ID, once).unwrap();
    }
    assert_eq!(web.calls(), 2, "document and keys, once each");
    let (_, limits) = web.last_call();
    assert_eq!((limits.origin, limits.body), (UrlOrigin::Stranger, 64 * 1024));
    web.put(KEYS, Signer::page(&[&one, &other]));
    for once in ["4", "5"] {
        assert_refused(other.proves(&stage, ID, once), &ErrorCode::InvalidClient);
    }
    assert_eq!(web.calls(), 2, "read a moment ago");
    stage.pass(60);
    other.proves(&stage, ID, "6").unwrap();
    assert_eq!(web.calls(), 3);
    web.put(KEYS, Signer::page(&[&other]));
    stage.pass(600);
    assert_refused(one.proves(&stage, ID, "7"), &ErrorCode::InvalidClient);
    assert_eq!(web.calls(), 4, "taken away");
}

#[test]
fn keys_that_cannot_be_used_prove_nothing() {
    let signer = Signer::new("one");
    let private = json!({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]});
    for page in [
        Page::json(&private),
        Page::answer(200, "text/html", "<html>"),
        Page::answer(302, "application/json", "").with("location", "http://127.0.0.1/"),
        Page::answer(200, "application/json", vec![b' '; 65 * 1024]),
        Page::Failure(SendCause::Forbidden),
        Page::Failure(SendCause::Timeout),
    ] {
        let web = Web::default();
        let stage = with_keys(&web);
        web.put(KEYS, page.clone());
        assert_refused(signer.proves(&stage, ID, "1"), &ErrorCode::InvalidClient);
        web.put(KEYS, Signer::page(&[&signer]));
        stage.pass(1);
        signer.proves(&stage, ID, "2").unwrap_or_else(|refusal| panic!("remembered: {page:?} {refusal:?}"));
    }
}

#[test]
fn keys_serve_on_for_an_hour_while_their_server_is_away() {
    let web = Web::default();
    let stage = with_keys(&web);
    let signer = Signer::new("one");
    web.put(KEYS, Signer::page(&[&signer]));
    signer.proves(&stage, ID, "1").unwrap();
    web.put(KEYS, Page::Failure(SendCause::Connect));
    stage.pass(60 * 69);
    signer.proves(&stage, ID, "2").unwrap();
    stage.pass(60);
    assert_refused(signer.proves(&stage, ID, "3"), &ErrorCode::InvalidClient);
}

#[test]
fn keys_that_an_administrator_named_may_be_anywhere() {
    let web = Web::default();
    let stage = Stage::new().calling(Arc::new(web.clone()));
    let client = add_client(
        &stage.server,
        &json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": KEYS }),
    );
    let signer = Signer::new("one");
    web.put(KEYS, Signer::page(&[&signer]));
    signer.proves(&stage, &client.id, "1").unwrap();
    let (_, limits) = web.last_call();
    assert_eq!((limits.origin, limits.proxy), (UrlOrigin::Configured, None));
}

#[test]
fn documents_and_records_of_two_servers_agree_on_the_later_copy() {
    let (stage, web) = stage();
    stage.log_in();
    // Another process on the same store: it reads later, and finds a change.
    let other = stage.clone().calling(Arc::new(web.clone()));
    web.put(ID, Page::json(&with("client_name", json!("Later"))).with("cache-control", "max-age=86400"));
    stage.pass(3_600);
    block_on(other.server.client_of(ID)).unwrap();
    let later = record(&stage).unwrap();
    assert_eq!(later.document.metadata.client_name.as_deref(), Some("Later"));
    let calls = web.calls();
    let found = block_on(stage.server.client_of(ID)).unwrap();
    assert_eq!(found.document.metadata.client_name.as_deref(), Some("Later"));
    assert_eq!(web.calls(), calls, "the record is fresh");
    assert_eq!(record(&stage).unwrap().version, later.version);
}
