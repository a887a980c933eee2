//! Clients are told that sessions have ended (OIDC Back-Channel Logout 1.0).

use std::sync::{Arc, Barrier};

use futures::executor::block_on;
use serde_json::{Value, json};

use super::stage::{Stage, add_client, parameter};
use super::web::{Page, Web};
use crate::engine::issuer::authorize::{Authorization, ConsentDecision};
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::logout::LogoutStep;
use crate::engine::sandboxes::SandboxName;
use crate::oauth::form::Parameters;
use crate::oauth::jose::{CompactToken, KeySet};
use crate::ports::store::EventQuery;
use crate::ports::upstream::{SendCause, UrlOrigin};
use crate::secret::Secret;

pub(super) const LISTENER: &str = "https://app.test/backchannel";

/// A stage whose client wants to be told, and its listener.
pub(super) struct Scene {
    pub(super) stage: Stage,
    pub(super) web: Web,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::with(&json!({}))
    }

    pub(super) fn with(others: &Value) -> Self {
        Self::on(Stage::new(), others)
    }

    pub(super) fn on(stage: Stage, others: &Value) -> Self {
        let web = Web::default();
        web.put(LISTENER, Page::answer(200, "text/plain", ""));
        let stage = stage.calling(Arc::new(web.clone()));
        let mut metadata = json!({ "backchannel_logout_uri": LISTENER });
        for (name, value) in others.as_object().unwrap() {
            metadata[name] = value.clone();
        }
        let client = add_client(&stage.server, &metadata);
        Self { stage: stage.with_client(client), web }
    }

    /// A code for the client that is to sign the user in.
    pub(super) fn code(&self) -> Secret {
        self.code_for("openid")
    }

    fn code_for(&self, scope: &str) -> Secret {
        let mut parameters =
            Parameters::parse_form(self.stage.query(&[("scope", scope)]).as_bytes()).unwrap();
        if scope == "openid" {
            parameters.remove("resource");
        }
        let (signed_in, source) = (self.stage.signed_in(), Source::default());
        let query = parameters.to_query();
        let asked = self.stage.server.authorize(&query, Some(&signed_in), &source);
        let answer = match block_on(asked).unwrap() {
            Authorization::Consent(prompt) => self.stage.decide(&prompt, ConsentDecision::Allow),
            other => other,
        };
        parameter(&answer, "code").unwrap()
    }

    /// Signs the user in at the client, and gives the client's ID token.
    pub(super) fn sign_in(&self) -> Secret {
        self.stage.redeem(&self.code()).unwrap().id_token.unwrap()
    }

    /// Ends the session as its browser does.
    pub(super) fn sign_out(&self) {
        assert!(block_on(self.stage.server.end_session(&self.stage.cookie)).unwrap());
        self.stage.world.settle();
    }

    /// What is due is told.
    pub(super) fn tell(&self) {
        block_on(self.stage.server.tell_of_logouts()).unwrap();
    }

    /// The tokens that the listener was sent.
    pub(super) fn told(&self) -> Vec<String> {
        let bodies = self.web.bodies().into_iter().map(|body| String::from_utf8(body).unwrap());
        bodies.map(|body| body.strip_prefix("logout_token=").unwrap().to_owned()).collect()
    }

    /// Type and claims of a token that we have signed.
    pub(super) fn read(&self, token: &str) -> (Option<String>, Value) {
        let keys = block_on(self.stage.server.published_keys()).unwrap();
        let keys = KeySet::from_object(keys.as_object().unwrap()).unwrap();
        let token = CompactToken::parse(token).unwrap();
        let key = keys.find(token.header().key_id.as_deref(), token.header().algorithm).unwrap();
        let claims = token.verify(key).unwrap().as_map().clone();
        (token.header().typ.clone(), Value::Object(claims))
    }

    /// What happened to notices: the event's name, its cause and the attempt.
    fn history(&self) -> Vec<(String, Option<String>, u64)> {
        let engine = &self.stage.world.engine;
        let subject = Some(self.stage.client.id.clone());
        let query = EventQuery { after: 0, subject, limit: 1000 };
        let events = block_on(engine.ports().store.events(engine.space(), query)).unwrap().value;
        let events = events.into_iter().map(|stored| stored.event);
        events
            .filter(|event| event.name.starts_with("logout."))
            .map(|event| {
                let cause = event.detail.get("cause").and_then(Value::as_str).map(str::to_owned);
                (event.name, cause, event.detail["attempt"].as_u64().unwrap())
            })
            .collect()
    }
}

