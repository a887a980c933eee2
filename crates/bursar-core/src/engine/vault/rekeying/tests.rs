//! Data keys that take each other's place: wherever it is interrupted, and whoever goes on.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::executor::block_on;
use jiff::SignedDuration;

use super::super::cipher::key_id;
use super::super::drawer::Drawer;
use super::super::rotation::{OldMasterKey, RotationError};
use super::super::{Place, Vault};
use super::*;
use crate::engine::records::{KINDS, Revocation};
use crate::engine::sandboxes::{NewSandbox, Sandbox, SandboxSettings, Sandboxes};
use crate::engine::test_world::{World, is, tokens};
use crate::lifecycle::reference::AccountReference;
use crate::lifecycle::refresh::Ask;
use crate::memory::clock::ManualClock;
use crate::ports::clock::Clock as _;
use crate::secret::{Sealed, Secret};

const LIVES: MadeLives = MadeLives {
    login: SignedDuration::from_hours(24 * 90),
    access_token: SignedDuration::from_hours(24),
    ticket: SignedDuration::from_hours(24 * 365),
};
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

fn rekeyer(engine: &Engine) -> Rekeyer {
    rekeyer_of(engine, LIVES)
}

fn rekeyer_of(engine: &Engine, lives: MadeLives) -> Rekeyer {
    Rekeyer::new(engine.clone(), lives, NonZeroU32::new(1000).unwrap())
}

/// Does what can be done now.
fn work(engine: &Engine, sandbox: Option<&SandboxName>) -> Step {
    work_of(&rekeyer(engine), sandbox)
}

fn work_of(rekeyer: &Rekeyer, sandbox: Option<&SandboxName>) -> Step {
    loop {
        match block_on(rekeyer.step(sandbox)).unwrap() {
            Step::Worked { .. } => {}
            other => return other,
        }
    }
}

/// Does everything, whatever it waits for.
fn finish(engine: &Engine, clock: &ManualClock) {
    finish_of(&rekeyer(engine), clock);
}

fn finish_of(rekeyer: &Rekeyer, clock: &ManualClock) {
    let engine = &rekeyer.engine;
    loop {
        let under_way = block_on(engine.rekeyings()).unwrap();
        let steps = under_way.iter().map(|rekeying| work_of(rekeyer, rekeying.sandbox.as_ref()));
        let until = steps.filter_map(|step| match step {
            Step::Waits { until, .. } | Step::Elsewhere { until } => Some(until),
            Step::Done | Step::Worked { .. } => None,
        });
        let Some(until) = until.min() else { break };
        wait(clock, until.max(clock.now()));
    }
    assert_eq!(block_on(engine.rekeyings()).unwrap(), []);
}

fn wait(clock: &ManualClock, until: Timestamp) {
    clock.advance(until.duration_since(clock.now()).try_into().unwrap());
}

/// The numbers of the keys that anything in the store is sealed with, but for the master key.
fn keys_in_use(world: &World) -> BTreeSet<u32> {
    let mut numbers: BTreeSet<u32> = everything_sealed(world).iter().filter_map(key_id).collect();
    numbers.remove(&0);
    numbers
}

/// Whatever looks sealed in any record of the whole store.
fn everything_sealed(world: &World) -> Vec<Sealed> {
    let sandboxes = block_on(Sandboxes::new(world.engine.clone()).all()).unwrap();
    let spaces = sandboxes.into_iter().map(|sandbox| Space::Sandbox(sandbox.space));
    let mut found = Vec::new();
    for space in spaces.chain([Space::System, world.engine.space.clone()]) {
        for kind in KINDS.iter().filter(|kind| kind.check_space(&space).is_ok()) {
            let records = block_on(world.store.list(&space, kind, Page::first(1000))).unwrap().value;
            let bodies = records.into_iter().map(|record| String::from_utf8(record.body).unwrap());
            let other = |letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'));
            for body in bodies {
                let texts = body.split(other).filter(|text| text.len() > 40);
                found.extend(texts.map(|text| Sealed(text.to_owned())));
            }
        }
    }
    found
}

