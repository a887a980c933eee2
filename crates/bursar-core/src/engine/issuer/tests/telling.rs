//! Clients that do not answer keep nobody else from hearing that sessions have ended.

use std::pin::pin;

use futures::FutureExt as _;
use futures::executor::block_on;
use serde_json::json;

use super::logout_notices::{LISTENER, Scene};
use super::stage::{Stage, add_client};
use super::web::Page;
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::rules::Teller;

/// Nobody tells but who is called to.
fn quiet() -> Scene {
    Scene::on(Stage::new().ruled(|rules| rules.tells_of_logouts = Teller::TheServer), &json!({}))
}

/// The same scene with another client, which listens there.
fn listening(scene: &Scene, address: &str, page: Page) -> Scene {
    scene.web.put(address, page);
    let client = add_client(&scene.stage.server, &json!({ "backchannel_logout_uri": address }));
    Scene { stage: scene.stage.clone().with_client(client), web: scene.web.clone() }
}

/// The same scene in another browser.
fn elsewhere(scene: &Scene) -> Scene {
    let (server, user) = (&scene.stage.server, &scene.stage.user);
    let cookie = block_on(server.begin_session(user, &["pwd"], &Source::default())).unwrap();
    Scene { stage: Stage { cookie, ..scene.stage.clone() }, web: scene.web.clone() }
}

/// Tells as far as it goes while some do not answer, and who was called how often.
#[track_caller]
fn called(scene: &Scene, address: &str) -> usize {
    let mut telling = pin!(scene.stage.server.tell_of_logouts());
    for _ in 0..1000 {
        assert!(telling.as_mut().now_or_never().is_none(), "somebody does not answer");
    }
    scene.web.addresses().iter().filter(|called| *called == address).count()
}

#[test]
fn many_clients_that_do_not_answer_hold_up_nobody() {
    let scene = quiet();
    for number in 0..20 {
        listening(&scene, &format!("https://slow{number}.test/backchannel"), Page::Silence).sign_in();
    }
    scene.sign_in();
    scene.sign_out();
    assert_eq!(called(&scene, LISTENER), 1);
}

#[test]
fn a_client_with_much_to_hear_that_does_not_answer_holds_up_nobody() {
    let scene = quiet();
    let slow = "https://slow.test/backchannel";
    let silent = listening(&scene, slow, Page::Silence);
    for _ in 0..300 {
        let browser = elsewhere(&silent);
        browser.sign_in();
        browser.sign_out();
    }
    scene.stage.pass(1);
    scene.sign_in();
    scene.sign_out();
    assert_eq!(called(&scene, LISTENER), 1);
    assert_eq!(scene.web.addresses().iter().filter(|called| *called == slow).count(), 4);
}

#[test]
fn a_client_with_much_to_hear_that_answers_hears_all_of_it_at_once() {
    let scene = quiet();
    for _ in 0..300 {
        let browser = elsewhere(&scene);
        browser.sign_in();
        browser.sign_out();
    }
    scene.tell();
    assert_eq!(scene.told().len(), 300);
}