#[test]
fn a_client_is_told_who_was_signed_out_of_which_session() {
    for algorithm in [None, Some("EdDSA")] {
        let scene = Scene::with(&match algorithm {
            None => json!({ "backchannel_logout_session_required": true }),
            Some(name) => json!({ "id_token_signed_response_alg": name }),
        });
        let (_, id_token) = scene.read(scene.sign_in().expose());
        assert!(scene.told().is_empty());
        scene.sign_out();
        let told = scene.told();
        let [token] = told.as_slice() else { panic!("{told:?}") };
        let (typ, claims) = scene.read(token);
        assert_eq!(typ.as_deref(), Some("logout+jwt"));
        for claim in ["iss", "sub", "aud", "sid"] {
            assert!(claims[claim].is_string(), "{claim}");
            assert_eq!(claims[claim], id_token[claim], "{claim}");
        }
        assert_eq!(claims["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
        let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert!((1..=120).contains(&lifetime), "{lifetime}");
        assert!(claims["jti"].as_str().is_some_and(|name| !name.is_empty()));
        assert_eq!(claims.get("nonce"), None);
        let header = CompactToken::parse(token).unwrap().header().algorithm.name();
        assert_eq!(header, algorithm.unwrap_or("RS256"));
        assert_eq!(scene.history(), [("logout.told".to_owned(), None, 1)]);
        scene.stage.pass(3600);
        scene.tell();
        assert_eq!(scene.told().len(), 1, "once is enough");
    }
}

#[test]
fn whatever_ends_a_session_is_told() {
    type End = fn(&Stage);
    let ends: [(&str, End); 7] = [
        ("the application signs out", |stage| {
            let mut asked = Parameters::new();
            asked.set("client_id", &stage.client.id);
            let (server, source) = (&stage.server, Source::default());
            let step = block_on(server.begin_logout(&asked, Some(&stage.cookie), &source)).unwrap();
            let LogoutStep::Confirm(prompt) = step else { panic!("{step:?}") };
            let ticket = Secret::new(prompt.ticket);
            block_on(server.confirm_logout(&ticket, Some(&stage.cookie), &source)).unwrap();
        }),
        ("ended from elsewhere", |stage| {
            let session = stage.signed_in().session;
            assert!(block_on(stage.server.end_session_by_id(&stage.user.id, &session)).unwrap());
        }),
        ("signed out everywhere", |stage| {
            assert_eq!(block_on(stage.server.end_all_sessions(&stage.user.id, None)).unwrap(), 1);
        }),
        ("disabled", |stage| {
            assert!(block_on(stage.server.set_user_disabled(&stage.user.id, true)).unwrap());
        }),
        ("removed", |stage| {
            assert!(block_on(stage.server.remove_user(&stage.user.id)).unwrap());
        }),
        ("given another password", |stage| {
            let password = Some(Secret::new("another horse"));
            assert!(block_on(stage.server.set_password(&stage.user.id, password)).unwrap());
        }),
        ("took another password", |stage| {
            let (old, new) = (Secret::new("correct horse"), Secret::new("another horse"));
            let (signed_in, source) = (stage.signed_in(), Source::default());
            block_on(stage.server.change_password(&signed_in, old, new, &source)).unwrap();
        }),
    ];
    for (what, end) in ends {
        let scene = Scene::new();
        let (_, id_token) = scene.read(scene.sign_in().expose());
        scene.stage.pass(1);
        end(&scene.stage);
        scene.stage.world.settle();
        let told = scene.told();
        assert_eq!(told.len(), 1, "{what}");
        assert_eq!(scene.read(&told[0]).1["sid"], id_token["sid"], "{what}");
    }
}

#[test]
fn a_client_that_does_not_answer_is_told_again_a_few_times_and_then_given_up() {
    let scene = Scene::new();
    scene.web.put(LISTENER, Page::answer(503, "text/plain", ""));
    scene.sign_in();
    scene.sign_out();
    let failed =
        |attempt| ("logout.untold".to_owned(), Some("the answer had status 503".to_owned()), attempt);
    assert_eq!(scene.history(), [failed(1)]);
    scene.tell();
    assert_eq!(scene.told().len(), 1, "not before its time");
    for (attempt, pause) in [(2, 15), (3, 60), (4, 300), (5, 1800)] {
        scene.stage.pass(pause);
        scene.tell();
        assert_eq!(scene.told().len(), attempt);
    }
    let last = scene.history().pop().unwrap();
    assert_eq!(last, ("logout.given_up".to_owned(), Some("the answer had status 503".to_owned()), 5));
    scene.stage.pass(24 * 3600);
    scene.tell();
    assert_eq!(scene.told().len(), 5);
    let names: std::collections::BTreeSet<String> =
        scene.told().iter().map(|token| scene.read(token).1["jti"].to_string()).collect();
    assert_eq!(names.len(), 5, "each attempt has a name of its own");
}

#[test]
fn a_client_that_comes_back_is_told() {
    let scene = Scene::new();
    scene.web.put(LISTENER, Page::Failure(SendCause::Connect));
    scene.sign_in();
    scene.sign_out();
    scene.web.put(LISTENER, Page::answer(204, "text/plain", ""));
    scene.stage.pass(15);
    scene.tell();
    let history = scene.history();
    let names: Vec<&str> = history.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["logout.untold", "logout.told"]);
    assert!(history[0].1.as_ref().unwrap().contains("connection failed"), "{history:?}");
}

#[test]
fn a_client_that_does_not_want_to_hear_it_is_not_asked_again() {
    for status in [400, 302, 404] {
        let scene = Scene::new();
        scene.web.put(LISTENER, Page::answer(status, "application/json", "{}"));
        scene.sign_in();
        scene.sign_out();
        scene.stage.pass(3600);
        scene.tell();
        let cause = Some(format!("the answer had status {status}"));
        assert_eq!(scene.history(), [("logout.given_up".to_owned(), cause, 1)]);
    }
}

#[test]
fn who_was_not_told_before_a_crash_is_told_after_it() {
    let scene = Scene::new();
    scene.sign_in();
    // The end is committed, and whoever should tell dies in the attempt.
    scene.web.put(LISTENER, Page::Failure(SendCause::Cut));
    scene.sign_out();
    let web = Web::default();
    web.put(LISTENER, Page::answer(200, "text/plain", ""));
    let other = Scene { stage: scene.stage.clone().calling(Arc::new(web.clone())), web };
    other.tell();
    assert!(other.told().is_empty(), "somebody may still be at it");
    other.stage.pass(15);
    other.tell();
    assert_eq!(other.told().len(), 1);
}

#[test]
fn nobody_is_told_who_does_not_want_to_or_was_not_there() {
    let silent = Scene::with(&json!({ "backchannel_logout_uri": null }));
    silent.sign_in();
    silent.sign_out();
    let no_sign_in = Scene::new();
    no_sign_in.stage.redeem(&no_sign_in.code_for("read")).unwrap();
    no_sign_in.sign_out();
    let elsewhere = Scene::new();
    elsewhere.sign_in();
    let another =
        block_on(elsewhere.stage.server.begin_session(&elsewhere.stage.user, &["pwd"], &Source::default()));
    assert!(block_on(elsewhere.stage.server.end_session(&another.unwrap())).unwrap());
    elsewhere.stage.world.settle();
    for scene in [silent, no_sign_in, elsewhere] {
        scene.tell();
        assert!(scene.told().is_empty());
    }
}

#[test]
fn a_client_that_was_removed_or_changed_its_mind_is_not_called() {
    let removed = Scene::new();
    removed.sign_in();
    assert!(block_on(removed.stage.server.remove_client(&removed.stage.client.id)).unwrap());
    removed.sign_out();
    assert!(removed.told().is_empty());
    assert_eq!(removed.history()[0].1.as_deref(), Some("the client is not known any more"));
    let changed = Scene::new();
    changed.sign_in();
    let id = &changed.stage.client.id;
    block_on(changed.stage.server.update_client(id, &|client| client.metadata.backchannel_logout_uri = None))
        .unwrap();
    changed.sign_out();
    assert!(changed.told().is_empty());
    assert_eq!(changed.history()[0].0, "logout.given_up");
}

#[test]
fn a_session_that_ended_before_its_code_was_fetched_is_told_of_at_once() {
    let scene = Scene::new();
    let code = scene.code();
    let session = scene.stage.signed_in().session;
    scene.sign_out();
    assert!(scene.told().is_empty());
    scene.stage.redeem(&code).unwrap();
    scene.tell();
    assert!(scene.told().is_empty(), "it has just got its tokens");
    scene.stage.pass(5);
    scene.tell();
    let told = scene.told();
    assert_eq!(told.len(), 1);
    assert_eq!(scene.read(&told[0]).1["sid"], json!(session));
}

#[test]
fn whoever_joins_while_the_session_ends_is_told() {
    for _ in 0..20 {
        let scene = Scene::new();
        let (code, both) = (scene.code(), Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                both.wait();
                scene.stage.redeem(&code).unwrap();
            });
            both.wait();
            assert!(block_on(scene.stage.server.end_session(&scene.stage.cookie)).unwrap());
        });
        scene.stage.world.settle();
        scene.stage.pass(5);
        scene.tell();
        assert_eq!(scene.told().len(), 1);
    }
}