/// An account, the client of a server, tokens to be revoked, and a sandbox.
struct Kept {
    world: World,
    reference: AccountReference,
    sandbox: Sandbox,
}

impl Kept {
    fn new() -> Self {
        Self::in_world(World::new("", |_| tokens("a1", Some("r1"))))
    }

    fn in_world(world: World) -> Self {
        let account = world.log_in();
        let engine = &world.engine;
        let vault = block_on(engine.vault()).unwrap();
        let place = Place { space: &engine.space, kind: SealedKind::Revocation, key: "gone" };
        let sealed = vault.seal(place, b"{\"refresh\":\"r0\"}", &*engine.ports.random);
        let now = engine.now();
        let revocation = Revocation {
            id: "gone".into(),
            account: crate::lifecycle::account::Account { sealed, ..account.clone() },
            since: now,
            attempts: 0,
            next_try: now,
            last_error: None,
        };
        let batch = document::put(engine.batch(), &revocation, Expected::Absent).unwrap();
        block_on(engine.ports.store.commit(batch)).unwrap();
        let wish = NewSandbox {
            name: SandboxName::parse("tenant").unwrap(),
            host: None,
            lifetime: None,
            settings: SandboxSettings::default(),
        };
        let sandbox = block_on(Sandboxes::new(engine.clone()).add(wish)).unwrap();
        Self { reference: account.reference, sandbox, world }
    }

    /// Another process on the same store.
    fn process(&self) -> Engine {
        Engine { vault: Arc::default(), ..self.world.engine.clone() }
    }

    /// Everything that is kept opens for this process.
    #[track_caller]
    fn opens(&self, engine: &Engine) {
        let ask = Ask::default();
        let handed = block_on(engine.hand_out(&self.reference, &ask, Duration::from_mins(1))).unwrap();
        assert!(is(&handed.token, "a1"));
        let store = &*engine.ports.store;
        let revocation = block_on(document::get::<Revocation>(store, &engine.space, "gone")).unwrap().value;
        let sealed = revocation.unwrap().document.account.sealed;
        let opened = block_on(engine.open_from(SealedKind::Revocation, "gone", &sealed)).unwrap();
        assert_eq!(opened.refresh, Some(Secret::new("r0")));
        let name = self.sandbox.name.as_str();
        let sandbox = block_on(document::get::<Sandbox>(store, &Space::System, name)).unwrap().value;
        block_on(engine.in_sandbox(&sandbox.unwrap().document).vault()).unwrap();
    }
}

#[test]
fn a_new_data_key_seals_everything_and_the_old_one_goes() {
    let kept = Kept::new();
    let Kept { world, .. } = &kept;
    let before = everything_sealed(world);
    let old: Arc<Vault> = block_on(world.engine.vault()).unwrap();
    assert_eq!(keys_in_use(world), BTreeSet::from([1]));
    assert_eq!(block_on(world.engine.announce_data_keys(MINUTE, LIVES, None)).unwrap(), 2);
    assert_eq!(
        block_on(world.engine.announce_data_keys(MINUTE, LIVES, None)).unwrap(),
        0,
        "they are on their way"
    );
    finish(&world.engine, &world.clock);
    kept.opens(&world.engine);
    kept.opens(&kept.process());

    // Whoever has kept the old key, and gets hold of the store of today, opens nothing in it.
    assert_eq!(keys_in_use(world), BTreeSet::from([2]));
    let now = everything_sealed(world);
    assert!(!before.is_empty() && !now.is_empty());
    let guesses: [&[u8]; 3] = [super::super::OTHER_KEY, b"test:work", b""];
    for data in guesses {
        assert!(now.iter().all(|sealed| old.key.cipher.open(data, sealed).is_none()));
    }
    let account = world.account(&kept.reference);
    let place = Place { space: &world.engine.space, kind: SealedKind::Account, key: &kept.reference.key() };
    assert!(old.open(place, &account.sealed).is_err());

    // And again.
    assert_eq!(block_on(world.engine.announce_data_keys(MINUTE, LIVES, None)).unwrap(), 2);
    finish(&world.engine, &world.clock);
    assert_eq!(keys_in_use(world), BTreeSet::from([3]));
    kept.opens(&kept.process());
}

