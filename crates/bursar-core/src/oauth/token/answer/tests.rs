//! Tables of answers as providers really give them.

use proptest::prelude::*;

use super::*;
use crate::ports::upstream::Body;
use crate::provider::{AnswerFormat, Catalogue, ProviderId};

const AT: Timestamp = Timestamp::constant(1_700_000_000, 0);

fn generic() -> Provider {
    Provider::new(ProviderId::parse("example").unwrap())
}

fn embedded(name: &str) -> Provider {
    Catalogue::embedded().find(name).unwrap().unwrap()
}

fn entry(text: &str) -> Provider {
    toml::from_str(&format!("id = \"example\"\n{text}")).unwrap()
}

fn read(provider: &Provider, status: u16, body: &str) -> TokenAnswer {
    let response = http::Response::builder().status(status).body(Body::new(body)).unwrap();
    read_token_answer(provider, &response, AT, SignedDuration::ZERO)
}

fn issued(provider: &Provider, body: &str) -> TokenSet {
    match read(provider, 200, body) {
        TokenAnswer::Issued(tokens) => *tokens,
        other => panic!("{body}: {other:?}"),
    }
}

fn refused(provider: &Provider, status: u16, body: &str) -> OAuthError {
    match read(provider, status, body) {
        TokenAnswer::Refused(error) => error,
        other => panic!("{status} {body}: {other:?}"),
    }
}

fn lifetime(end: Option<Timestamp>) -> Option<i64> {
    end.map(|end| end.duration_since(AT).as_secs())
}

#[test]
fn the_example_of_the_standard_is_read() {
    // RFC 6749 §5.1.
    let tokens = issued(
        &generic(),
        r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example","expires_in":3600,
            "refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","example_parameter":"example_value"}"#,
    );
    assert_eq!(tokens.access_token, Secret::new("2YotnFZFEjr1zCsicMWpAA"));
    assert_eq!(tokens.token_type, "example");
    assert_eq!(tokens.refresh_token, Some(Secret::new("tGzv3JOkF0XG5Qx2TlKWIA")));
    assert_eq!(lifetime(tokens.access_expires_at), Some(3600));
    assert_eq!(tokens.refresh_expires_at, None);
    assert!(tokens.scope.is_none() && tokens.id_token.is_none() && tokens.kept.is_empty());
    // RFC 6749 §5.2.
    assert_eq!(refused(&generic(), 400, r#"{"error":"invalid_request"}"#).code.as_str(), "invalid_request");
}

#[test]
fn google_omits_the_refresh_token_when_refreshing() {
    let tokens = issued(
        &embedded("google"),
        r#"{"access_token":"ya29.a","expires_in":3599,"scope":"openid https://www.googleapis.com/auth/userinfo.email",
            "token_type":"Bearer","id_token":"a.b.c"}"#,
    );
    assert_eq!(tokens.refresh_token, None);
    assert_eq!(tokens.id_token, Some(Secret::new("a.b.c")));
    assert!(tokens.scope.unwrap().contains("https://www.googleapis.com/auth/userinfo.email"));
}

#[test]
fn github_refuses_with_status_200_in_either_form() {
    let github = embedded("github");
    for body in [
        "error=bad_refresh_token&error_description=The+refresh+token+passed+is+incorrect+or+expired.&error_uri=x",
        r#"{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}"#,
    ] {
        let error = refused(&github, 200, body);
        assert_eq!(error.code.as_str(), "bad_refresh_token");
        assert!(
            error.description.as_deref().is_some_and(|text| text.starts_with("The refresh token passed"))
        );
        assert_eq!(github.errors.class_of(&error), Some(crate::provider::ErrorClass::Permanent));
    }
}

#[test]
fn github_answers_a_form_when_nobody_asks_for_json() {
    let tokens = issued(
        &embedded("github"),
        "access_token=ghu_a&expires_in=28800&refresh_token=ghr_b&refresh_token_expires_in=15811200&scope=&token_type=bearer",
    );
    assert_eq!(tokens.access_token, Secret::new("ghu_a"));
    assert_eq!(lifetime(tokens.access_expires_at), Some(28_800));
    assert_eq!(lifetime(tokens.refresh_expires_at), Some(15_811_200));
    assert_eq!(tokens.scope, None);
    let classic = issued(
        &embedded("github-oauth-app"),
        r#"{"access_token":"gho_a","scope":"repo,gist","token_type":"bearer"}"#,
    );
    let scope = classic.scope.unwrap();
    assert!(scope.contains("repo") && scope.contains("gist"));
    assert_eq!(classic.access_expires_at, None);
}