#[test]
fn all_clients_of_a_session_are_told_and_two_sign_ins_of_one_are_one() {
    let scene = Scene::new();
    scene.sign_in();
    scene.sign_in();
    for number in 0..20 {
        let address = format!("https://app{number}.test/backchannel");
        scene.web.put(&address, Page::answer(200, "text/plain", ""));
        let client = add_client(&scene.stage.server, &json!({ "backchannel_logout_uri": address }));
        let other = Scene { stage: scene.stage.clone().with_client(client), web: scene.web.clone() };
        other.sign_in();
    }
    scene.sign_out();
    let audiences: std::collections::BTreeSet<String> =
        scene.told().iter().map(|token| scene.read(token).1["aud"].to_string()).collect();
    assert_eq!((scene.told().len(), audiences.len()), (21, 21));
}

#[test]
fn who_administers_a_sandbox_is_a_stranger_to_the_network_around_it() {
    let tenant = Some(SandboxName::parse("tenant").unwrap());
    let scene = Scene::on(Stage::new().ruled(|rules| rules.sandbox = tenant), &json!({}));
    scene.sign_in();
    scene.sign_out();
    assert_eq!(scene.web.last_call().1.origin, UrlOrigin::Stranger);
}

#[test]
fn a_client_is_told_once_of_a_session_however_many_codes_of_it_are_left() {
    let scene = Scene::new();
    let codes: Vec<Secret> = (0..3).map(|_| scene.code()).collect();
    scene.sign_out();
    for code in codes {
        scene.stage.redeem(&code).unwrap();
    }
    scene.stage.pass(5);
    scene.tell();
    assert_eq!(scene.told().len(), 1);
}