#[test]
fn whoever_stops_after_any_step_leaves_a_store_that_opens_and_another_goes_on() {
    let kept = Kept::new();
    let Kept { world, sandbox, .. } = &kept;
    let faithful = kept.process();
    block_on(world.engine.announce_data_keys(MINUTE, LIVES, None)).unwrap();
    for number in 0.. {
        assert!(number < 200, "it comes to an end");
        let sandbox = Some(&sandbox.name).filter(|_| number % 2 == 0);
        // Somebody new every time, as if the last one had been killed.
        let engine = kept.process();
        match block_on(rekeyer(&engine).step(sandbox)).unwrap() {
            Step::Waits { until, .. } | Step::Elsewhere { until } => wait(&world.clock, until),
            Step::Worked { .. } | Step::Done => {}
        }
        kept.opens(&kept.process());
        kept.opens(&faithful);
        kept.opens(&world.engine);
        if block_on(engine.rekeyings()).unwrap().is_empty() {
            break;
        }
    }
    assert_eq!(keys_in_use(world), BTreeSet::from([2]));
}

#[test]
fn keys_from_before_stay_for_the_longest_life_that_anybody_has_told() {
    let short = MadeLives { login: MINUTE, access_token: MINUTE, ticket: MINUTE };
    for (announced, beside) in [(LIVES, None), (short, Some(LIVES))] {
        let kept = Kept::new();
        let Kept { world, sandbox, .. } = &kept;
        let engine = &world.engine;
        block_on(engine.announce_data_keys(MINUTE, announced, None)).unwrap();
        // A server that makes what lives longer comes by once, and somebody else is at it all the time.
        if let Some(lives) = beside {
            for sandbox in [None, Some(&sandbox.name)] {
                block_on(rekeyer_of(&kept.process(), lives).step(sandbox)).unwrap();
            }
        }
        finish_of(&rekeyer_of(engine, short), &world.clock);
        let store = &*engine.ports.store;
        let name = sandbox.name.as_str();
        let of_sandbox = block_on(document::get::<Sandbox>(store, &Space::System, name)).unwrap().value;
        let of_installation = block_on(engine.data_key()).unwrap().unwrap().document.succession;
        for succession in [of_installation, of_sandbox.unwrap().document.succession] {
            let kept = succession.former.iter().find(|former| former.purpose == Purpose::RefreshTokens);
            let until = kept.unwrap().until.unwrap();
            assert!(until.duration_since(world.now()) > LIVES.login - MINUTE, "{until}");
        }
    }
}

#[test]
fn two_at_once_step_aside_for_each_other() {
    let kept = Kept::new();
    let Kept { world, .. } = &kept;
    block_on(world.engine.announce_data_keys(MINUTE, LIVES, None)).unwrap();
    let Step::Waits { until, reason: Waiting::Announced } = work(&world.engine, None) else { panic!() };
    wait(&world.clock, until);
    let (one, other) = (rekeyer(&world.engine), rekeyer(&kept.process()));
    assert!(matches!(block_on(one.step(None)).unwrap(), Step::Worked { .. }));
    assert!(matches!(block_on(one.step(None)).unwrap(), Step::Worked { .. }));
    let Step::Elsewhere { until } = block_on(other.step(None)).unwrap() else { panic!() };
    assert!(matches!(block_on(one.step(None)).unwrap(), Step::Worked { .. }));
    // The first has gone away.
    wait(&world.clock, until);
    wait(&world.clock, world.now() + SignedDuration::from_secs(1));
    assert!(matches!(block_on(other.step(None)).unwrap(), Step::Worked { .. }));
}

