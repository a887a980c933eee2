//! A new password by a code: once, in time, for one user, and not by guessing.

use futures::executor::block_on;

use super::stage::Stage;
use crate::engine::issuer::administration::users::UserError;
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::own_pages::Sender;
use crate::engine::issuer::password_reset::ResetError;
use crate::engine::issuer::sign_in::Credentials;
use crate::secret::Secret;

#[test]
fn a_code_sets_the_password_once_and_ends_all_sessions() {
    let stage = Stage::new();
    let code = issue(&stage);
    assert_eq!(code.len(), 23);
    stage.pass(1);
    reset(&stage, "Ada", &code.to_lowercase().replace('-', " "), "another horse").unwrap();
    assert!(block_on(stage.server.session_of(&stage.cookie)).unwrap().is_none());
    let credentials =
        Credentials { username: "ada", password: Secret::new("another horse"), known_browser: None };
    assert!(block_on(stage.server.sign_in(&credentials, &Source::default())).is_ok());
    assert!(matches!(reset(&stage, "ada", &code, "a third horse"), Err(ResetError::NotGood)));
}

#[test]
fn a_reset_ends_logins_unless_the_operator_leaves_them_alone() {
    for ends in [true, false] {
        let stage = Stage::new().ruled(|rules| rules.reset_ends_logins = ends);
        let (by_code, by_administrator) = (stage.clone(), stage.another("bob"));
        let logins = [&by_code, &by_administrator].map(Stage::log_in);
        reset(&by_code, "ada", &issue(&by_code), "another horse").unwrap();
        let given = stage.server.set_password(&by_administrator.user.id, Some(Secret::new("another horse")));
        assert!(block_on(given).unwrap());
        for (whose, tokens) in [&by_code, &by_administrator].into_iter().zip(logins) {
            assert_eq!(whose.is_good(&tokens.access_token), !ends);
            assert_eq!(whose.refresh(&tokens.refresh_token.unwrap()).is_ok(), !ends);
            assert!(whose.another(&format!("{}2", whose.user.username)).log_in().refresh_token.is_some());
        }
    }
}

#[test]
fn who_changes_the_password_they_know_keeps_their_logins() {
    let stage = Stage::new();
    let tokens = stage.log_in();
    let (old, new) = (Secret::new("correct horse"), Secret::new("another horse"));
    block_on(stage.server.change_password(&stage.signed_in(), old, new, &Source::default())).unwrap();
    assert!(stage.is_good(&tokens.access_token));
    assert!(stage.refresh(&tokens.refresh_token.unwrap()).is_ok());
}

#[test]
fn a_code_ends_after_an_hour_or_with_the_next_one() {
    let stage = Stage::new();
    let first = issue(&stage);
    let second = issue(&stage);
    assert!(matches!(reset(&stage, "ada", &first, "another horse"), Err(ResetError::NotGood)));
    stage.pass(60 * 60);
    assert!(matches!(reset(&stage, "ada", &second, "another horse"), Err(ResetError::NotGood)));
}

#[test]
fn a_code_ends_with_every_change_of_what_it_was_made_for() {
    let stage = Stage::new();
    let code = issue(&stage);
    block_on(stage.server.set_password(&stage.user.id, Some(Secret::new("by an administrator")))).unwrap();
    assert!(matches!(reset(&stage, "ada", &code, "another horse"), Err(ResetError::NotGood)));
    let code = issue(&stage);
    for disabled in [true, false] {
        block_on(stage.server.set_user_disabled(&stage.user.id, disabled)).unwrap();
    }
    assert!(matches!(reset(&stage, "ada", &code, "another horse"), Err(ResetError::NotGood)));
    assert!(reset(&stage, "ada", &issue(&stage), "another horse").is_ok());
}

#[test]
fn a_code_is_one_users_and_a_bad_password_does_not_use_it_up() {
    let stage = Stage::new();
    stage.another("bob");
    let code = issue(&stage);
    for username in ["bob", "nobody"] {
        assert!(matches!(reset(&stage, username, &code, "another horse"), Err(ResetError::NotGood)));
    }
    let short = reset(&stage, "ada", &code, "short");
    assert!(matches!(short, Err(ResetError::User(UserError::Password))), "{short:?}");
    assert!(reset(&stage, "ada", &code, "another horse").is_ok());
    assert!(block_on(stage.server.issue_reset_code("nobody")).unwrap().is_none());
}

#[test]
fn who_guesses_codes_is_held_back_and_passwords_are_not() {
    let stage = Stage::new();
    let code = issue(&stage);
    for _ in 0..5 {
        assert!(matches!(reset(&stage, "ada", "BCDFG", "another horse"), Err(ResetError::NotGood)));
    }
    assert!(matches!(reset(&stage, "ada", &code, "another horse"), Err(ResetError::Guess(_))));
    let credentials =
        Credentials { username: "ada", password: Secret::new("correct horse"), known_browser: None };
    assert!(block_on(stage.server.sign_in(&credentials, &Source::default())).is_ok());
    stage.pass(16 * 60);
    assert!(reset(&stage, "ada", &code, "another horse").is_ok());
}

#[test]
fn the_store_holds_no_code_and_a_disabled_user_gets_no_password() {
    let stage = Stage::new();
    let code = issue(&stage);
    let mut backup = Vec::new();
    block_on(stage.world.store.backup(&mut backup)).unwrap();
    let text = String::from_utf8(backup).unwrap();
    assert!(!text.contains(&code) && !text.contains(&code.replace('-', "")));
    block_on(stage.server.set_user_disabled(&stage.user.id, true)).unwrap();
    assert!(matches!(reset(&stage, "ada", &code, "another horse"), Err(ResetError::NotGood)));
}

#[test]
fn forms_are_good_where_they_were_shown_and_in_time() {
    let stage = Stage::new();
    let (ada, bob) = (stage.signed_in(), stage.another("bob").signed_in());
    let ticket = Secret::new(block_on(stage.server.form_ticket("page", Sender::Person(&ada))).unwrap());
    let is_good =
        |page: &str, sender| block_on(stage.server.form_ticket_end(page, sender, &ticket)).unwrap().is_some();
    let browser = Source { browser: "browser".to_owned(), ..Source::default() };
    assert!(is_good("page", Sender::Person(&ada)));
    assert!(!is_good("other", Sender::Person(&ada)));
    assert!(!is_good("page", Sender::Person(&bob)));
    assert!(!is_good("page", Sender::Browser(&browser)));
    stage.pass(30 * 60);
    assert!(!is_good("page", Sender::Person(&ada)));
}

fn issue(stage: &Stage) -> String {
    block_on(stage.server.issue_reset_code(&stage.user.id)).unwrap().unwrap().expose().to_owned()
}

fn reset(stage: &Stage, username: &str, code: &str, password: &str) -> Result<(), ResetError> {
    block_on(stage.server.reset_password(username, code, Secret::new(password), &Source::default()))
}
