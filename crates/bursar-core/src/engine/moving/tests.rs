//! Backups, copies and moves, on stores in memory.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::executor::block_on;
use futures::future::BoxFuture;

use super::migration::{MigrationError, Moved, Step};
use super::{BackupError, Contents};
use crate::engine::broker::HandOutError;
use crate::engine::test_world::{World, is, refused, tokens};
use crate::engine::{Engine, Ports};
use crate::lifecycle::failure::CauseKind;
use crate::lifecycle::journal::Journal;
use crate::lifecycle::reference::AccountReference;
use crate::memory::MemoryStore;
use crate::memory::clock::ManualClock;
use crate::ports::clock::Clock;
use crate::ports::document;
use crate::ports::event::Event;
use crate::ports::key_source::{CreatedKey, KeyError, KeySources, MasterKey};
use crate::ports::store::{Incarnation, Origin, Space, Store, StoreError};
use crate::secret::Secret;

const HOUR: Duration = Duration::from_hours(1);

fn backed_up(world: &World) -> Vec<u8> {
    let mut file = Vec::new();
    block_on(world.engine.back_up(&mut file)).unwrap();
    file
}

fn empty(world: &World) -> Engine {
    world.engine.on_store(Arc::new(MemoryStore::new(world.clock.clone(), "unused")))
}

fn restored(engine: &Engine, mut file: &[u8]) -> Result<super::Backup, BackupError> {
    block_on(engine.restore_backup(&mut file))
}

fn life(engine: &Engine) -> Incarnation {
    block_on(engine.waiting()).unwrap().incarnation
}

#[test]
fn a_backup_shows_nothing_and_is_restored_whole() {
    let world = World::new("", |_| tokens("access-secret", Some("refresh-secret")));
    let account = world.log_in();
    let file = backed_up(&world);
    for hidden in ["access-secret", "refresh-secret", "account", "logged_in"] {
        assert!(!file.windows(hidden.len()).any(|part| part == hidden.as_bytes()), "{hidden} can be read");
    }
    let copy = empty(&world);
    let backup = restored(&copy, &file).unwrap();
    assert_eq!(backup.incarnation, "first");
    assert!(backup.contents.records >= 2 && backup.contents.events == 1, "{:?}", backup.contents);
    let origin = Origin::Restored {
        from: "first".into(),
        source_is_dead: false,
        grants_stand: false,
        honours_from: None,
    };
    assert_eq!(life(&copy).origin, origin);
    let copied = World::on(copy.ports().store.clone(), world.clock.clone(), "", |_| refused("unreachable"));
    assert_eq!(copied.account(&account.reference), world.account(&account.reference));
    assert!(is(&copied.hand_out(&account.reference).unwrap().token, "access-secret"));
}

#[test]
fn a_backup_is_checked_without_a_store() {
    let world = World::new("", |_| tokens("a1", Some("r1")));
    world.log_in();
    let mut file = Vec::new();
    let written = block_on(world.engine.back_up(&mut file)).unwrap();
    assert_eq!(block_on(world.engine.check_backup(&mut file.as_slice())).unwrap(), written);
    assert_ne!(written.contents, Contents::default());
}

#[test]
fn without_a_vault_there_is_no_backup() {
    let world = World::new("", |_| tokens("a1", None));
    let refused = block_on(world.engine.back_up(&mut Vec::new()));
    assert!(matches!(refused, Err(BackupError::NoVault)), "{refused:?}");
}

#[derive(Debug)]
struct AnotherKey;

impl KeySources for AnotherKey {
    fn existing<'a>(&'a self, _recorded: &'a str) -> BoxFuture<'a, Result<MasterKey, KeyError>> {
        Box::pin(async { Ok(MasterKey::new([8; 32])) })
    }

    fn create(&self) -> BoxFuture<'_, Result<CreatedKey, KeyError>> {
        Box::pin(async { Ok(CreatedKey { key: MasterKey::new([8; 32]), recorded: "another".into() }) })
    }
}