#[test]
fn a_process_that_has_the_vault_open_needs_its_master_key_no_more() {
    let drawer = Drawer::new();
    let mut world = World::new("", |_| tokens("a1", Some("r1")));
    world.engine = drawer.process(&world);
    let kept = Kept::in_world(world);
    let world = &kept.world;
    let beside = drawer.process(world);
    kept.opens(&beside);
    block_on(world.engine.announce_data_keys(MINUTE, LIVES, None)).unwrap();
    // Nobody gets the master key from now on.
    drawer.gate.forget_permits(usize::MAX);
    let Step::Waits { until, .. } = work(&world.engine, None) else { panic!() };
    wait(&world.clock, until);
    let Step::Waits { until, .. } = work(&world.engine, None) else { panic!() };
    // It has looked neither when the key was announced nor since.
    kept.opens(&beside);
    wait(&world.clock, until);
    finish(&world.engine, &world.clock);
    kept.opens(&beside);
    kept.opens(&world.engine);
}

#[test]
fn what_is_written_with_the_old_key_while_it_stays_is_found_before_it_goes() {
    let kept = Kept::new();
    let Kept { world, .. } = &kept;
    let stale: Arc<Vault> = block_on(world.engine.vault()).unwrap();
    block_on(world.engine.announce_data_keys(MINUTE, LIVES, None)).unwrap();
    let Step::Waits { until, .. } = work(&world.engine, None) else { panic!() };
    wait(&world.clock, until);
    let Step::Waits { until, reason: Waiting::Kept } = work(&world.engine, None) else { panic!() };
    // Somebody was held up for nearly as long as the key stays.
    let engine = &world.engine;
    let place = Place { space: &engine.space, kind: SealedKind::Revocation, key: "gone" };
    let store = &*engine.ports.store;
    let found = block_on(document::get::<Revocation>(store, &engine.space, "gone")).unwrap().value.unwrap();
    let mut late = found.document;
    late.account.sealed = stale.seal(place, b"{\"refresh\":\"r0\"}", &*engine.ports.random);
    let batch = document::put(engine.batch(), &late, Expected::Version(found.version)).unwrap();
    block_on(store.commit(batch)).unwrap();
    wait(&world.clock, until);
    kept.opens(engine);
    finish(engine, &world.clock);
    assert_eq!(keys_in_use(world), BTreeSet::from([2]));
    kept.opens(&kept.process());
}

#[test]
fn a_refresh_of_which_nobody_knows_the_end_keeps_the_old_key() {
    let kept = Kept::new();
    let Kept { world, reference, .. } = &kept;
    let engine = &world.engine;
    let account = block_on(engine.account(reference)).unwrap();
    let fingerprint = account.document.refresh.as_ref().unwrap().fingerprint.clone();
    let open = crate::lifecycle::transition::open_journal(account.document.clone(), fingerprint, world.now());
    let batch = document::put(engine.batch(), &open, Expected::Version(account.version)).unwrap();
    block_on(engine.ports.store.commit(batch)).unwrap();
    block_on(engine.announce_data_keys(MINUTE, LIVES, None)).unwrap();
    let mut reasons = Vec::new();
    for _ in 0..4 {
        let Step::Waits { until, reason } = work(engine, None) else { panic!() };
        reasons.push(reason);
        wait(&world.clock, until);
    }
    assert_eq!(reasons, [Waiting::Announced, Waiting::Kept, Waiting::HeldBack, Waiting::HeldBack]);
    let latest = block_on(engine.account(reference)).unwrap();
    let settled = crate::lifecycle::account::Account { journal: None, ..latest.document };
    let batch = document::put(engine.batch(), &settled, Expected::Version(latest.version)).unwrap();
    block_on(engine.ports.store.commit(batch)).unwrap();
    finish(engine, &world.clock);
    kept.opens(engine);
}

