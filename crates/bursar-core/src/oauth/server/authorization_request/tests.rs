use proptest::prelude::*;

use super::*;
use crate::oauth::pkce::Verifier;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn complete() -> Parameters {
    let mut parameters = Parameters::new();
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "s6BhdRkqt3"),
        ("redirect_uri", "https://client.example.com/cb"),
        ("state", "xyz"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ] {
        parameters.set(name, value);
    }
    parameters
}

fn with(name: &str, value: &str) -> Parameters {
    let mut parameters = complete();
    parameters.set(name, value);
    parameters
}

fn fault(name: &str, value: &str) -> Option<AuthorizationRequestError> {
    AuthorizationRequest::read(&with(name, value)).err()
}

#[test]
fn example_of_rfc_6749_is_read_and_lacks_pkce() {
    let parameters = parse_parameters(
        b"response_type=code&client_id=s6BhdRkqt3&state=xyz\
          &redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb",
    )
    .unwrap();
    let who = WhoAndWhere::read(&parameters).unwrap();
    assert_eq!(who.client_id, "s6BhdRkqt3");
    assert_eq!(who.redirect_uri.as_deref(), Some("https://client.example.com/cb"));
    assert_eq!(who.state, Some(Secret::new("xyz")));
    assert_eq!(AuthorizationRequest::read(&parameters), Err(AuthorizationRequestError::ChallengeMissing));
}

#[test]
fn example_of_rfc_9126_names_a_pushed_request() {
    let parameters = parse_parameters(
        b"client_id=s6BhdRkqt3&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A6esc_11ACC5bwc014ltc14eY22c",
    )
    .unwrap();
    let pushed = WhoAndWhere::read(&parameters).unwrap().pushed.unwrap();
    assert_eq!(pushed.reference(), "6esc_11ACC5bwc014ltc14eY22c");
    assert_eq!(PushedRequestUri::parse(&pushed.to_string()), Some(pushed));
}

#[test]
fn a_whole_request_is_read() {
    let mut parameters = complete();
    for (name, value) in [
        ("scope", "openid offline_access"),
        ("nonce", "n-0S6_WzA2Mj"),
        ("prompt", "login consent login"),
        ("max_age", "3600"),
        ("login_hint", "ada@example.com"),
        ("id_token_hint", "a.b.c"),
        ("acr_values", "urn:mace:incommon:iap:silver  gold"),
        ("ui_locales", "fr-CA fr en"),
        ("dpop_jkt", CHALLENGE),
        ("response_mode", "query"),
        ("claims", "{}"),
        ("unknown", "ignored"),
    ] {
        parameters.set(name, value);
    }
    parameters.append("resource", "https://cal.example.com/");
    parameters.append("resource", "https://contacts.example.com/");
    let request = AuthorizationRequest::read(&parameters).unwrap();
    assert_eq!(request.scope.unwrap().to_string(), "openid offline_access");
    assert_eq!(request.resources.len(), 2);
    assert_eq!(request.nonce.as_deref(), Some("n-0S6_WzA2Mj"));
    assert!(request.prompt.contains(Prompt::Login) && request.prompt.contains(Prompt::Consent));
    assert!(!request.prompt.contains(Prompt::None));
    assert_eq!(request.max_age, Some(SignedDuration::from_hours(1)));
    assert_eq!(request.login_hint.as_deref(), Some("ada@example.com"));
    assert_eq!(request.id_token_hint, Some(Secret::new("a.b.c")));
    assert_eq!(request.acr_values, ["urn:mace:incommon:iap:silver", "gold"]);
    assert_eq!(request.ui_locales, ["fr-CA", "fr", "en"]);
    assert_eq!(request.dpop_jkt.unwrap().as_str(), CHALLENGE);
}

#[test]
fn any_parameter_but_resource_sent_twice_is_refused() {
    for name in ["client_id", "redirect_uri", "state", "code_challenge", "scope", "audience"] {
        let text = format!("{name}=a&{name}=b");
        assert_eq!(parse_parameters(text.as_bytes()), Err(FormError::Repeated { name: name.to_owned() }));
    }
    assert!(parse_parameters(b"resource=a&resource=b").is_ok());
}

#[test]
fn faults_in_who_and_where_come_before_all_others() {
    let table = [
        ("client_id", "", WhoAndWhereError::ClientMissing),
        ("client_id", "a\nb", WhoAndWhereError::ClientMalformed),
        ("client_id", "é", WhoAndWhereError::ClientMalformed),
    ];
    for (name, value, expected) in table {
        let mut parameters = with(name, value);
        if value.is_empty() {
            parameters.remove(name);
        }
        assert_eq!(WhoAndWhere::read(&parameters), Err(expected));
    }
    for (name, maximum) in [("redirect_uri", 2000), ("state", 4096)] {
        let read = WhoAndWhere::read(&with(name, &"a".repeat(maximum + 1)));
        assert_eq!(read, Err(WhoAndWhereError::TooLong { name, maximum }));
        assert!(WhoAndWhere::read(&with(name, &"a".repeat(maximum))).is_ok());
    }
    assert_eq!(
        WhoAndWhere::read(&with("client_id", &"a".repeat(2001))),
        Err(WhoAndWhereError::ClientMalformed)
    );
}