const SLACK: &str = r#"
[token_response]
roots = ["authed_user", ""]
ok_path = "ok"
scope_separator = ","
keep = ["team.id", "authed_user.id"]
"#;

#[test]
fn slack_nests_the_users_token_and_marks_failures_in_200() {
    let slack = entry(SLACK);
    let both = r#"{"ok":true,"access_token":"xoxb-bot","token_type":"bot","scope":"commands","team":{"id":"T1","name":"n"},
        "authed_user":{"id":"U1","scope":"chat:write,users:read","access_token":"xoxp-user","token_type":"user",
        "expires_in":43200,"refresh_token":"xoxe-1"}}"#;
    let tokens = issued(&slack, both);
    assert_eq!(tokens.access_token, Secret::new("xoxp-user"));
    assert_eq!(tokens.refresh_token, Some(Secret::new("xoxe-1")));
    assert_eq!(lifetime(tokens.access_expires_at), Some(43_200));
    assert!(tokens.scope.unwrap().contains("users:read"));
    assert_eq!(tokens.kept["team.id"], "T1");
    assert_eq!(tokens.kept["authed_user.id"], "U1");
    let bot = issued(&slack, r#"{"ok":true,"access_token":"xoxb-bot","authed_user":{"id":"U1"}}"#);
    assert_eq!(bot.access_token, Secret::new("xoxb-bot"));
    assert_eq!(
        refused(&slack, 200, r#"{"ok":false,"error":"invalid_refresh_token"}"#).code.as_str(),
        "invalid_refresh_token"
    );
    assert_eq!(refused(&slack, 200, r#"{"ok":false}"#).code.as_str(), "not_ok");
    assert!(matches!(
        read(&slack, 200, r#"{"ok":false,"access_token":"x","error":"token_expired"}"#),
        TokenAnswer::Refused(_)
    ));
}

#[test]
fn the_end_of_the_refresh_token_is_read_under_its_many_names() {
    for (fields, expected) in [
        (r#""refresh_token_expires_in":31536000"#, Some(31_536_000)),
        (r#""refresh_token_expires_in":"31536000""#, Some(31_536_000)),
        (r#""refresh_expires_in":1800"#, Some(1800)),
        (r#""refresh_expires_in":0"#, None),
        (r#""x_refresh_token_expires_in":8726400"#, Some(8_726_400)),
        (r#""other":5"#, None),
    ] {
        let body = format!(r#"{{"access_token":"a","refresh_token":"b","expires_in":5184000,{fields}}}"#);
        assert_eq!(lifetime(issued(&generic(), &body).refresh_expires_at), expected, "{fields}");
    }
    let declared = entry("[[token_response.refresh_expiry]]\nfield = \"rt_end\"\nunit = \"epoch\"\n");
    let tokens = issued(&declared, r#"{"access_token":"a","rt_end":1700000060,"refresh_expires_in":5}"#);
    assert_eq!(lifetime(tokens.refresh_expires_at), Some(60));
}

#[test]
fn a_missing_lifetime_is_unknown_or_the_declared_one() {
    // Salesforce tells no lifetime at all.
    let salesforce = entry("[token_response]\nexpiry = { unit = \"none\" }\nkeep = [\"instance_url\"]\n");
    let body = r#"{"access_token":"00D!x","instance_url":"https://one.my.salesforce.com","issued_at":"1700000000000"}"#;
    let tokens = issued(&salesforce, body);
    assert_eq!(tokens.access_expires_at, None);
    assert_eq!(tokens.kept["instance_url"], "https://one.my.salesforce.com");
    let assumed = entry("[token_response.expiry]\ndefault_seconds = 7200\n");
    assert_eq!(lifetime(issued(&assumed, body).access_expires_at), Some(7200));
    assert_eq!(
        lifetime(issued(&assumed, r#"{"access_token":"a","expires_in":"soon"}"#).access_expires_at),
        Some(7200)
    );
    assert_eq!(
        lifetime(issued(&assumed, r#"{"access_token":"a","expires_in":60}"#).access_expires_at),
        Some(60)
    );
}

#[test]
fn lifetimes_are_read_in_the_declared_unit() {
    for (rule, field, expected) in [
        ("unit = \"milliseconds\"", r#""expires_in":3600000"#, Some(3600)),
        ("unit = \"minutes\"", r#""expires_in":10"#, Some(600)),
        ("field = \"expires_at\"\nunit = \"iso8601\"", r#""expires_at":"2023-11-14T23:13:20Z""#, Some(3600)),
        ("field = \"data.end\"\nunit = \"epoch\"", r#""data":{"end":1700003600}"#, Some(3600)),
        ("", r#""expires_in":"3600""#, Some(3600)),
        ("", r#""expires_in":3600.9"#, Some(3600)),
        ("", r#""expires_in":-1"#, Some(0)),
        ("", r#""expires_in":null"#, None),
    ] {
        let provider = entry(&format!("[token_response.expiry]\n{rule}\n"));
        let body = format!(r#"{{"access_token":"a",{field}}}"#);
        assert_eq!(lifetime(issued(&provider, &body).access_expires_at), expected, "{rule} {field}");
    }
}

#[test]
fn a_jwt_tells_its_own_end_by_the_providers_clock() {
    use base64::Engine as _;
    let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let token = format!("{}.{}.c2ln", part(r#"{"alg":"none"}"#), part(r#"{"exp":1700003600}"#));
    let provider = entry("[token_response.expiry]\nunit = \"jwt_exp\"\ndefault_seconds = 60\n");
    let response = http::Response::new(Body::new(format!(r#"{{"access_token":"{token}"}}"#)));
    for (skew, expected) in [(0, 3600), (300, 3300), (-300, 3900)] {
        let TokenAnswer::Issued(tokens) =
            read_token_answer(&provider, &response, AT, SignedDuration::from_secs(skew))
        else {
            panic!("no tokens");
        };
        assert_eq!(lifetime(tokens.access_expires_at), Some(expected));
    }
    assert_eq!(lifetime(issued(&provider, r#"{"access_token":"opaque"}"#).access_expires_at), Some(60));
}

#[test]
fn other_places_and_shapes_are_found() {
    let provider = entry(
        "[token_response.paths]\naccess_token = \"data.list.0.token\"\nrefresh_token = \"data.refresh\"\n",
    );
    let tokens = issued(&provider, r#"{"data":{"list":[{"token":"a"}],"refresh":"b"},"scope":["x","y"]}"#);
    assert_eq!(tokens.access_token, Secret::new("a"));
    assert_eq!(tokens.refresh_token, Some(Secret::new("b")));
    assert!(tokens.scope.unwrap().contains("y"));
    assert_eq!(tokens.token_type, "Bearer");
    // A refresh token that is there but empty must not replace the one we hold.
    assert_eq!(issued(&generic(), r#"{"access_token":"a","refresh_token":""}"#).refresh_token, None);
    assert_eq!(issued(&generic(), r#"{"access_token":"a","refresh_token":null}"#).refresh_token, None);
    assert_eq!(issued(&generic(), "\u{feff} {\"access_token\":\"a\"}").access_token, Secret::new("a"));
}

#[test]
fn refusals_are_found_in_any_status_and_place() {
    let plain = generic();
    for (status, body, code) in [
        (400, r#"{"error":"invalid_grant"}"#, "invalid_grant"),
        (401, r#"{"error":"invalid_client"}"#, "invalid_client"),
        (
            403,
            r#"{"error":"invalid_grant","error_description":"Unknown or invalid refresh token"}"#,
            "invalid_grant",
        ),
        (200, r#"{"error":"invalid_grant","error_description":7003}"#, "invalid_grant"),
        (429, r#"{"error":"slow_down"}"#, "slow_down"),
        (500, r#"{"error":"server_error"}"#, "server_error"),
        (503, r#"{"error":"temporarily_unavailable"}"#, "temporarily_unavailable"),
        (400, r#"{"error":"refresh_token_reused"}"#, "refresh_token_reused"),
        (400, r#"{"error":{"code":"refresh_token_reused","message":"used"}}"#, "refresh_token_reused"),
    ] {
        assert_eq!(refused(&plain, status, body).code.as_str(), code, "{status} {body}");
    }
    let hubspot = entry(
        "[token_response]\nerror_path = \"status\"\nerror_description_path = \"message\"\n[errors]\npermanent = [\"BAD_REFRESH_TOKEN\"]\n",
    );
    let error = refused(&hubspot, 400, r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or unknown"}"#);
    assert_eq!(error.code.as_str(), "BAD_REFRESH_TOKEN");
    assert_eq!(error.description.as_deref(), Some("missing or unknown"));
    assert_eq!(refused(&hubspot, 400, r#"{"error":"invalid_grant"}"#).code.as_str(), "invalid_grant");
}

#[test]
fn what_proves_nothing_is_unreadable() {
    for (status, body) in [
        (200, ""),
        (200, "   "),
        (200, "<!doctype html><title>Log in to the Wi-Fi</title>"),
        (200, r#"{"access_token":"a","expi"#),
        (200, r#"{"access_token":}"#),
        (200, "{}"),
        (200, r#"{"access_token":""}"#),
        (200, r#"{"access_token":null}"#),
        (200, r#"{"access_token":{"a":1}}"#),
        (200, r#"["a"]"#),
        (200, "null"),
        (200, "OK"),
        (204, ""),
        (302, "<html>"),
        (400, r#"{"message":"no"}"#),
        (502, "<html>Bad Gateway</html>"),
        (502, r#"{"error":"Bad Gateway"}"#),
        (500, r#"{"error":{"code":500,"message":"oops"}}"#),
        (503, ""),
        (500, r#"{"access_token":"a"}"#),
    ] {
        let answer = read(&generic(), status, body);
        assert!(matches!(answer, TokenAnswer::Unreadable(_)), "{status} {body}: {answer:?}");
    }
    assert!(matches!(
        read(&entry("[token_response]\nformat = \"json\"\n"), 200, "access_token=a"),
        TokenAnswer::Unreadable(_)
    ));
    let response = http::Response::new(Body::new(vec![0xff, 0xfe, 0x00]));
    let answer = read_token_answer(&generic(), &response, AT, SignedDuration::ZERO);
    assert_eq!(answer, TokenAnswer::Unreadable("the answer is not text"));
}

#[test]
fn a_failure_that_the_catalogue_knows_counts_even_with_a_server_status() {
    let provider = entry("[errors]\npermanent = [\"token_gone\"]\n");
    assert_eq!(refused(&provider, 500, r#"{"error":"token_gone"}"#).code.as_str(), "token_gone");
}

#[test]
fn tokens_in_a_good_answer_outweigh_an_error_member() {
    assert_eq!(
        issued(&generic(), r#"{"access_token":"a","error":"partial_scope"}"#).access_token,
        Secret::new("a")
    );
}

#[test]
fn nothing_read_is_shown() {
    let answer =
        read(&generic(), 200, r#"{"access_token":"hunter2","refresh_token":"hunter3","id_token":"hunter4"}"#);
    assert!(!format!("{answer:?}").contains("hunter"));
    let response = http::Response::new(Body::new(r#"{"access_token":"hunter2"}"#));
    let document = read_document(&response, AnswerFormat::Auto).unwrap();
    assert_eq!(format!("{document:?}"), r#"Document(["access_token"])"#);
}

proptest! {
    #[test]
    fn no_answer_panics(status in 200_u16..600, body in "\\PC{0,60}") {
        let _ = read(&entry(SLACK), status, &body);
    }

    #[test]
    fn no_object_panics(code in "\\PC{0,20}", number in any::<f64>(), text in "\\PC{0,20}") {
        let body = json!({ "access_token": code, "expires_in": number, "scope": text, "refresh_expires_in": number, "ok": text });
        let _ = read(&entry(SLACK), 200, &body.to_string());
    }
}