#[test]
fn a_sandbox_that_ends_or_is_emptied_takes_its_change_along() {
    let kept = Kept::new();
    let Kept { world, sandbox, .. } = &kept;
    let sandboxes = Sandboxes::new(world.engine.clone());
    block_on(world.engine.announce_data_keys(MINUTE, LIVES, None)).unwrap();
    block_on(sandboxes.reset("tenant")).unwrap().unwrap();
    assert_eq!(work(&world.engine, Some(&sandbox.name)), Step::Done);
    kept.opens(&kept.process());
    block_on(world.engine.announce_data_keys(MINUTE, LIVES, None)).unwrap();
    assert!(block_on(sandboxes.remove("tenant")).unwrap());
    assert_eq!(work(&world.engine, Some(&sandbox.name)), Step::Done);
    assert_eq!(block_on(world.engine.rekeyings()).unwrap().len(), 1, "that of the installation");
}

#[test]
fn one_change_at_a_time() {
    let drawer = Drawer::new();
    let mut world = World::new("", |_| tokens("a1", Some("r1")));
    world.engine = drawer.process(&world);
    world.log_in();
    let engine = &world.engine;
    let rotate = |old| {
        world.settle();
        block_on(engine.rotate_master_key(None, old))
    };
    rotate(OldMasterKey::Stays).unwrap();
    let refused = block_on(engine.announce_data_keys(MINUTE, LIVES, None));
    assert!(matches!(refused, Err(RekeyError::MasterKeyChanging)), "{refused:?}");
    assert!(matches!(rotate(OldMasterKey::Goes), Err(RotationError::OldKept)));
    world.settle();
    assert!(block_on(engine.drop_old_master_key()).unwrap());
    world.settle();
    assert!(!block_on(engine.drop_old_master_key()).unwrap());
    block_on(engine.announce_data_keys(MINUTE, LIVES, None)).unwrap();
    assert!(matches!(rotate(OldMasterKey::Goes), Err(RotationError::Busy)));
    let Step::Waits { until, .. } = work(engine, None) else { panic!() };
    wait(&world.clock, until);
    work(engine, None);
    rotate(OldMasterKey::Goes).unwrap();
    finish(engine, &world.clock);
    let fresh = drawer.process(&world);
    assert!(block_on(fresh.vault()).is_ok());
}

#[test]
fn without_a_vault_there_is_nothing_to_change() {
    let world = World::new("", |_| tokens("a1", None));
    let refused = block_on(world.engine.announce_data_keys(MINUTE, LIVES, None));
    assert!(matches!(refused, Err(RekeyError::NoVault)), "{refused:?}");
    assert_eq!(work(&world.engine, None), Step::Done);
}

#[test]
fn every_kind_that_can_be_sealed_for_is_looked_at_and_named_as_its_records_are() {
    let names: BTreeSet<_> = SealedKind::ALL.iter().map(|kind| kind.record().name).collect();
    assert_eq!(names.len(), SealedKind::ALL.len());
    // Adding a kind breaks this match, and what is added here belongs into the list as well.
    for kind in SealedKind::ALL {
        let place = match kind {
            SealedKind::Account => 0,
            SealedKind::RegisteredClient => 1,
            SealedKind::SigningKey => 2,
            SealedKind::Sandbox => 3,
            SealedKind::Revocation => 4,
        };
        assert_eq!(SealedKind::ALL.iter().position(|known| *known == kind), Some(place));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.record().name);
    }
    for (place, purpose) in Purpose::ALL.into_iter().enumerate() {
        let known = match purpose {
            Purpose::RefreshTokens => 0,
            Purpose::Successors => 1,
            Purpose::OpaqueTokens => 2,
            Purpose::Tickets => 3,
            Purpose::Forms => 4,
            Purpose::RegisteredClients => 5,
            Purpose::ProofNonces => 6,
            Purpose::UserCodes => 7,
        };
        assert_eq!(known, place);
    }
}