#[test]
fn a_wrong_key_is_told_apart_from_damage() {
    let world = World::new("", |_| tokens("a1", Some("r1")));
    world.log_in();
    let file = backed_up(&world);
    let copy = empty(&world);
    let ports = Ports { key_sources: Arc::new(AnotherKey), ..copy.ports().clone() };
    let stranger = Engine::new(ports, copy.space().clone());
    assert!(matches!(restored(&stranger, &file), Err(BackupError::WrongMasterKey)));
    for at in (0..file.len()).step_by(7) {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        let refused = restored(&copy, &damaged);
        let told = matches!(refused, Err(BackupError::Damaged(_) | BackupError::NotABackup));
        assert!(told, "byte {at}: {refused:?}");
    }
    for length in [0, 1, 100, file.len() / 2, file.len() - 1] {
        let refused = restored(&copy, &file[..length]);
        let told = matches!(refused, Err(BackupError::Damaged(_) | BackupError::NotABackup));
        assert!(told, "{length} bytes: {refused:?}");
    }
    assert!(matches!(restored(&copy, b"{\"a\":1}\nx\n"), Err(BackupError::NotABackup)));
    assert_eq!(life(&copy).origin, Origin::Fresh, "nothing has changed");
    restored(&copy, &file).unwrap();
}

#[test]
fn a_newer_backup_is_refused_by_its_number() {
    let world = World::new("", |_| tokens("a1", Some("r1")));
    world.log_in();
    let file = backed_up(&world);
    let end = file.iter().position(|byte| *byte == b'\n').unwrap();
    let line = String::from_utf8(file[..=end].to_vec()).unwrap();
    let line = line.replace("\"bursar_backup_file\":1", "\"bursar_backup_file\":2");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, line.as_bytes());
    let digest = super::file::hexadecimal(digest.as_ref());
    let newer = [line.as_bytes(), digest.as_bytes(), b"\n", &file[end + 66..]].concat();
    let refused = restored(&empty(&world), &newer);
    assert!(matches!(refused, Err(BackupError::Newer { found: 2, known: 1 })), "{refused:?}");
}

#[test]
fn a_store_with_records_refuses_a_backup() {
    let world = World::new("", |_| tokens("a1", Some("r1")));
    world.log_in();
    let file = backed_up(&world);
    let refused = restored(&world.engine, &file);
    assert!(matches!(refused, Err(BackupError::Store(StoreError::NotEmpty))), "{refused:?}");
}

/// A copy of a world in which `test:work` is logged in, whose provider declares `policy` and counts refreshes.
fn copy_of_a_login(policy: &str) -> (World, AccountReference, Arc<AtomicUsize>) {
    let original = World::new(policy, |_| tokens("a1", Some("r1")));
    let reference = original.log_in().reference;
    let copy = empty(&original);
    restored(&copy, &backed_up(&original)).unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let world = World::on(copy.ports().store.clone(), original.clock.clone(), policy, move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        tokens("a2", Some("r2"))
    });
    (world, reference, calls)
}

#[test]
fn a_copy_whose_original_is_confirmed_dead_follows_the_table_of_open_journals() {
    for (policy, while_the_token_lives) in
        [("reuse = \"harmless\"", 1), ("reuse = \"revoke_family\"", 0), ("", 0)]
    {
        let (copy, reference, calls) = copy_of_a_login(policy);
        let asked = block_on(copy.engine.refresh(&reference, Duration::from_mins(1)));
        let Err(HandOutError::TryLater { cause, .. }) = asked else { panic!("{asked:?}") };
        assert_eq!(cause.kind, CauseKind::UnconfirmedCopy);
        assert_eq!(block_on(copy.engine.confirm_source_is_dead()).unwrap(), 1);
        let Some(Journal { attempts: 1, cause: Some(_), .. }) = copy.account(&reference).journal else {
            panic!("its last refreshes are not known: {:?}", copy.account(&reference))
        };
        let _either = block_on(copy.engine.refresh(&reference, Duration::from_mins(1)));
        copy.settle();
        assert_eq!(calls.load(Ordering::SeqCst), while_the_token_lives, "{policy}");
        copy.clock.advance(HOUR);
        assert!(is(&copy.hand_out(&reference).unwrap().token, "a2"), "{policy}");
        assert_eq!(calls.load(Ordering::SeqCst), while_the_token_lives + 1, "{policy}");
        assert_eq!(block_on(copy.engine.confirm_source_is_dead()).unwrap(), 0, "once is enough");
    }
}

/// Does something while a thread moves the clock whenever somebody waits, so that nobody waits for ever.
fn while_time_passes<T>(world: &World, act: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                if world.clock.sleepers() > 0 {
                    world.clock.advance(Duration::from_millis(100));
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let outcome = act();
        done.store(true, Ordering::SeqCst);
        outcome
    })
}

fn moved(world: &World, target: &Engine, steps: &mut Vec<Step>) -> Result<Moved, MigrationError> {
    let mut tell = |step| steps.push(step);
    while_time_passes(world, || {
        block_on(world.engine.migrate(target, "elsewhere", &mut Cursor::new(Vec::new()), &mut tell))
    })
}