#[test]
fn addresses_of_strangers_are_called_under_guard_and_never_in_the_clear() {
    // The operator knows what is near.
    let scene = Scene::new();
    scene.sign_in();
    scene.sign_out();
    assert_eq!(scene.web.last_call().1.origin, UrlOrigin::Configured);
    for (address, reached) in [(LISTENER, true), ("http://127.0.0.1:9/admin", false)] {
        let scene = Scene::new();
        let said = json!({
            "redirect_uris": [super::stage::CALLBACK], "client_name": "Stranger",
            "token_endpoint_auth_method": "none", "backchannel_logout_uri": address,
        });
        let source = Source::default();
        let registered = block_on(scene.stage.server.register(said.to_string().as_bytes(), &source)).unwrap();
        let answer: Value = serde_json::from_slice(registered.to_body().expose()).unwrap();
        assert_eq!(answer["backchannel_logout_uri"], json!(address));
        let scene = Scene { stage: scene.stage.of_client(&registered.client_id), web: scene.web };
        scene.sign_in();
        scene.sign_out();
        assert_eq!(scene.web.calls() == 1, reached, "{address}");
        if reached {
            assert_eq!(scene.web.last_call().1.origin, UrlOrigin::Stranger);
        } else {
            let cause = Some("the address does not start with https://".to_owned());
            assert_eq!(scene.history(), [("logout.given_up".to_owned(), cause, 1)]);
        }
    }
    // What the guard refuses is not asked again.
    let scene = Scene::new();
    scene.web.put(LISTENER, Page::Failure(SendCause::Forbidden));
    scene.sign_in();
    scene.sign_out();
    let history = scene.history();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].0, "logout.given_up");
    assert!(history[0].1.as_ref().unwrap().contains("the address is not allowed"), "{history:?}");
}
