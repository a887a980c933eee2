//! Signing out at a client's wish (OIDC RP-Initiated Logout 1.0).

use futures::executor::block_on;
use serde_json::json;

use super::stage::{Stage, add_client, parameter, person};
use crate::engine::issuer::authorize::{Authorization, ConsentDecision};
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::logout::{LogoutPrompt, LogoutStep};
use crate::oauth::form::Parameters;
use crate::ports::store::EventQuery;
use crate::secret::Secret;

const GOODBYE: &str = "https://app.test/goodbye";

/// A stage whose client signs users in and out.
struct Scene {
    stage: Stage,
    cookie: Secret,
    id_token: Secret,
}

impl Scene {
    fn new() -> Self {
        let stage = Stage::new();
        let client = add_client(&stage.server, &json!({ "post_logout_redirect_uris": [GOODBYE] }));
        let stage = stage.with_client(client);
        let source = Source::default();
        let cookie = block_on(stage.server.begin_session(&stage.user, &["pwd"], &source)).unwrap();
        let signed_in = block_on(stage.server.session_of(&cookie)).unwrap().unwrap();
        let mut parameters = Parameters::parse_form(stage.query(&[("scope", "openid")]).as_bytes()).unwrap();
        parameters.remove("resource");
        let query = parameters.to_query();
        let outcome = block_on(stage.server.authorize(&query, Some(&signed_in), &source)).unwrap();
        let Authorization::Consent(prompt) = outcome else { panic!("no consent page") };
        let ticket = Secret::new(prompt.ticket);
        let decided = stage.server.decide_consent(&ticket, ConsentDecision::Allow, &signed_in, &source);
        let code = parameter(&block_on(decided).unwrap(), "code").unwrap();
        let id_token = stage.redeem(&code).unwrap().id_token.unwrap();
        Self { stage, cookie, id_token }
    }

    fn ask(&self, parameters: &[(&str, &str)], cookie: Option<&Secret>) -> LogoutStep {
        let mut form = Parameters::new();
        for (name, value) in parameters {
            form.set(name, value);
        }
        block_on(self.stage.server.begin_logout(&form, cookie, &Source::default())).unwrap()
    }

    fn ask_here(&self, parameters: &[(&str, &str)]) -> LogoutStep {
        self.ask(parameters, Some(&self.cookie))
    }

    fn confirm(&self, prompt: &LogoutPrompt) -> LogoutStep {
        let ticket = Secret::new(prompt.ticket.clone());
        block_on(self.stage.server.confirm_logout(&ticket, Some(&self.cookie), &Source::default())).unwrap()
    }

    fn is_signed_in(&self) -> bool {
        block_on(self.stage.server.session_of(&self.cookie)).unwrap().is_some()
    }

    fn endings(&self) -> Vec<(String, Option<String>)> {
        let engine = &self.stage.world.engine;
        let query = EventQuery { after: 0, subject: None, limit: 1000 };
        let events = block_on(engine.ports().store.events(engine.space(), query)).unwrap().value;
        let ended =
            events.into_iter().map(|stored| stored.event).filter(|event| event.name == "session.ended");
        ended
            .map(|event| {
                let text = |name| event.detail.get(name).and_then(|value| value.as_str()).map(str::to_owned);
                (text("user").unwrap(), text("client"))
            })
            .collect()
    }
}

#[track_caller]
fn prompt(step: LogoutStep) -> LogoutPrompt {
    match step {
        LogoutStep::Confirm(prompt) => *prompt,
        other => panic!("not asked: {other:?}"),
    }
}

#[track_caller]
fn redirect(step: LogoutStep) -> Option<String> {
    match step {
        LogoutStep::Done { redirect } => redirect.map(String::from),
        other => panic!("not done: {other:?}"),
    }
}

#[test]
fn the_users_own_id_token_signs_them_out_however_old_it_is() {
    let scene = Scene::new();
    scene.stage.pass(2 * 3600);
    let step = scene.ask_here(&[
        ("id_token_hint", scene.id_token.expose()),
        ("post_logout_redirect_uri", GOODBYE),
        ("state", "a b&c"),
    ]);
    assert_eq!(redirect(step).as_deref(), Some("https://app.test/goodbye?state=a+b%26c"));
    assert!(!scene.is_signed_in());
    let ended = (scene.stage.user.id.clone(), Some(scene.stage.client.id.clone()));
    assert_eq!(scene.endings(), [ended]);
}

