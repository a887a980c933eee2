//! A data key that is replaced in the middle of everybody's life: whatever is out there goes on.

use std::num::NonZeroU32;

use futures::executor::block_on;
use jiff::SignedDuration;
use serde_json::json;

use super::device::{allow, begin, poll, television};
use super::pushed::{agree, bring, push};
use super::registration::{confidential, proves, register, said};
use super::stage::{Stage, parameter};
use crate::engine::issuer::minting::OPAQUE_TOKEN_PREFIX;
use crate::engine::issuer::records::resource::TokenFormat;
use crate::engine::sandboxes::{NewSandbox, Sandbox, SandboxName, SandboxSettings, Sandboxes};
use crate::engine::test_world::{World, is, tokens};
use crate::engine::vault::rekeying::{Rekeyer, Step};
use crate::ports::store::{EventQuery, Space};
use crate::secret::Sealed;

/// The key before stays for a minute.
fn announce(stage: &Stage) {
    block_on(stage.server.announce_data_keys(SignedDuration::from_mins(1))).unwrap();
}

/// Does what can be done now, and waits for what comes next; whether there is anything.
fn go_on(stage: &Stage) -> bool {
    let rate = NonZeroU32::new(1000).unwrap();
    let rekeyer = Rekeyer::new(stage.world.engine.clone(), stage.server.rules().made_lives(), rate);
    loop {
        match block_on(rekeyer.step(None)).unwrap() {
            Step::Worked { .. } => {}
            Step::Done => return false,
            Step::Waits { until, .. } | Step::Elsewhere { until } => {
                let wait = until.duration_since(stage.world.now());
                stage.world.clock.advance(wait.try_into().unwrap());
                return true;
            }
        }
    }
}

/// All seal with the next key from now on.
fn promote(stage: &Stage) {
    announce(stage);
    promote_announced(stage);
}

fn rekey(stage: &Stage) {
    announce(stage);
    while go_on(stage) {}
}

/// Changes the keys of the installation and of all its sandboxes, to the end.
fn rekey_everywhere(stage: &Stage) {
    announce(stage);
    let (engine, rate) = (&stage.world.engine, NonZeroU32::new(1000).unwrap());
    let rekeyer = Rekeyer::new(engine.clone(), stage.server.rules().made_lives(), rate);
    loop {
        let under_way = block_on(engine.rekeyings()).unwrap();
        let mut until = None;
        for rekeying in &under_way {
            let waits = loop {
                match block_on(rekeyer.step(rekeying.sandbox.as_ref())).unwrap() {
                    Step::Worked { .. } => {}
                    Step::Done => break None,
                    Step::Waits { until, .. } | Step::Elsewhere { until } => break Some(until),
                }
            };
            until = [until, waits].into_iter().flatten().min();
        }
        if under_way.is_empty() {
            return;
        }
        let now = stage.world.now();
        let wait = until.map_or(SignedDuration::ZERO, |until| until.duration_since(now));
        stage.world.clock.advance(wait.max(SignedDuration::ZERO).try_into().unwrap());
    }
}

fn sandbox(stage: &Stage) -> Sandbox {
    let wish = NewSandbox {
        name: SandboxName::parse("tenant").unwrap(),
        host: None,
        lifetime: None,
        settings: SandboxSettings::default(),
    };
    block_on(Sandboxes::new(stage.world.engine.clone()).add(wish)).unwrap()
}