#[test]
fn missing_plain_and_malformed_challenges_are_refused() {
    let mut parameters = complete();
    parameters.remove("code_challenge_method");
    assert_eq!(AuthorizationRequest::read(&parameters), Err(AuthorizationRequestError::ChallengeMethod));
    assert_eq!(fault("code_challenge_method", "plain"), Some(AuthorizationRequestError::ChallengeMethod));
    assert_eq!(fault("code_challenge_method", "s256"), Some(AuthorizationRequestError::ChallengeMethod));
    for challenge in [
        CHALLENGE[..42].to_owned(),
        format!("{CHALLENGE}A"),
        "A".repeat(129),
        CHALLENGE.replace('-', "+"),
        format!("{}=", &CHALLENGE[..42]),
        // The last character carries two bits that belong to no byte.
        format!("{}N", &CHALLENGE[..42]),
    ] {
        assert_eq!(
            fault("code_challenge", &challenge),
            Some(AuthorizationRequestError::ChallengeMalformed),
            "{challenge}"
        );
    }
    let request = AuthorizationRequest::read(&complete()).unwrap();
    let verifier = |text| Verifier::parse(text).unwrap();
    assert!(request.challenge.fits(&verifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")));
    assert!(!request.challenge.fits(&verifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl")));
}

#[test]
fn every_fault_has_the_code_of_its_standard() {
    let table = [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "id_token token", "unsupported_response_type"),
        ("response_type", "code id_token", "unsupported_response_type"),
        ("response_type", "none", "unsupported_response_type"),
        ("response_mode", "fragment", "invalid_request"),
        ("response_mode", "form_post", "invalid_request"),
        ("request", "a.b.c", "request_not_supported"),
        ("request_uri", "https://client.example.com/request", "request_uri_not_supported"),
        ("request_uri", "urn:ietf:params:oauth:request_uri:abc", "request_uri_not_supported"),
        ("registration", "{}", "registration_not_supported"),
        ("scope", "a\"b", "invalid_scope"),
        ("resource", "/mcp", "invalid_target"),
        ("resource", "https://a.example/#b", "invalid_target"),
        ("prompt", "none login", "invalid_request"),
        ("prompt", "create", "invalid_request"),
        ("prompt", "Login", "invalid_request"),
        ("max_age", "-1", "invalid_request"),
        ("max_age", "+1", "invalid_request"),
        ("max_age", "1.5", "invalid_request"),
        ("max_age", "99999999999999999999", "invalid_request"),
        ("dpop_jkt", "short", "invalid_request"),
    ];
    for (name, value, code) in table {
        let fault = fault(name, value).unwrap();
        assert_eq!(fault.code().as_str(), code, "{name}={value}");
        // The client is told in characters that RFC 6749 §4.1.2.1 allows.
        assert!(!fault.description().contains(char::is_control));
    }
    let mut parameters = complete();
    parameters.remove("response_type");
    assert_eq!(AuthorizationRequest::read(&parameters).unwrap_err().code(), ErrorCode::InvalidRequest);
}

#[test]
fn values_are_bounded() {
    for (name, maximum) in [
        ("scope", MAXIMUM_SCOPE_BYTES),
        ("nonce", MAXIMUM_NONCE_BYTES),
        ("login_hint", MAXIMUM_HINT_BYTES),
        ("id_token_hint", MAXIMUM_ID_TOKEN_BYTES),
        ("acr_values", MAXIMUM_LIST_BYTES),
        ("ui_locales", MAXIMUM_LIST_BYTES),
    ] {
        let expected = AuthorizationRequestError::TooLong { name, maximum };
        assert_eq!(fault(name, &"a".repeat(maximum + 1)), Some(expected));
        assert_eq!(fault(name, &"a".repeat(maximum)), None);
    }
}

proptest! {
    #[test]
    fn any_text_is_judged_without_panic(text in "[ -~]{0,200}", state in "\\PC{1,40}") {
        let mut parameters = parse_parameters(text.as_bytes()).unwrap_or_default();
        parameters.set("client_id", "a");
        parameters.set("state", &state);
        let again = parse_parameters(parameters.to_query().as_bytes()).unwrap();
        prop_assert_eq!(WhoAndWhere::read(&again).unwrap().state, Some(Secret::new(state)));
        let _ = AuthorizationRequest::read(&again);
    }
}
