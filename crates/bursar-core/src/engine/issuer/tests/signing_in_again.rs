//! Signing in where somebody is signed in already.

use futures::executor::block_on;
use jiff::Timestamp;
use serde_json::json;

use super::logout_notices::Scene;
use super::stage::{Stage, person};
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::records::user::User;
use crate::engine::issuer::sign_in::Credentials;
use crate::ports::document::{self, Stored};
use crate::ports::store::{EventQuery, Expected};
use crate::secret::Secret;

/// The browser of the stage, whoever is signed in there.
fn here(stage: &Stage) -> Source {
    Source { session: Some(stage.cookie.clone()), ..Source::default() }
}

fn sign_in_as(stage: &Stage, user: &User, source: &Source) -> Secret {
    block_on(stage.server.begin_session(user, &["pwd"], source)).unwrap()
}

fn is_signed_in(stage: &Stage, cookie: &Secret) -> bool {
    block_on(stage.server.session_of(cookie)).unwrap().is_some()
}

/// Events of sessions: their names, and the cause.
fn history(stage: &Stage) -> Vec<(String, Option<String>)> {
    let engine = &stage.world.engine;
    let query = EventQuery { after: 0, subject: None, limit: 1000 };
    let events = block_on(engine.ports().store.events(engine.space(), query)).unwrap().value;
    let events = events.into_iter().map(|stored| stored.event);
    events
        .filter(|event| event.name.starts_with("session."))
        .map(|event| {
            let cause = event.detail.get("cause").and_then(|cause| cause.as_str()).map(str::to_owned);
            (event.name, cause)
        })
        .collect()
}

#[test]
fn a_session_goes_on_under_the_new_cookie_of_the_same_user() {
    let scene = Scene::new();
    let stage = &scene.stage;
    let (_, id_token) = scene.read(scene.sign_in().expose());
    let before = stage.signed_in();
    stage.pass(60);
    let credentials =
        Credentials { username: "ada", password: Secret::new("correct horse"), known_browser: None };
    let again = block_on(stage.server.sign_in(&credentials, &here(stage))).unwrap();
    assert!(!is_signed_in(stage, &stage.cookie), "the old cookie");
    let now = block_on(stage.server.session_of(&again.cookie)).unwrap().unwrap();
    assert_eq!(now.session, before.session);
    assert!(now.at > before.at);
    assert_eq!(block_on(stage.server.sessions(&stage.user.id)).unwrap().len(), 1);
    stage.world.settle();
    scene.tell();
    assert!(scene.told().is_empty(), "nothing has ended");
    assert_eq!(history(stage), [("session.began".to_owned(), None), ("session.renewed".to_owned(), None)]);
    assert!(block_on(stage.server.end_session(&again.cookie)).unwrap());
    stage.world.settle();
    let told = scene.told();
    assert_eq!(told.len(), 1);
    assert_eq!(scene.read(&told[0]).1["sid"], id_token["sid"]);
}

#[test]
fn a_session_ends_when_somebody_else_signs_in_there() {
    let scene = Scene::new();
    let stage = &scene.stage;
    let (_, id_token) = scene.read(scene.sign_in().expose());
    let before = stage.signed_in();
    let bob = block_on(stage.server.add_user(person("bob"), None)).unwrap();
    let cookie = sign_in_as(stage, &bob, &here(stage));
    assert!(!is_signed_in(stage, &stage.cookie));
    let now = block_on(stage.server.session_of(&cookie)).unwrap().unwrap();
    assert_eq!(now.user.document.id, bob.id);
    assert_ne!(now.session, before.session);
    stage.world.settle();
    let told = scene.told();
    assert_eq!(told.len(), 1);
    let (_, said) = scene.read(&told[0]);
    assert_eq!((&said["sid"], &said["sub"]), (&id_token["sid"], &json!(stage.user.id)));
    let last: Vec<_> = history(stage).into_iter().skip(1).collect();
    let ended = ("session.ended".to_owned(), Some("replaced".to_owned()));
    assert_eq!(last, [ended, ("session.began".to_owned(), None)]);
}

#[test]
fn a_session_of_before_a_change_of_the_user_does_not_go_on() {
    type Change = fn(User, Timestamp) -> User;
    let changes: [(&str, Change); 2] = [
        ("another password", |user, now| User { password_changed_at: Some(now), ..user }),
        ("disabled for a while", |user, _| User { epoch: user.epoch + 1, ..user }),
    ];
    for (what, change) in changes {
        let scene = Scene::new();
        let stage = &scene.stage;
        let (_, id_token) = scene.read(scene.sign_in().expose());
        stage.pass(1);
        // Whoever made the change died before the sessions were ended.
        let Stored { document: user, version } =
            block_on(stage.server.user(&stage.user.id)).unwrap().unwrap();
        let user = change(user, stage.server.now());
        let engine = &stage.world.engine;
        let batch = document::put(engine.batch(), &user, Expected::Version(version)).unwrap();
        block_on(engine.ports().store.commit(batch)).unwrap();
        assert!(!is_signed_in(stage, &stage.cookie), "{what}");
        let cookie = sign_in_as(stage, &user, &here(stage));
        let now = block_on(stage.server.session_of(&cookie)).unwrap().unwrap();
        assert_ne!(json!(now.session), id_token["sid"], "{what}");
        stage.world.settle();
        assert_eq!(scene.told().len(), 1, "{what}");
    }
}

#[test]
fn whoever_joins_while_the_user_signs_in_again_is_told_of_the_end() {
    for _ in 0..20 {
        let scene = Scene::new();
        let (stage, code) = (&scene.stage, scene.code());
        let both = std::sync::Barrier::new(2);
        let cookie = std::thread::scope(|scope| {
            scope.spawn(|| {
                both.wait();
                stage.redeem(&code).unwrap();
            });
            both.wait();
            sign_in_as(stage, &stage.user, &here(stage))
        });
        assert!(block_on(stage.server.end_session(&cookie)).unwrap());
        stage.world.settle();
        stage.pass(5);
        scene.tell();
        assert_eq!(scene.told().len(), 1);
    }
}

#[test]
fn a_cookie_that_opens_nothing_is_in_nobodys_way() {
    let stage = Stage::new();
    let source = Source { session: Some(Secret::new("nothing")), ..Source::default() };
    let cookie = sign_in_as(&stage, &stage.user, &source);
    assert!(is_signed_in(&stage, &cookie) && is_signed_in(&stage, &stage.cookie));
}

#[test]
fn nobody_signs_in_by_what_has_changed_while_it_was_looked_at() {
    let stage = Stage::new();
    stage.pass(1);
    assert!(block_on(stage.server.set_password(&stage.user.id, Some(Secret::new("another horse")))).unwrap());
    let outcome = block_on(stage.server.begin_session(&stage.user, &["pwd"], &Source::default()));
    assert!(outcome.is_err(), "{outcome:?}");
    assert!(block_on(stage.server.sessions(&stage.user.id)).unwrap().is_empty());
}
