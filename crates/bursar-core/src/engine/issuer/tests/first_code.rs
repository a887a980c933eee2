//! The first administrator: whoever reads the code, once, in time, and only while there is none.

use futures::executor::block_on;

use super::stage::Stage;
use crate::engine::issuer::administration::first_code::{FIRST_CODE_PREFIX, FirstCodeError};
use crate::engine::issuer::administration::users::UserError;
use crate::engine::issuer::records::user::User;
use crate::secret::Secret;

#[test]
fn a_code_makes_one_administrator_and_nothing_more() {
    let stage = Stage::new();
    let code = issue(&stage).expect("there is no administrator yet");
    assert!(code.expose().starts_with(FIRST_CODE_PREFIX) && code.expose().len() == 47);
    let boss = claim(&stage, &code, "boss").unwrap();
    assert!(boss.scopes.iter().any(|scope| scope == "bursar:admin"));
    assert_eq!(block_on(stage.server.user_named("BOSS")).unwrap().unwrap().document, boss);
    assert!(matches!(claim(&stage, &code, "other"), Err(FirstCodeError::NotGood)));
    assert!(issue(&stage).is_none(), "there is an administrator now");
}

#[test]
fn a_code_ends_after_a_quarter_of_an_hour_or_with_the_next_one() {
    let stage = Stage::new();
    let first = issue(&stage).unwrap();
    let second = issue(&stage).unwrap();
    assert!(matches!(claim(&stage, &first, "boss"), Err(FirstCodeError::NotGood)));
    stage.pass(15 * 60);
    assert!(matches!(claim(&stage, &second, "boss"), Err(FirstCodeError::NotGood)));
    let third = issue(&stage).unwrap();
    assert!(matches!(claim(&stage, &Secret::new("bfc_guess"), "boss"), Err(FirstCodeError::NotGood)));
    assert!(claim(&stage, &third, "boss").is_ok());
}

#[test]
fn a_mistake_does_not_use_the_code_up() {
    let stage = Stage::new();
    let code = issue(&stage).unwrap();
    let taken = claim(&stage, &code, "Ada");
    assert!(matches!(taken, Err(FirstCodeError::User(UserError::Exists { .. }))), "{taken:?}");
    let blank = claim(&stage, &code, "two words");
    assert!(matches!(blank, Err(FirstCodeError::User(UserError::Name { .. }))), "{blank:?}");
    let short = block_on(stage.server.claim_first_code(&code, "boss", Secret::new("short")));
    assert!(matches!(short, Err(FirstCodeError::User(UserError::Password))), "{short:?}");
    assert!(claim(&stage, &code, "boss").is_ok());
}

#[test]
fn a_code_counts_no_more_once_there_is_an_administrator() {
    let stage = Stage::new();
    let code = issue(&stage).unwrap();
    block_on(stage.server.update_user(&stage.user.id, &|user| user.scopes = vec!["bursar:admin".to_owned()]))
        .unwrap();
    assert!(matches!(claim(&stage, &code, "boss"), Err(FirstCodeError::NotFirst)));
}

#[test]
fn of_many_who_show_the_code_at_once_one_becomes_administrator() {
    let stage = Stage::new();
    let code = issue(&stage).unwrap();
    let made = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8)
            .map(|number| {
                let (stage, code) = (stage.clone(), code.clone());
                scope.spawn(move || claim(&stage, &code, &format!("boss{number}")).is_ok())
            })
            .collect();
        tries.into_iter().map(|tried| tried.join().unwrap()).filter(|made| *made).count()
    });
    assert_eq!(made, 1);
}

#[test]
fn the_store_holds_no_code() {
    let stage = Stage::new();
    let code = issue(&stage).unwrap();
    let mut backup = Vec::new();
    block_on(stage.world.store.backup(&mut backup)).unwrap();
    let text = String::from_utf8(backup).unwrap();
    assert!(text.contains("first_code"));
    assert!(!text.contains(&code.expose()[4..]));
}

fn issue(stage: &Stage) -> Option<Secret> {
    block_on(stage.server.issue_first_code()).unwrap()
}

fn claim(stage: &Stage, code: &Secret, username: &str) -> Result<User, FirstCodeError> {
    block_on(stage.server.claim_first_code(code, username, Secret::new("correct horse")))
}