#[test]
fn without_a_hint_the_person_is_asked_and_the_answer_counts_in_their_session_only() {
    let scene = Scene::new();
    let asked = prompt(
        scene.ask_here(&[("client_id", &scene.stage.client.id), ("post_logout_redirect_uri", GOODBYE)]),
    );
    assert!(scene.is_signed_in());
    assert_eq!(asked.client.as_ref().unwrap().id, scene.stage.client.id);
    assert_eq!(asked.redirect.as_ref().unwrap().as_str(), GOODBYE);
    let ticket = Secret::new(asked.ticket.clone());
    let source = Source::default();
    let another = block_on(scene.stage.server.begin_session(&scene.stage.user, &["pwd"], &source)).unwrap();
    let elsewhere = block_on(scene.stage.server.confirm_logout(&ticket, Some(&another), &source)).unwrap();
    assert!(matches!(elsewhere, LogoutStep::Refused(_)), "{elsewhere:?}");
    let other_browser = Source { browser: "another".to_owned(), ..Source::default() };
    let elsewhere =
        block_on(scene.stage.server.confirm_logout(&ticket, Some(&scene.cookie), &other_browser)).unwrap();
    assert!(matches!(elsewhere, LogoutStep::Refused(_)), "{elsewhere:?}");
    assert!(scene.is_signed_in());
    assert_eq!(redirect(scene.confirm(&asked)).as_deref(), Some(GOODBYE));
    assert!(!scene.is_signed_in());
    assert_eq!(redirect(scene.confirm(&asked)).as_deref(), Some(GOODBYE), "twice is no harm");
    assert_eq!(scene.endings().len(), 1);
}

#[test]
fn a_page_that_was_left_alone_too_long_does_not_count() {
    let scene = Scene::new();
    let asked = prompt(scene.ask_here(&[]));
    assert!(asked.client.is_none() && asked.redirect.is_none());
    scene.stage.pass(30 * 60);
    assert!(matches!(scene.confirm(&asked), LogoutStep::Refused(_)));
    assert!(scene.is_signed_in());
}

#[test]
fn a_hint_that_is_not_the_signed_in_users_or_not_ours_asks() {
    let scene = Scene::new();
    let other = block_on(scene.stage.server.add_user(person("bob"), None)).unwrap();
    let source = Source::default();
    let bobs = block_on(scene.stage.server.begin_session(&other, &["pwd"], &source)).unwrap();
    prompt(scene.ask(&[("id_token_hint", scene.id_token.expose())], Some(&bobs)));
    let (head, tail) = scene.id_token.expose().rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", tail.chars().rev().collect::<String>());
    let access_token = scene.stage.log_in().access_token;
    for hint in [forged.as_str(), access_token.expose(), "garbage", "a.b.c"] {
        prompt(scene.ask_here(&[("id_token_hint", hint)]));
    }
    assert!(scene.is_signed_in());
}

#[test]
fn nobody_is_sent_to_an_address_that_is_not_exactly_the_clients() {
    let scene = Scene::new();
    let hint = ("id_token_hint", scene.id_token.expose());
    for address in [
        "https://app.test/goodbye/",
        "https://app.test/goodbye?x=1",
        "https://app.test/Goodbye",
        "https://evil.test/goodbye",
        "http://127.0.0.1/callback",
        "javascript:alert(1)",
        "not an address",
    ] {
        let step = scene.ask_here(&[hint, ("post_logout_redirect_uri", address)]);
        assert!(matches!(step, LogoutStep::Refused(_)), "{address}: {step:?}");
    }
    let nobody = scene.ask_here(&[("post_logout_redirect_uri", GOODBYE)]);
    assert!(matches!(nobody, LogoutStep::Refused(_)), "{nobody:?}");
    let mixed = scene.ask_here(&[hint, ("client_id", "another")]);
    assert!(matches!(mixed, LogoutStep::Refused(_)), "{mixed:?}");
    assert!(scene.is_signed_in());
}

#[test]
fn where_nobody_is_signed_in_only_a_hint_leads_back_to_the_client() {
    let scene = Scene::new();
    let to = ("post_logout_redirect_uri", GOODBYE);
    let client = ("client_id", scene.stage.client.id.as_str());
    assert_eq!(redirect(scene.ask(&[client, to], None)), None);
    let hint = ("id_token_hint", scene.id_token.expose());
    assert_eq!(redirect(scene.ask(&[hint, to], None)).as_deref(), Some(GOODBYE));
    assert_eq!(redirect(scene.ask(&[], Some(&Secret::new("no session")))), None);
}