#[test]
fn logins_and_held_accounts_of_a_sandbox_go_on_through_it() {
    for format in [TokenFormat::default(), TokenFormat::Opaque] {
        let world = World::new("", |request| {
            let is_refresh = crate::engine::test_world::parameter(request, "refresh_token").is_some();
            tokens(if is_refresh { "a2" } else { "a1" }, Some("r1"))
        });
        let around = Stage::in_world(world, format);
        let sandboxes = Sandboxes::new(around.world.engine.clone());
        let before = sandbox(&around);
        let tenant = around.within(&before, format);
        let first = tenant.log_in();
        let mut holding = around.world.clone();
        holding.engine = around.world.engine.in_sandbox(&before);
        let account = holding.log_in();

        rekey_everywhere(&around);
        let now = block_on(sandboxes.named("tenant")).unwrap().unwrap();
        assert_ne!((now.key_id, &now.data_key), (before.key_id, &before.data_key));
        let old = around.world.engine.in_sandbox(&before);
        assert!(block_on(old.vault()).is_err(), "nothing opens the key before any more");
        let tenant = tenant.again_within(&around, &now);
        assert!(tenant.is_good(&first.access_token), "{format:?}");
        assert!(!around.is_good(&first.access_token), "it is good in its sandbox only");
        assert!(block_on(tenant.server.session_of(&tenant.cookie)).unwrap().is_some());
        let second = tenant.refresh(first.refresh_token.as_ref().unwrap()).unwrap();
        assert!(tenant.is_good(&second.access_token));
        let introspected = block_on(tenant.server.introspect(&tenant.client, &second.access_token)).unwrap();
        assert_eq!(introspected.unwrap().subject, tenant.user.id);
        assert!(tenant.is_good(&tenant.log_in().access_token));
        holding.engine = around.world.engine.in_sandbox(&now);
        assert!(is(&holding.hand_out(&account.reference).unwrap().token, "a1"));
        holding.clock.advance(std::time::Duration::from_hours(1));
        assert!(is(&holding.hand_out(&account.reference).unwrap().token, "a2"), "its refresh token opens");
    }
}

#[test]
fn logins_go_on_through_it_and_tokens_stay_good_until_their_end() {
    for format in [TokenFormat::default(), TokenFormat::Opaque] {
        let stage = Stage::with_format(format);
        let code = stage.code();
        let first = stage.log_in();
        rekey(&stage);
        assert!(stage.is_good(&first.access_token), "{format:?}");
        assert!(block_on(stage.server.session_of(&stage.cookie)).unwrap().is_some());
        let later = stage.redeem(&code).unwrap();
        assert!(stage.is_good(&later.access_token));
        let second = stage.refresh(first.refresh_token.as_ref().unwrap()).unwrap();
        rekey(&stage);
        for token in [&first, &second, &later] {
            assert!(stage.is_good(&token.access_token), "{format:?}");
        }
        let third = stage.refresh(second.refresh_token.as_ref().unwrap()).unwrap();
        stage.refresh(later.refresh_token.as_ref().unwrap()).unwrap();
        stage.pass(15 * 60);
        assert!(!stage.is_good(&first.access_token) && !stage.is_good(&second.access_token));
        stage.refresh(third.refresh_token.as_ref().unwrap()).unwrap();
    }
}

#[test]
fn whoever_asks_again_while_keys_change_gets_the_same_again() {
    for format in [TokenFormat::default(), TokenFormat::Opaque] {
        let stage = Stage::with_format(format);
        let spent = stage.log_in().refresh_token.unwrap();
        announce(&stage);
        let second = stage.refresh(&spent).unwrap();
        promote_announced(&stage);
        stage.pass(5);
        assert_eq!(stage.said(&stage.refresh(&spent).unwrap()), stage.said(&second), "{format:?}");
        let spent = second.refresh_token.unwrap();
        let third = stage.refresh(&spent).unwrap();
        assert_eq!(stage.said(&stage.refresh(&spent).unwrap()), stage.said(&third), "{format:?}");
        // A second server that looked a moment before has the same keys.
        let other = stage.clone().ruled(|_| {});
        assert_eq!(other.said(&other.refresh(&spent).unwrap()), other.said(&third), "{format:?}");
    }
}