fn write(store: &dyn Store) -> Result<(), StoreError> {
    block_on(store.append(&Space::System, vec![Event::new(jiff::Timestamp::UNIX_EPOCH, "test", "")]))
}

#[test]
fn a_move_takes_everything_along_and_leaves_the_source_sealed() {
    let world = World::new("", |_| tokens("a1", Some("r1")));
    let account = world.log_in();
    let target = empty(&world);
    let mut steps = Vec::new();
    let done = moved(&world, &target, &mut steps).unwrap();
    assert_eq!((done.from.as_str(), done.counts["account"]), ("first", 1));
    assert!(steps.starts_with(&[Step::Reading, Step::Writing, Step::Comparing]), "{steps:?}");
    let origin = Origin::Restored {
        from: "first".into(),
        source_is_dead: true,
        grants_stand: true,
        honours_from: None,
    };
    assert_eq!(life(&target).origin, origin);
    assert_eq!(write(&*world.store), Err(StoreError::Moved("elsewhere".into())));
    // Its logins go on without a question, because nobody else can refresh them.
    let there =
        World::on(target.ports().store.clone(), world.clock.clone(), "", |_| tokens("a2", Some("r2")));
    there.clock.advance(HOUR);
    assert!(is(&there.hand_out(&account.reference).unwrap().token, "a2"));
    // Begun again, it is found to be complete, and there is no way back.
    assert!(moved(&world, &target, &mut Vec::new()).unwrap().counts.is_empty());
    let cancelled = block_on(world.engine.cancel_migration(&target, "elsewhere"));
    assert!(matches!(cancelled, Err(MigrationError::Complete)), "{cancelled:?}");
}

#[test]
fn a_move_takes_along_that_everything_was_taken_back() {
    let world = World::new("", |_| tokens("a1", Some("r1")));
    world.log_in();
    let copy = empty(&world);
    restored(&copy, &backed_up(&world)).unwrap();
    block_on(copy.let_new_grants_stand()).unwrap();
    let revoked = life(&copy).honours_from();
    assert!(revoked.is_some_and(|revoked| revoked > world.now()), "{revoked:?}");
    let target = empty(&world);
    let spool = &mut Cursor::new(Vec::new());
    while_time_passes(&world, || block_on(copy.migrate(&target, "elsewhere", spool, &mut |_| {}))).unwrap();
    assert_eq!(life(&target).honours_from(), revoked);
}

#[test]
fn a_source_that_does_not_tell_in_time_whether_it_is_idle_is_not_sealed() {
    let world = World::new("", |_| tokens("a1", Some("r1")));
    world.log_in();
    let target = empty(&world);
    let clock = Arc::new(Running(ManualClock::clone(&world.clock)));
    let slow = Engine::new(Ports { clock, ..world.engine.ports().clone() }, world.engine.space().clone());
    let ended = block_on(slow.migrate(&target, "elsewhere", &mut Cursor::new(Vec::new()), &mut |_| {}));
    assert!(matches!(ended, Err(MigrationError::Slow)), "{ended:?}");
    assert_eq!(write(&*world.store), Ok(()));
    moved(&world, &target, &mut Vec::new()).unwrap();
}

#[test]
fn a_move_that_is_called_off_leaves_a_store_that_serves_and_a_copy_that_does_not() {
    let world = World::new("", |_| tokens("a1", Some("r1")));
    let account = world.log_in();
    let target = empty(&world);
    let gone = block_on(world.engine.cancel_migration(&target, "elsewhere"));
    assert!(matches!(gone, Err(MigrationError::NotBegun)), "{gone:?}");
    // A spool that cannot be written stops it after the seal.
    let spool = Cursor::new([0_u8; 10]);
    let stopped = block_on(world.engine.migrate(&target, "elsewhere", &mut Fixed(spool), &mut |_| {}));
    assert!(matches!(stopped, Err(MigrationError::Copy(_))), "{stopped:?}");
    assert_eq!(write(&*world.store), Err(StoreError::Moved("elsewhere".into())));
    world.clock.advance(HOUR);
    assert!(world.hand_out(&account.reference).is_err(), "nothing is refreshed that could not be kept");
    let elsewhere =
        block_on(world.engine.migrate(&target, "third", &mut Cursor::new(Vec::new()), &mut |_| {}));
    assert!(matches!(elsewhere, Err(MigrationError::OtherTarget { .. })), "{elsewhere:?}");
    block_on(world.engine.cancel_migration(&target, "elsewhere")).unwrap();
    assert!(world.hand_out(&account.reference).is_ok());
    assert_eq!(write(&*world.store), Ok(()));
}

