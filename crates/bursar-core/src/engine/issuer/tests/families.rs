//! Codes and refresh tokens: used once, answered again for a moment, and the end of everything when somebody else has them.

use futures::executor::block_on;
use jiff::SignedDuration;

use super::stage::{MCP, Stage, add_client, assert_refused};
use crate::engine::issuer::records::resource::TokenFormat;
use crate::oauth::error::ErrorCode;
use crate::oauth::jose::Algorithm;

#[test]
fn a_code_brings_tokens_once_and_a_second_use_ends_them() {
    let stage = Stage::new();
    let code = stage.code();
    let first = stage.redeem(&code).unwrap();
    assert_eq!(first.scope.to_string(), "read write");
    assert!(stage.is_good(&first.access_token));
    let claims = block_on(stage.server.valid_access_token(&first.access_token)).unwrap().unwrap();
    assert!(claims.is_for(MCP));
    assert_eq!(claims.subject, stage.user.id);
    assert_refused(stage.redeem(&code), &ErrorCode::InvalidGrant);
    assert!(!stage.is_good(&first.access_token));
    assert_refused(stage.refresh(&first.refresh_token.unwrap()), &ErrorCode::InvalidGrant);
}

#[test]
fn a_code_is_for_its_client_its_address_and_its_verifier_and_a_wrong_one_ends_nothing() {
    let stage = Stage::new();
    let other = add_client(&stage.server, &serde_json::json!({}));
    let code = stage.code();
    let form = |client: &str, uri: Option<&str>, verifier: Option<&str>| {
        let mut form =
            vec![("grant_type", "authorization_code"), ("client_id", client), ("code", code.expose())];
        form.extend(uri.map(|uri| ("redirect_uri", uri)));
        form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        stage.token(&form)
    };
    let (uri, verifier) = (Some("http://127.0.0.1:5000/callback"), Some(stage.verifier.expose()));
    assert_refused(form(&other.id, uri, verifier), &ErrorCode::InvalidGrant);
    assert_refused(
        form(&stage.client.id, Some("http://127.0.0.1:5001/callback"), verifier),
        &ErrorCode::InvalidGrant,
    );
    assert_refused(form(&stage.client.id, None, verifier), &ErrorCode::InvalidGrant);
    assert_refused(form(&stage.client.id, uri, Some(&"x".repeat(43))), &ErrorCode::InvalidGrant);
    assert_refused(form(&stage.client.id, uri, None), &ErrorCode::InvalidRequest);
    let good = form(&stage.client.id, uri, verifier).unwrap();
    assert_refused(form(&stage.client.id, uri, Some(&"x".repeat(43))), &ErrorCode::InvalidGrant);
    assert!(stage.is_good(&good.access_token), "a guess is no replay");
}

#[test]
fn a_code_ends_after_its_time() {
    let stage = Stage::new();
    let code = stage.code();
    stage.pass(600);
    assert_refused(stage.redeem(&code), &ErrorCode::InvalidGrant);
}

#[test]
fn a_refresh_token_rotates_and_a_retry_gets_the_same_again() {
    for format in [TokenFormat::default(), TokenFormat::Jwt(Algorithm::EdDsa), TokenFormat::Opaque] {
        let stage = Stage::with_format(format);
        let first = stage.log_in();
        let spent = first.refresh_token.unwrap();
        stage.pass(1);
        let second = stage.refresh(&spent).unwrap();
        assert_ne!(second.refresh_token.as_ref(), Some(&spent));
        stage.pass(58);
        for again in [stage.refresh(&spent), stage.refresh_from(&spent, "elsewhere")] {
            assert_eq!(stage.said(&again.unwrap()), stage.said(&second), "{format:?}");
        }
        let third = stage.refresh(second.refresh_token.as_ref().unwrap()).unwrap();
        for token in [&first.access_token, &second.access_token, &third.access_token] {
            assert!(stage.is_good(token), "{format:?}");
        }
    }
}

#[test]
fn an_old_refresh_token_ends_its_whole_login() {
    for seconds in [1, 61] {
        let stage = Stage::new();
        let spent = stage.log_in().refresh_token.unwrap();
        let second = stage.refresh(&spent).unwrap();
        let last = if seconds == 1 {
            stage.refresh(second.refresh_token.as_ref().unwrap()).unwrap()
        } else {
            second
        };
        stage.pass(seconds);
        assert_refused(stage.refresh(&spent), &ErrorCode::InvalidGrant);
        assert!(!stage.is_good(&last.access_token));
        assert_refused(stage.refresh(&last.refresh_token.unwrap()), &ErrorCode::InvalidGrant);
    }
}