fn promote_announced(stage: &Stage) {
    assert!(go_on(stage));
    let rate = NonZeroU32::new(1000).unwrap();
    let rekeyer = Rekeyer::new(stage.world.engine.clone(), stage.server.rules().made_lives(), rate);
    assert!(matches!(block_on(rekeyer.step(None)).unwrap(), Step::Worked { .. }));
}

#[test]
fn clients_that_registered_themselves_stay_who_they_are() {
    let stage = Stage::new();
    let client = register(&stage, &confidential());
    let public = register(&stage, &said(&json!({})));
    let secret = client.secret.clone().unwrap();
    let (_, token) = client.management.clone().unwrap();
    assert!(proves(&stage, &client.client_id, &secret));
    for _ in 0..2 {
        rekey(&stage);
        assert!(proves(&stage, &client.client_id, &secret));
        assert!(block_on(stage.server.client_of(&public.client_id)).is_ok());
        let told = block_on(stage.server.registration(&client.client_id, &token)).unwrap();
        assert_eq!(told.secret.as_ref(), Some(&secret), "it is told the same again");
    }
}

#[test]
fn devices_and_pushed_requests_are_found_again() {
    let stage = television();
    let answer = begin(&stage);
    promote(&stage);
    stage.pass(5);
    allow(&stage, &answer);
    let granted = poll(&stage, &answer).unwrap();
    assert!(stage.is_good(&granted.access_token));

    let stage = Stage::new();
    let pushed = push(&stage, &[]).unwrap();
    promote(&stage);
    stage.pass(5);
    let brought = agree(&stage, bring(&stage, &stage.client.id, &pushed, &[]));
    assert!(stage.redeem(&parameter(&brought, "code").unwrap()).is_ok());
}

#[test]
fn nonces_count_on_both_sides_of_it() {
    let stage = Stage::new();
    let nonce = block_on(stage.server.proof_nonce()).unwrap();
    promote(&stage);
    stage.pass(5);
    let next = block_on(stage.server.proof_nonce()).unwrap();
    assert_ne!(nonce, next);
    let secrets = block_on(stage.server.secrets()).unwrap();
    let now = stage.server.now();
    assert!(secrets.proof_nonces.accept(&nonce, now) && secrets.proof_nonces.accept(&next, now));
}

#[test]
fn what_was_made_with_a_key_that_is_gone_ends_with_the_longest_life_of_its_kind() {
    let stage = Stage::with_format(TokenFormat::Opaque);
    let first = stage.log_in();
    let pieces = || {
        let secrets = block_on(stage.server.secrets()).unwrap();
        let spent = first.refresh_token.as_ref().unwrap();
        let opaque = first.access_token.expose().strip_prefix(OPAQUE_TOKEN_PREFIX).unwrap();
        let opaque = Sealed(opaque.to_owned());
        (secrets.refresh_tokens.read(spent).is_some(), secrets.opaque.open(b"", &opaque).is_some())
    };
    rekey(&stage);
    assert_eq!(pieces(), (true, true));
    stage.pass(25 * 3600);
    assert_eq!(pieces(), (true, false));
    stage.pass(90 * 24 * 3600);
    assert_eq!(pieces(), (false, false));
}

#[test]
fn whoever_asks_for_new_keys_is_named_and_sandboxes_cannot() {
    let stage = Stage::new();
    stage.log_in();
    let minute = SignedDuration::from_mins(1);
    assert_eq!(block_on(stage.server.acting_as("boss").announce_data_keys(minute)).unwrap(), 1);
    let query = EventQuery { after: 0, subject: Some("vault".to_owned()), limit: 10 };
    let events = block_on(stage.world.store.events(&Space::System, query)).unwrap().value;
    let begun = events.into_iter().find(|stored| stored.event.name == "vault.rekeying").unwrap().event;
    assert_eq!((&begun.detail["actor"], &begun.detail["key"]), (&json!("boss"), &json!(2)));
    let tenant = stage.within(&sandbox(&stage), TokenFormat::default());
    assert!(block_on(tenant.server.announce_data_keys(minute)).is_err());
}
