//! From a request to a code: who is asked, and when.

use super::stage::{MCP, Stage, parameter};
use crate::engine::issuer::authorize::{Authorization, ConsentDecision};
use crate::secret::Secret;

#[test]
fn a_first_contact_is_asked_and_a_second_one_remembered() {
    let stage = Stage::new();
    let Authorization::Consent(prompt) = stage.authorize(&[]) else { panic!("no consent page") };
    assert_eq!(prompt.scope.to_string(), "read write");
    assert_eq!(prompt.resources[0].url, MCP);
    let answer = stage.decide(&prompt, ConsentDecision::Allow);
    assert_eq!(parameter(&answer, "state"), Some(Secret::new("xyz")));
    assert_eq!(parameter(&answer, "iss"), Some(Secret::new("https://as.test")));
    assert!(parameter(&answer, "code").is_some());
    assert!(parameter(&stage.authorize(&[]), "code").is_some(), "remembered");
    assert!(parameter(&stage.authorize(&[("scope", "read")]), "code").is_some(), "less is covered");
    assert!(matches!(stage.authorize(&[("prompt", "consent")]), Authorization::Consent(_)));
}

#[test]
fn a_decision_counts_once_and_only_where_it_was_asked_for() {
    let stage = Stage::new();
    let Authorization::Consent(prompt) = stage.authorize(&[]) else { panic!("no consent page") };
    let denied = stage.decide(&prompt, ConsentDecision::Deny);
    assert_eq!(parameter(&denied, "error"), Some(Secret::new("access_denied")));
    assert_eq!(parameter(&denied, "iss"), Some(Secret::new("https://as.test")));
    let again = stage.decide(&prompt, ConsentDecision::Allow);
    assert!(matches!(again, Authorization::Refused(_)), "{again:?}");
    let Authorization::Consent(late) = stage.authorize(&[]) else { panic!("no consent page") };
    stage.pass(31 * 60);
    assert!(matches!(stage.decide(&late, ConsentDecision::Allow), Authorization::Refused(_)));
}

#[test]
fn faults_before_the_address_is_known_lead_nowhere_and_later_ones_back_to_the_client() {
    let stage = Stage::new();
    for others in [
        [("client_id", "nobody")],
        [("redirect_uri", "http://127.0.0.1:5000/other")],
        [("redirect_uri", "https://evil.test/callback")],
    ] {
        let outcome = stage.authorize(&others);
        assert!(matches!(outcome, Authorization::Refused(_)), "{others:?}: {outcome:?}");
    }
    for (others, error) in [
        ([("code_challenge_method", "plain")], "invalid_request"),
        ([("response_type", "token")], "unsupported_response_type"),
        ([("resource", "https://unknown.test/")], "invalid_target"),
        ([("scope", "unheard-of")], "invalid_scope"),
        ([("prompt", "none")], "consent_required"),
    ] {
        let outcome = stage.authorize(&others);
        assert_eq!(parameter(&outcome, "error"), Some(Secret::new(error)), "{others:?}");
        assert_eq!(parameter(&outcome, "state"), Some(Secret::new("xyz")), "{others:?}");
        assert_eq!(parameter(&outcome, "iss"), Some(Secret::new("https://as.test")), "{others:?}");
    }
}

#[test]
fn a_new_sign_in_is_asked_for_where_the_request_wants_one_and_only_once() {
    use crate::engine::issuer::exchange::Source;
    use futures::executor::block_on;
    let stage = Stage::new();
    stage.pass(10);
    for others in [[("prompt", "login")], [("max_age", "5")]] {
        let Authorization::SignIn(prompt) = stage.authorize(&others) else {
            panic!("{others:?}: no sign-in page")
        };
        let source = Source::default();
        let cookie = block_on(stage.server.begin_session(&stage.user, &["pwd"], &source)).unwrap();
        let signed_in = block_on(stage.server.session_of(&cookie)).unwrap().unwrap();
        let ticket = Secret::new(prompt.ticket);
        let next =
            block_on(stage.server.authorize_after_sign_in(&ticket, Some(&signed_in), &source)).unwrap();
        assert!(matches!(next, Authorization::Consent(_)), "{next:?}");
        stage.pass(10);
    }
    let silent = stage.authorize(&[("prompt", "none"), ("max_age", "5")]);
    assert_eq!(parameter(&silent, "error"), Some(Secret::new("login_required")));
}