#[test]
fn sixty_four_at_once_with_one_token_all_get_the_same() {
    let stage = Stage::new();
    let spent = stage.log_in().refresh_token.unwrap();
    let barrier = std::sync::Barrier::new(64);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..64)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    stage.refresh(&spent).unwrap()
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    let first = stage.said(&answers[0]);
    assert!(answers.iter().all(|answer| stage.said(answer) == first));
    assert!(stage.refresh(answers[0].refresh_token.as_ref().unwrap()).is_ok());
}

#[test]
fn nothing_is_made_up_or_borrowed() {
    let stage = Stage::new();
    let token = stage.log_in().refresh_token.unwrap();
    let other = add_client(&stage.server, &serde_json::json!({}));
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", other.id.as_str()),
        ("refresh_token", token.expose()),
    ];
    assert_refused(stage.token(&form), &ErrorCode::InvalidGrant);
    let forged = crate::secret::Secret::new(format!("{}A", &token.expose()[..token.expose().len() - 1]));
    assert!(stage.refresh(&forged).is_err() || forged == token);
    assert!(stage.refresh(&token).is_ok(), "guessing and borrowing end nothing");
}

#[test]
fn less_may_be_asked_for_and_never_more() {
    let stage = Stage::new();
    let token = stage.log_in().refresh_token.unwrap();
    let ask = |scope: &str, resource: &str, token: &crate::secret::Secret| {
        stage.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", &stage.client.id),
            ("refresh_token", token.expose()),
            ("scope", scope),
            ("resource", resource),
        ])
    };
    assert_refused(ask("read admin", MCP, &token), &ErrorCode::InvalidScope);
    assert_refused(ask("read", "https://other.test/", &token), &ErrorCode::InvalidTarget);
    let narrow = ask("read", MCP, &token).unwrap();
    assert_eq!(narrow.scope.to_string(), "read");
    let retried = ask("write", MCP, &token).unwrap();
    assert_eq!(retried.scope.to_string(), "write");
    assert_eq!(retried.refresh_token, narrow.refresh_token);
    assert_eq!(retried.expires_at, narrow.expires_at);
    assert_ne!(retried.access_token, narrow.access_token);
    let whole = stage.refresh(narrow.refresh_token.as_ref().unwrap()).unwrap();
    assert_eq!(whole.scope.to_string(), "read write", "the login keeps what was granted");
}

#[test]
fn whatever_a_login_stands_on_ends_it() {
    type Act = fn(&Stage);
    let acts: [(&str, Act); 3] = [
        ("user disabled", |stage| {
            assert!(block_on(stage.server.set_user_disabled(&stage.user.id, true)).unwrap());
        }),
        ("consent taken back", |stage| {
            assert!(block_on(stage.server.withdraw_grant(&stage.user.id, &stage.client.id)).unwrap());
        }),
        ("client removed", |stage| {
            assert!(block_on(stage.server.remove_client(&stage.client.id)).unwrap());
        }),
    ];
    for (name, act) in acts {
        let stage = Stage::new();
        let tokens = stage.log_in();
        let unused = stage.code();
        act(&stage);
        assert!(!stage.is_good(&tokens.access_token), "{name}");
        let token = tokens.refresh_token.unwrap();
        for refused in [stage.refresh(&token), stage.redeem(&unused)] {
            let refusal = refused.unwrap_err();
            let expected =
                if name == "client removed" { ErrorCode::InvalidClient } else { ErrorCode::InvalidGrant };
            assert_eq!(refusal.code, expected, "{name}: {refusal:?}");
        }
    }
}

#[test]
fn idle_and_old_logins_end_and_a_refresh_one_second_after_works() {
    let stage = Stage::new();
    let mut token = stage.log_in().refresh_token.unwrap();
    stage.pass(1);
    token = stage.refresh(&token).unwrap().refresh_token.unwrap();
    stage.pass(24 * 3600);
    assert_refused(stage.refresh(&token), &ErrorCode::InvalidGrant);
    let mut token = stage.log_in().refresh_token.unwrap();
    let mut days = 0;
    while let Ok(answer) = stage.refresh(&token) {
        token = answer.refresh_token.unwrap();
        stage.pass(23 * 3600);
        days += 1;
        assert!(days < 100, "the absolute end never came");
    }
    assert_eq!(days, 94, "ninety days in steps of twenty-three hours");
}

#[test]
fn no_access_token_outlives_its_login() {
    let stage = Stage::new().ruled(|rules| rules.lifetimes.login = SignedDuration::from_mins(10));
    let end = stage.server.now() + SignedDuration::from_mins(10);
    let first = stage.log_in();
    assert_eq!(first.expires_at, end);
    stage.pass(60);
    assert_eq!(stage.refresh(&first.refresh_token.unwrap()).unwrap().expires_at, end);
}
