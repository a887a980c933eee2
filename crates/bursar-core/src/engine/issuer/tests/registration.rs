//! Clients that register themselves, look after themselves, and are forgotten.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Barrier};

use futures::executor::block_on;
use serde_json::{Value, json};

use super::stage::{Stage, assert_refused, parameter};
use crate::engine::issuer::administration::admission::Access;
use crate::engine::issuer::authorize::{Authorization, ConsentDecision};
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::records::client::CLIENT;
use crate::engine::issuer::records::client_use::ClientUse;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::engine::issuer::registration::{REGISTERED_PREFIX, Registration};
use crate::oauth::error::ErrorCode;
use crate::oauth::scope::Scope;
use crate::oauth::server::access_token::AccessToken;
use crate::ports::document;
use crate::ports::store::{EventQuery, Page};
use crate::secret::Secret;

pub(super) fn said(others: &Value) -> Value {
    let mut object = json!({
        "redirect_uris": ["http://127.0.0.1:33418/callback"], "client_name": "Editor",
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"], "unheard_of": {"a": null},
    });
    for (name, value) in others.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

pub(super) fn confidential() -> Value {
    said(&json!({ "token_endpoint_auth_method": "client_secret_post" }))
}

/// More than an id can say.
fn long() -> Value {
    let mut uris: Vec<String> =
        (0..19).map(|number| format!("https://app.test/{number}/{}", "x".repeat(60))).collect();
    uris.push("http://127.0.0.1/callback".to_owned());
    said(&json!({ "redirect_uris": uris }))
}

fn from(address: [u8; 4]) -> Source {
    Source { address: Some(IpAddr::V4(Ipv4Addr::from(address))), ..Source::default() }
}

fn try_register(stage: &Stage, said: &Value, source: &Source) -> Result<Registration, IssueError> {
    block_on(stage.server.register(said.to_string().as_bytes(), source))
}

pub(super) fn register(stage: &Stage, said: &Value) -> Registration {
    try_register(stage, said, &from([203, 0, 113, 1])).unwrap()
}

fn refused(outcome: Result<Registration, IssueError>) -> Refusal {
    match outcome {
        Err(IssueError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// How many records of clients there are, besides the one that belongs to the stage.
fn records(stage: &Stage) -> usize {
    let page = Page::first(10_000);
    block_on(stage.server.store().list(stage.server.space(), &CLIENT, page)).unwrap().value.len() - 1
}

fn events(stage: &Stage) -> usize {
    let query = EventQuery { after: 0, subject: None, limit: 100_000 };
    block_on(stage.server.store().events(stage.server.space(), query)).unwrap().value.len()
}

fn answer_of(registration: &Registration) -> Value {
    serde_json::from_slice(registration.to_body().expose()).unwrap()
}

/// Whether the server knows a client of this id.
fn is_known(stage: &Stage, id: &str) -> bool {
    match block_on(stage.server.client_of(id)) {
        Ok(_) => true,
        Err(IssueError::Refused(refusal)) if refusal.code == ErrorCode::InvalidClient => false,
        Err(error) => panic!("{error:?}"),
    }
}

/// Whether a secret proves that it is the client: the code it comes with is none.
pub(super) fn proves(stage: &Stage, id: &str, secret: &Secret) -> bool {
    let outcome = stage.token(&[
        ("grant_type", "authorization_code"),
        ("client_id", id),
        ("client_secret", secret.expose()),
        ("code", "bac_none"),
        ("code_verifier", &"v".repeat(43)),
    ]);
    outcome.unwrap_err().code == ErrorCode::InvalidGrant
}

#[test]
fn whoever_registers_is_stored_when_somebody_agrees_and_not_before() {
    let stage = Stage::new();
    let registration = register(&stage, &said(&json!({})));
    let answer = answer_of(&registration);
    assert_eq!(answer["client_id"], json!(registration.client_id));
    assert_eq!(answer["redirect_uris"], json!(["http://127.0.0.1:33418/callback"]), "as it was said");
    assert_eq!(answer["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(answer["response_types"], json!(["code"]));
    assert_eq!(answer["client_id_issued_at"], json!(stage.world.now().as_second()));
    assert!(answer.as_object().unwrap().values().all(|value| !value.is_null() && *value != json!("")));
    for absent in ["client_secret", "client_secret_expires_at", "registration_access_token"] {
        assert_eq!(answer.get(absent), None);
    }
    let client = stage.of_client(&registration.client_id);
    let Authorization::Consent(prompt) = client.authorize(&[]) else { panic!("no consent page") };
    assert_eq!(records(&stage), 0);
    let answer = client.decide(&prompt, ConsentDecision::Allow);
    assert_eq!(records(&stage), 1);
    let tokens = client.redeem(&parameter(&answer, "code").unwrap()).unwrap();
    assert!(client.refresh(&tokens.refresh_token.unwrap()).is_ok());
}

#[test]
fn ten_thousand_registrations_leave_no_record_and_do_not_keep_others_out() {
    let stage = Stage::new();
    let (crowd, neighbour) = (from([203, 0, 113, 7]), from([203, 0, 113, 200]));
    let established = said(&json!({ "client_name": "Established" }));
    stage.of_client(&register(&stage, &established).client_id).log_in();
    let seen = said(&json!({ "client_name": "Seen before" }));
    try_register(&stage, &seen, &neighbour).unwrap();
    let (before, events_before) = (records(&stage), events(&stage));
    let mut limited = 0;
    for number in 0..10_000 {
        let flood = said(&json!({ "client_name": format!("Flood {number}") }));
        match try_register(&stage, &flood, &crowd) {
            Ok(_) => {}
            Err(IssueError::TooMany { retry_after }) => {
                assert!(retry_after.as_secs() <= 3_600 && retry_after.as_secs() >= 1);
                limited += 1;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(limited > 9_000);
    assert_eq!((records(&stage), events(&stage)), (before, events_before));
    for known in [&seen, &established] {
        try_register(&stage, known, &neighbour).unwrap();
    }
    let fresh = said(&json!({ "client_name": "New" }));
    try_register(&stage, &fresh, &from([198, 51, 100, 1])).unwrap();
    assert!(matches!(try_register(&stage, &fresh, &neighbour), Err(IssueError::TooMany { .. })));
    assert!(
        matches!(try_register(&stage, &fresh, &neighbour), Err(IssueError::TooMany { .. })),
        "asking twice does not help"
    );
    stage.pass(3_600);
    try_register(&stage, &fresh, &neighbour).unwrap();
}

#[test]
fn registrations_of_one_software_are_one_client_whatever_their_number() {
    let stage = Stage::new();
    let first = register(&stage, &said(&json!({})));
    for number in 0..1_000 {
        let port = 1_024 + number;
        let same = said(&json!({ "redirect_uris": [format!("http://127.0.0.1:{port}/callback")] }));
        assert_eq!(register(&stage, &same).client_id, first.client_id);
    }
    assert_eq!(records(&stage), 0);
    stage.of_client(&first.client_id).log_in();
    let again = stage.of_client(&register(&stage, &said(&json!({}))).client_id);
    assert!(parameter(&again.authorize(&[]), "code").is_some(), "its users have agreed already");
}

#[test]
fn clients_with_a_secret_each_have_their_own_and_nothing_of_it_is_stored() {
    let stage = Stage::new();
    let (one, other) = (register(&stage, &confidential()), register(&stage, &confidential()));
    assert_ne!(one.client_id, other.client_id);
    let (secret, others) = (one.secret.clone().unwrap(), other.secret.unwrap());
    assert_eq!(answer_of(&one)["client_secret"], json!(secret.expose()));
    assert_eq!(answer_of(&one)["client_secret_expires_at"], json!(0));
    assert_eq!(records(&stage), 0);
    assert!(proves(&stage, &one.client_id, &secret));
    assert!(!proves(&stage, &one.client_id, &others));
    assert!(!proves(&stage, &one.client_id, &Secret::new("bcs_")));
    let client = stage.of_client(&one.client_id);
    client.code();
    assert_eq!(records(&stage), 1);
    assert!(proves(&stage, &one.client_id, &secret), "and after somebody has agreed");
    let stored = block_on(stage.server.client(&one.client_id)).unwrap().unwrap();
    assert!(!serde_json::to_string(&stored.document).unwrap().contains(&secret.expose()[4..]));
}

#[test]
fn strangers_get_only_what_asks_a_user() {
    let stage = Stage::new();
    let trimmed = register(
        &stage,
        &said(&json!({
            "grant_types": ["authorization_code", "client_credentials", "implicit", "password",
                "urn:ietf:params:oauth:grant-type:jwt-bearer"],
            "token_endpoint_auth_method": "client_secret_basic",
            "scope": "read bursar:admin",
        })),
    );
    let answer = answer_of(&trimmed);
    assert_eq!(answer["grant_types"], json!(["authorization_code"]));
    assert_eq!(answer["scope"], "read");
    let secret = trimmed.secret.unwrap();
    let outcome = stage.token(&[
        ("grant_type", "client_credentials"),
        ("client_id", &trimmed.client_id),
        ("client_secret", secret.expose()),
    ]);
    assert_refused(outcome, &ErrorCode::UnauthorizedClient);
    for (others, code) in [
        (json!({ "grant_types": ["client_credentials"] }), ErrorCode::InvalidClientMetadata),
        (
            json!({ "grant_types": ["implicit"], "response_types": ["token"] }),
            ErrorCode::InvalidClientMetadata,
        ),
        (json!({ "redirect_uris": [] }), ErrorCode::InvalidRedirectUri),
        (json!({ "redirect_uris": ["http://app.test/callback"] }), ErrorCode::InvalidRedirectUri),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), ErrorCode::InvalidRedirectUri),
        (json!({ "redirect_uris": ["https://app.test/callback#"] }), ErrorCode::InvalidRedirectUri),
        (json!({ "logo_uri": "javascript:alert(1)" }), ErrorCode::InvalidClientMetadata),
        (json!({ "client_uri": "data:text/html,x" }), ErrorCode::InvalidClientMetadata),
        (json!({ "tos_uri": "file:///etc/passwd" }), ErrorCode::InvalidClientMetadata),
        (json!({ "token_endpoint_auth_method": "client_secret_jwt" }), ErrorCode::InvalidClientMetadata),
        (json!({ "jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]} }), ErrorCode::InvalidClientMetadata),
    ] {
        let refusal = refused(try_register(&stage, &said(&others), &Source::default()));
        assert_eq!(refusal.code, code, "{others}: {refusal:?}");
    }
    for body in [b"".as_slice(), b"[]", b"{", b"\xff", &vec![b' '; 65 * 1024], b"{\"a\":1,\"a\":2}"] {
        let refusal = refused(block_on(stage.server.register(body, &Source::default())));
        assert_eq!(refusal.code, ErrorCode::InvalidClientMetadata);
    }
}

#[test]
fn an_administrator_administers_through_no_client_that_brought_itself() {
    let stage = Stage::new();
    let scope = "bursar:admin";
    block_on(stage.server.update_user(&stage.user.id, &|user| user.scopes = vec![scope.to_owned()])).unwrap();
    let registered = stage.of_client(&register(&stage, &said(&json!({}))).client_id);
    for (stage, may) in [(&stage, true), (&registered, false)] {
        // As an earlier build has issued it.
        let (token, _) = stage.said(&stage.log_in());
        let token = AccessToken { scope: Scope::parse(scope).unwrap(), ..token };
        let outcome = block_on(stage.server.administrator_by(&token, Access::Change));
        assert_eq!(outcome.is_ok(), may, "{outcome:?}");
    }
}

#[test]
fn nobody_is_held_to_the_scope_they_registered_with() {
    let stage = Stage::new();
    // As SDKs do: they register with what the first challenge wants, and come back for more.
    let registered = register(&stage, &said(&json!({ "scope": "read" })));
    let tokens = stage.of_client(&registered.client_id).log_in();
    assert_eq!(tokens.scope.to_string(), "read write");
}

#[test]
fn a_client_reads_changes_and_gives_up_its_registration() {
    let stage = Stage::new();
    let registration = register(&stage, &confidential());
    let (id, source) = (registration.client_id.as_str(), from([203, 0, 113, 1]));
    let (address, token) = registration.management.clone().unwrap();
    let secret = registration.secret.clone().unwrap();
    assert_eq!(address, format!("https://as.test/oauth/register/{id}"));
    let read = block_on(stage.server.registration(id, &token)).unwrap();
    assert_eq!(read.secret, registration.secret);
    assert_eq!(read.management, registration.management);
    assert_eq!(records(&stage), 0, "reading stores nothing");

    let mut change = confidential();
    change["client_id"] = json!(id);
    change["redirect_uris"] = json!(["http://127.0.0.1/other"]);
    let changing = |body: &Value| {
        block_on(stage.server.change_registration(id, &token, body.to_string().as_bytes(), &source))
    };
    for (name, value) in [
        ("client_id", json!("dcr_other")),
        ("client_id", Value::Null),
        ("client_secret", json!("bcs_other")),
        ("registration_access_token", json!(token.expose())),
        ("registration_client_uri", json!(address)),
        ("client_secret_expires_at", json!(0)),
        ("client_id_issued_at", json!(1)),
    ] {
        let mut broken = change.clone();
        broken[name] = value;
        assert_eq!(refused(changing(&broken)).code, ErrorCode::InvalidRequest, "{name}");
    }
    change["client_secret"] = json!(secret.expose());
    let changed = changing(&change).unwrap();
    assert_eq!(answer_of(&changed)["redirect_uris"], json!(["http://127.0.0.1/other"]));
    assert_eq!(changed.secret, registration.secret);
    let client = stage.of_client(id);
    assert!(matches!(client.authorize(&[]), Authorization::Refused(_)), "the old address is gone");
    let there = [("redirect_uri", "http://127.0.0.1:7/other")];
    let Authorization::Consent(prompt) = client.authorize(&there) else { panic!("no consent page") };
    let answer = client.decide(&prompt, ConsentDecision::Allow);
    let code = parameter(&answer, "code").unwrap();
    let tokens = stage
        .token(&[
            ("grant_type", "authorization_code"),
            ("client_id", id),
            ("client_secret", secret.expose()),
            ("code", code.expose()),
            ("redirect_uri", "http://127.0.0.1:7/other"),
            ("code_verifier", stage.verifier.expose()),
        ])
        .unwrap();

    block_on(stage.server.withdraw_registration(id, &token, &source)).unwrap();
    assert!(!stage.is_good(&tokens.access_token));
    assert!(!is_known(&stage, id));
    assert!(block_on(stage.server.registration(id, &token)).is_err());
    assert!(block_on(stage.server.withdraw_registration(id, &token, &source)).is_err());
    stage.pass(3_600 * 24 * 200);
    block_on(stage.server.reap_clients(1_000)).unwrap();
    assert_eq!(records(&stage), 0, "the stone is forgotten");
    assert!(!is_known(&stage, id), "the id does not come back");
}

#[test]
fn a_registration_token_opens_its_own_registration_and_tells_nothing_of_others() {
    let stage = Stage::new();
    let (one, other) = (register(&stage, &confidential()), register(&stage, &confidential()));
    let public = register(&stage, &said(&json!({})));
    let token = |registration: &Registration| registration.management.clone().unwrap().1;
    let refusal = |id: &str, token: &Secret| {
        let reading = refused(block_on(stage.server.registration(id, token)));
        let body = confidential().to_string();
        let source = Source::default();
        let changing =
            refused(block_on(stage.server.change_registration(id, token, body.as_bytes(), &source)));
        let Err(IssueError::Refused(removing)) =
            block_on(stage.server.withdraw_registration(id, token, &source))
        else {
            panic!("removed")
        };
        assert_eq!((&reading, &reading), (&changing, &removing));
        reading
    };
    let expected = refusal("dcr_nobody", &token(&one));
    assert_eq!(expected.code, ErrorCode::InvalidToken);
    for (id, shown) in [
        (one.client_id.as_str(), &token(&other)),
        (one.client_id.as_str(), &one.secret.clone().unwrap()),
        (one.client_id.as_str(), &Secret::new("")),
        (one.client_id.as_str(), &Secret::new("brg_")),
        (public.client_id.as_str(), &token(&one)),
        (stage.client.id.as_str(), &token(&one)),
        ("https://app.test/client.json", &token(&one)),
        ("", &Secret::new("-------------------------------------------")),
    ] {
        assert_eq!(refusal(id, shown), expected, "{id}");
    }
    block_on(stage.server.registration(&one.client_id, &token(&one))).unwrap();
}

#[test]
fn a_removed_client_stays_removed_whatever_it_registers() {
    let stage = Stage::new();
    let registration = register(&stage, &said(&json!({})));
    assert!(block_on(stage.server.remove_client(&registration.client_id)).unwrap(), "without a record");
    assert!(!is_known(&stage, &registration.client_id));
    let refusal = refused(try_register(&stage, &said(&json!({})), &Source::default()));
    assert_eq!(refusal.code, ErrorCode::InvalidClientMetadata);
    let other = stage.of_client(&register(&stage, &said(&json!({ "client_name": "Other" }))).client_id);
    let tokens = other.log_in();
    assert!(block_on(stage.server.remove_client(&other.client.id)).unwrap());
    assert!(!stage.is_good(&tokens.access_token));
    assert_refused(other.refresh(&tokens.refresh_token.unwrap()), &ErrorCode::InvalidClient);
    stage.pass(3_600 * 24 * 400);
    block_on(stage.server.reap_clients(1_000)).unwrap();
    assert!(!is_known(&stage, &registration.client_id), "for good");
    assert!(!block_on(stage.server.remove_client("dcr_nobody")).unwrap());
}

#[test]
fn ids_that_cannot_be_are_not_even_looked_for() {
    let stage = Stage::new();
    for id in ["", "a\0b", "a\nb", "\u{e9}", &"x".repeat(2_001), &format!("dcr_{}", "A".repeat(100_000))] {
        assert!(!is_known(&stage, id), "{id:?}");
        assert!(!block_on(stage.server.remove_client(id)).unwrap());
    }
}

#[test]
fn who_says_more_than_an_id_can_is_stored_for_an_hour() {
    let stage = Stage::new();
    let registration = register(&stage, &long());
    assert!(registration.client_id.len() < 60 && registration.client_id.starts_with(REGISTERED_PREFIX));
    assert_eq!(register(&stage, &long()).client_id, registration.client_id, "identical software is one");
    assert_eq!(records(&stage), 1);
    assert!(is_known(&stage, &registration.client_id));
    stage.pass(3_599);
    register(&stage, &long());
    stage.pass(3_599);
    assert!(is_known(&stage, &registration.client_id), "whoever comes again stays");
    stage.pass(1);
    assert!(!is_known(&stage, &registration.client_id), "although nobody has said so");
    block_on(stage.server.reap_clients(100)).unwrap();
    assert_eq!(records(&stage), 0);

    let agreed = stage.of_client(&register(&stage, &long()).client_id);
    agreed.log_in();
    register(&stage, &long());
    stage.pass(3_600 * 24);
    assert!(is_known(&stage, &agreed.client.id));
    let mut stored = long();
    stored["token_endpoint_auth_method"] = json!("client_secret_basic");
    let with_secret = register(&stage, &stored);
    assert!(proves(&stage, &with_secret.client_id, &with_secret.secret.unwrap()));
    let limited =
        (0..100).filter(|_| try_register(&stage, &stored, &from([203, 0, 113, 1])).is_err()).count();
    assert!(limited >= 80, "what has to be stored is limited by itself: {limited}");
}

#[test]
fn unused_clients_are_forgotten_and_used_ones_stay() {
    let stage = Stage::new();
    let client = |name: &str| {
        let client = stage.of_client(&register(&stage, &said(&json!({ "client_name": name }))).client_id);
        client.log_in();
        client
    };
    let (used, unused) = (client("Used"), client("Unused"));
    assert_eq!(records(&stage), 2);
    for _ in 0..4 {
        stage.pass(3_600 * 24 * 30);
        block_on(stage.server.client_of(&used.client.id)).unwrap();
        while block_on(stage.server.reap_clients(2)).unwrap() > 0 {}
    }
    block_on(stage.server.reap_clients(100)).unwrap();
    assert!(block_on(stage.server.client(&used.client.id)).unwrap().is_some());
    assert!(block_on(stage.server.client(&unused.client.id)).unwrap().is_none());
    assert!(block_on(stage.server.client(&stage.client.id)).unwrap().is_some(), "an administrator's");
    assert!(is_known(&stage, &unused.client.id), "its id still says who it is");
}

#[test]
fn small_rounds_of_reaping_see_every_client() {
    let stage = Stage::new();
    for number in 0..10 {
        let name = format!("App {number}");
        stage.of_client(&register(&stage, &said(&json!({ "client_name": name }))).client_id).code();
    }
    assert_eq!(records(&stage), 10);
    stage.pass(3_600 * 24 * 120);
    for _ in 0..12 {
        block_on(stage.server.reap_clients(1)).unwrap();
    }
    assert_eq!(records(&stage), 0);
}

#[test]
fn nothing_is_written_for_the_second_use_of_a_day() {
    let stage = Stage::new();
    let client = stage.of_client(&register(&stage, &said(&json!({}))).client_id);
    client.log_in();
    let version = || block_on(stage.server.client(&client.client.id)).unwrap().unwrap().version;
    let noted = || {
        let (store, space) = (stage.server.store(), stage.server.space());
        block_on(document::get::<ClientUse>(store, space, &client.client.id)).unwrap().value.unwrap()
    };
    let (first_version, first) = (version(), noted());
    for server in [&stage.server, &stage.clone().ruled(|_| {}).server] {
        block_on(server.client_of(&client.client.id)).unwrap();
        assert_eq!(noted(), first, "neither by this process nor by another");
    }
    stage.pass(3_600 * 24);
    block_on(stage.server.client_of(&client.client.id)).unwrap();
    assert!(noted().document.last_used > first.document.last_used);
    assert_eq!(version(), first_version, "the client itself stays as it is");
}

#[test]
fn an_id_with_a_secret_that_nobody_agreed_to_ends_after_a_month() {
    let stage = Stage::new();
    let (unused, used) = (register(&stage, &confidential()), register(&stage, &confidential()));
    stage.of_client(&used.client_id).code();
    stage.pass(3_600 * 24 * 30 - 1);
    assert!(is_known(&stage, &unused.client_id));
    stage.pass(1);
    assert!(!is_known(&stage, &unused.client_id));
    assert!(proves(&stage, &used.client_id, &used.secret.unwrap()));
}

#[test]
fn a_server_may_take_no_registrations() {
    let stage = Stage::new();
    let before = register(&stage, &said(&json!({})));
    let closed = stage.clone().ruled(|rules| rules.open_registration = false);
    let refusal = refused(try_register(&closed, &said(&json!({})), &Source::default()));
    assert_eq!(refusal.code, ErrorCode::AccessDenied);
    assert!(refusal.description.contains("ask whoever runs it"));
    assert!(!is_known(&closed, &before.client_id), "nor those nobody has agreed to");
}

#[test]
fn users_who_agree_first_at_the_same_time_all_succeed() {
    let stage = Stage::new();
    let client = stage.of_client(&register(&stage, &said(&json!({}))).client_id);
    let people: Vec<Stage> = (0..8).map(|number| client.another(&format!("user{number}"))).collect();
    let together = Arc::new(Barrier::new(people.len()));
    let threads: Vec<_> = people
        .into_iter()
        .map(|person| {
            let together = Arc::clone(&together);
            std::thread::spawn(move || {
                let Authorization::Consent(prompt) = person.authorize(&[]) else { panic!("no consent page") };
                together.wait();
                let answer = person.decide(&prompt, ConsentDecision::Allow);
                person.redeem(&parameter(&answer, "code").expect("a code")).is_ok()
            })
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    assert_eq!(records(&stage), 1);
}
