//! Signing keys: which one signs when others come, retire and are taken away.

use futures::executor::block_on;

use super::stage::Stage;
use crate::engine::issuer::answer::TokenAnswer;
use crate::engine::issuer::records::signing_key::{SIGNING_KEY, SigningKeyRecord};
use crate::oauth::jose;
use crate::ports::document;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// The key of one's time, and its successor.
fn succeeded(stage: &Stage) -> (SigningKeyRecord, SigningKeyRecord) {
    stage.log_in();
    assert_eq!(block_on(stage.server.renew_keys()).unwrap(), 1);
    let keys = block_on(stage.server.keys()).unwrap();
    let (old, new): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.signs_until.is_some());
    (old[0].clone(), new[0].clone())
}

fn key(stage: &Stage, id: &str) -> Option<SigningKeyRecord> {
    block_on(stage.server.keys()).unwrap().into_iter().find(|key| key.id == id)
}

fn signer_of(answer: &TokenAnswer) -> String {
    jose::decode(answer.access_token.expose()).unwrap().header["kid"].as_str().unwrap().to_owned()
}

#[test]
fn whoever_comes_before_a_removed_key_signs_on_and_is_succeeded_like_all_others() {
    // The successor waits, and signs already.
    for waited in [0, 25 * HOUR] {
        let stage = Stage::new();
        let (old, new) = succeeded(&stage);
        stage.pass(waited);
        let expected = if waited == 0 { &old.id } else { &new.id };
        assert_eq!(signer_of(&stage.log_in()), *expected);
        assert!(block_on(stage.server.remove_key(&new.id)).unwrap());
        let back = key(&stage, &old.id).unwrap();
        assert_eq!((back.signs_until, back.published_until), (None, None));
        assert_eq!(signer_of(&stage.log_in()), old.id);
        stage.pass(100 * DAY);
        let stage = stage.another("later");
        let token = stage.log_in();
        assert_eq!(signer_of(&token), old.id, "published for as long as it signs");
        assert!(stage.is_good(&token.access_token));
        assert_eq!(block_on(stage.server.rotate_keys()).unwrap(), 1);
        stage.pass(25 * HOUR);
        assert_ne!(signer_of(&stage.log_in()), old.id);
    }
}

#[test]
fn a_key_taken_out_of_the_middle_leaves_no_time_without_one() {
    let stage = Stage::new();
    let (old, middle) = succeeded(&stage);
    stage.pass(HOUR);
    assert_eq!(block_on(stage.server.renew_keys()).unwrap(), 1);
    let until = key(&stage, &middle.id).unwrap().signs_until.unwrap();
    assert!(block_on(stage.server.remove_key(&middle.id)).unwrap());
    let old = key(&stage, &old.id).unwrap();
    assert_eq!(old.signs_until, Some(until));
    assert!(old.published_until.unwrap() > until);
    // One whose time was over has no place to be taken.
    stage.pass(2 * DAY);
    let (_, last) = (stage.log_in(), block_on(stage.server.keys()).unwrap().pop().unwrap());
    assert!(block_on(stage.server.remove_key(&old.id)).unwrap());
    assert_eq!(key(&stage, &last.id), Some(last));
}

#[test]
fn a_key_whose_time_is_over_signs_nothing_even_if_there_is_no_other() {
    let stage = Stage::new();
    let (old, new) = succeeded(&stage);
    stage.pass(25 * HOUR);
    // As an earlier build has left it.
    let stored = document::get::<SigningKeyRecord>(stage.server.store(), stage.server.space(), &new.id);
    let version = block_on(stored).unwrap().value.unwrap().version;
    let batch = stage.server.engine().batch().delete(&SIGNING_KEY, new.id.clone(), version);
    block_on(stage.server.store().commit(batch)).unwrap();
    let token = stage.log_in();
    assert!(![&old.id, &new.id].contains(&&signer_of(&token)));
    assert!(stage.is_good(&token.access_token));
}