#[test]
fn a_move_is_called_off_by_its_own_target_only() {
    let world = World::new("", |_| tokens("a1", Some("r1")));
    world.log_in();
    let target = empty(&world);
    moved(&world, &target, &mut Vec::new()).unwrap();
    let typo = block_on(world.engine.cancel_migration(&empty(&world), "nowhere"));
    assert!(matches!(typo, Err(MigrationError::OtherTarget { .. })), "{typo:?}");
    // It has gone on from there: what was here lives in the third.
    let third = empty(&world);
    let spool = &mut Cursor::new(Vec::new());
    while_time_passes(&world, || block_on(target.migrate(&third, "third", spool, &mut |_| {}))).unwrap();
    let back = block_on(world.engine.cancel_migration(&target, "elsewhere"));
    assert!(matches!(back, Err(MigrationError::Complete)), "{back:?}");
    assert_eq!(write(&*world.store), Err(StoreError::Moved("elsewhere".into())));
}

#[test]
fn a_move_that_is_called_off_while_it_runs_never_arrives() {
    for moment in [Step::Reading, Step::Comparing, Step::LettingOthersHear] {
        let world = World::new("", |_| tokens("a1", Some("r1")));
        world.log_in();
        let target = empty(&world);
        let (source, copy) = (world.engine.clone(), target.clone());
        let mut call_off = |step: Step| {
            if step == moment {
                let (source, copy) = (source.clone(), copy.clone());
                let calling =
                    std::thread::spawn(move || block_on(source.cancel_migration(&copy, "elsewhere")));
                calling.join().unwrap().unwrap();
            }
        };
        let ended = while_time_passes(&world, || {
            block_on(world.engine.migrate(&target, "elsewhere", &mut Cursor::new(Vec::new()), &mut call_off))
        });
        assert!(ended.is_err(), "{moment:?}: {ended:?}");
        assert_eq!(write(&*world.store), Ok(()), "{moment:?}: the source serves");
        assert!(block_on(target.is_suspended()).unwrap(), "{moment:?}");
    }
}

/// Seconds pass whenever somebody looks at the stopwatch.
#[derive(Debug)]
struct Running(ManualClock);

impl Clock for Running {
    fn now(&self) -> jiff::Timestamp {
        self.0.now()
    }

    fn stopwatch(&self) -> Duration {
        self.0.advance(Duration::from_secs(6));
        self.0.stopwatch()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration)
    }
}

/// A spool on a disk that is full at once.
struct Fixed(Cursor<[u8; 10]>);

impl std::io::Read for Fixed {
    fn read(&mut self, wanted: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(wanted)
    }
}

impl std::io::Write for Fixed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl std::io::Seek for Fixed {
    fn seek(&mut self, place: std::io::SeekFrom) -> std::io::Result<u64> {
        self.0.seek(place)
    }
}

#[test]
fn a_move_goes_only_into_another_store_that_is_empty() {
    let world = World::new("", |_| tokens("a1", Some("r1")));
    world.log_in();
    let same = world.engine.on_store(world.store.clone());
    assert!(matches!(moved(&world, &same, &mut Vec::new()), Err(MigrationError::SameStore)));
    let inhabited = empty(&world);
    block_on(inhabited.create_vault()).unwrap();
    assert!(matches!(moved(&world, &inhabited, &mut Vec::new()), Err(MigrationError::NotEmpty)));
    assert_eq!(write(&*world.store), Ok(()), "nothing was sealed");
}

#[test]
fn a_move_waits_for_a_refresh_whose_answer_would_be_lost() {
    let world = World::new("", |_| tokens("a1", Some("r1")));
    let account = world.log_in();
    let stored = block_on(world.engine.account(&account.reference)).unwrap();
    let fingerprint = Secret::new("r1").fingerprint();
    let open = crate::lifecycle::transition::open_journal(stored.document, fingerprint, world.now());
    let expected = crate::ports::store::Expected::Version(stored.version);
    let batch = document::put(world.engine.batch(), &open, expected).unwrap();
    block_on(world.store.commit(batch)).unwrap();
    let mut steps = Vec::new();
    moved(&world, &empty(&world), &mut steps).unwrap();
    assert_eq!(steps.first(), Some(&Step::Waiting(1)), "until no call takes so long");
}
