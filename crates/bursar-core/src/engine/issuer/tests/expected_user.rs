//! Clients that expect somebody (`id_token_hint`, OIDC Core §3.1.2.1).

use futures::executor::block_on;
use serde_json::json;

use super::stage::{Stage, add_client, parameter};
use crate::engine::issuer::authorize::{Authorization, ConsentDecision};
use crate::engine::issuer::exchange::Source;
use crate::oauth::form::Parameters;
use crate::secret::Secret;

#[test]
fn the_expected_user_goes_on_and_another_one_has_to_sign_in() {
    let (stage, hint) = told();
    let expected = [("id_token_hint", hint.expose())];
    assert!(matches!(stage.authorize(&expected), Authorization::Consent(_)));
    let grace = stage.another("grace");
    stage.pass(1);
    let Authorization::SignIn(prompt) = grace.authorize(&expected) else { panic!("no sign-in page") };

    // Who signs in for this request may be the expected one, or somebody the client must not get instead.
    let source = Source::default();
    let sign_in = |who: &Stage| {
        let cookie = block_on(who.server.begin_session(&who.user, &["pwd"], &source)).unwrap();
        let signed_in = block_on(who.server.session_of(&cookie)).unwrap().unwrap();
        let ticket = Secret::new(prompt.ticket.clone());
        block_on(who.server.authorize_after_sign_in(&ticket, Some(&signed_in), &source)).unwrap()
    };
    assert!(matches!(sign_in(&stage), Authorization::Consent(_)));
    assert_eq!(error(&sign_in(&grace)), "login_required");
}

#[test]
fn without_a_page_only_the_expected_user_will_do() {
    let (stage, hint) = told();
    let silent = [("prompt", "none"), ("id_token_hint", hint.expose())];
    let Authorization::Consent(prompt) = stage.authorize(&[]) else { panic!("no consent page") };
    stage.decide(&prompt, ConsentDecision::Allow);
    assert!(parameter(&stage.authorize(&silent), "code").is_some());
    let grace = stage.another("grace");
    let Authorization::Consent(prompt) = grace.authorize(&[]) else { panic!("no consent page") };
    grace.decide(&prompt, ConsentDecision::Allow);
    assert!(parameter(&grace.authorize(&[("prompt", "none")]), "code").is_some());
    assert_eq!(error(&grace.authorize(&silent)), "login_required");
}

#[test]
fn a_hint_that_is_no_id_token_of_this_client_is_refused_however_old_it_may_be() {
    let (stage, hint) = told();
    let tampered = format!("{}x", hint.expose());
    for wrong in ["nonsense", "a.b.c", &tampered, stage.log_in().access_token.expose()] {
        assert_eq!(error(&stage.authorize(&[("id_token_hint", wrong)])), "invalid_request", "{wrong}");
    }
    let other = stage.clone().with_client(add_client(&stage.server, &json!({ "client_name": "Other" })));
    assert_eq!(error(&other.authorize(&[("id_token_hint", hint.expose())])), "invalid_request");
    // Its end is long past, and it still tells whom the client means.
    stage.pass(2 * 24 * 60 * 60);
    let late = stage.authorize(&[("id_token_hint", hint.expose())]);
    assert!(parameter(&late, "code").is_some(), "{late:?}");
}

/// A stage, and an ID token that its client was given for its user.
fn told() -> (Stage, Secret) {
    let stage = Stage::new();
    let mut request = Parameters::parse_form(stage.query(&[("scope", "openid")]).as_bytes()).unwrap();
    request.remove("resource");
    let (query, source) = (request.to_query(), Source::default());
    let outcome = block_on(stage.server.authorize(&query, Some(&stage.signed_in()), &source)).unwrap();
    let Authorization::Consent(prompt) = outcome else { panic!("no consent page") };
    let code = parameter(&stage.decide(&prompt, ConsentDecision::Allow), "code").unwrap();
    let id_token = stage.redeem(&code).unwrap().id_token.unwrap();
    (stage, id_token)
}

#[track_caller]
fn error(outcome: &Authorization) -> String {
    parameter(outcome, "error").expect("an error").expose().to_owned()
}
