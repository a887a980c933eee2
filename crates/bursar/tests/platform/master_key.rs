//! Which place counts for the master key, and every place but the keychain.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar::config::environment::Environment;
use bursar::config::meaning::VaultConfig;
use bursar::config::paths::Paths;
use bursar::master_key::{Backend, MasterKeys, RecordedBackend};
use bursar::system::{SystemClock, SystemRandom};
use bursar_core::ports::key_source::{KeyError, KeySources as _, MasterKey};

/// A home and the variables around it; no session bus, so no keychain.
struct World {
    folder: tempfile::TempDir,
    config: VaultConfig,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), config: VaultConfig::default() }
    }

    fn keys(&self, pairs: &[(&str, &str)]) -> MasterKeys {
        let home = self.folder.path().to_str().unwrap();
        let pairs = pairs.iter().copied().chain([("BURSAR_HOME", home)]);
        let environment = Environment::from_pairs(pairs);
        let paths = Paths::resolve(&environment).unwrap();
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        MasterKeys::new(environment, paths, self.config.clone(), clock, random)
    }

    fn file(&self, name: &str, text: &str, mode: u32) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn text(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

fn hint(error: &KeyError) -> &str {
    match error {
        KeyError::Locked { hint, .. } | KeyError::Unavailable { hint, .. } => hint,
    }
}

fn recorded(text: &str) -> RecordedBackend {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn a_new_vault_without_a_keychain_gets_a_private_key_file_and_the_user_is_told() {
    let world = World::new();
    let keys = world.keys(&[]);
    let created = keys.create().await.unwrap();
    assert_eq!(recorded(&created.recorded), RecordedBackend::KeyFile { path: None });
    let path = world.folder.path().join("master.key");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o600);
    let notice = keys.take_notice().unwrap();
    assert!(notice.contains(path.to_str().unwrap()), "{notice}");
    assert_eq!(keys.take_notice(), None);
    assert_eq!(world.keys(&[]).existing(&created.recorded).await.unwrap(), created.key);
    let again = world.keys(&[]).create().await.unwrap();
    assert_eq!(
        (again.key, again.recorded),
        (created.key, created.recorded),
        "an old key is never overwritten"
    );
}

#[tokio::test]
async fn the_environments_word_wins_in_the_documented_order() {
    let world = World::new();
    let file = world.file("file", &text(1), 0o600);
    let passphrase = world.file("passphrase", "correct horse\n", 0o600);
    let all = [
        ("BURSAR_MASTER_KEY_FILE", file.as_str()),
        ("BURSAR_MASTER_KEY", &text(2)),
        ("BURSAR_PASSPHRASE_FILE", &passphrase),
    ];
    let kept = r#"{"backend":"keychain","entry":"e"}"#;
    assert_eq!(world.keys(&all).existing(kept).await.unwrap(), MasterKey::new([1; 32]));
    assert_eq!(world.keys(&all[1..]).existing(kept).await.unwrap(), MasterKey::new([2; 32]));
    let choice = world.keys(&all).choice(kept).unwrap();
    assert_eq!((choice.backend, choice.origin), (Backend::KeyFile, format!("BURSAR_MASTER_KEY_FILE={file}")));
    let choice = world.keys(&all[1..]).choice(kept).unwrap();
    assert_eq!((choice.backend, choice.origin.as_str()), (Backend::Environment, "BURSAR_MASTER_KEY"));
    let error = world.keys(&all[2..]).existing(kept).await.unwrap_err();
    assert!(hint(&error).contains("unset BURSAR_PASSPHRASE_FILE"), "{error}");
}

#[tokio::test]
async fn a_recorded_keychain_that_is_gone_is_an_error_and_never_another_place() {
    let world = World::new();
    world.file("master.key", &text(1), 0o600);
    let error = world.keys(&[]).existing(r#"{"backend":"keychain","entry":"e"}"#).await.unwrap_err();
    assert!(error.to_string().contains("keychain"), "{error}");
    assert!(hint(&error).contains("BURSAR_MASTER_KEY_FILE"), "{error}");
}

#[tokio::test]
async fn a_configuration_that_contradicts_the_vault_is_refused() {
    let mut world = World::new();
    world.config.key = Some(Backend::Passphrase);
    let error = world.keys(&[]).existing(r#"{"backend":"key_file","path":null}"#).await.unwrap_err();
    assert!(hint(&error).contains("[vault] in config.toml"), "{error}");
}

#[tokio::test]
async fn key_files_others_can_read_or_without_a_key_are_refused() {
    let world = World::new();
    for (mode, content, word) in [
        (0o640, text(1), "chmod 600"),
        (0o604, text(1), "chmod 600"),
        (0o600, "hunter2".to_owned(), "openssl rand"),
        (0o600, String::new(), "openssl rand"),
    ] {
        let file = world.file("file", &content, mode);
        let keys = world.keys(&[("BURSAR_MASTER_KEY_FILE", &file)]);
        let error = keys.existing(r#"{"backend":"environment"}"#).await.unwrap_err();
        assert!(hint(&error).contains(word), "{mode:o} {error}: {}", hint(&error));
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn a_passphrase_opens_what_it_closed_and_nobody_is_asked_without_a_terminal() {
    let world = World::new();
    let file = world.file("passphrase", "correct horse\n", 0o600);
    let given = [("BURSAR_PASSPHRASE_FILE", file.as_str())];
    let created = world.keys(&given).create().await.unwrap();
    let RecordedBackend::Passphrase(parameters) = recorded(&created.recorded) else {
        panic!("{}", created.recorded);
    };
    assert_eq!((parameters.m, parameters.t, parameters.p), (64 * 1024, 3, 1));
    assert_eq!(world.keys(&given).existing(&created.recorded).await.unwrap(), created.key);
    let error = world.keys(&[]).existing(&created.recorded).await.unwrap_err();
    assert!(matches!(error, KeyError::Locked { .. }), "{error}");
    let other = world.file("passphrase", "correct horsf\n", 0o600);
    let wrong = world.keys(&[("BURSAR_PASSPHRASE_FILE", &other)]).existing(&created.recorded).await.unwrap();
    assert_ne!(wrong, created.key);
}

#[tokio::test]
async fn a_short_new_passphrase_is_refused() {
    let world = World::new();
    let file = world.file("passphrase", "hunter2\n", 0o600);
    let error = world.keys(&[("BURSAR_PASSPHRASE_FILE", &file)]).create().await.unwrap_err();
    assert!(error.to_string().contains("8 characters"), "{error}");
}

#[tokio::test]
async fn a_key_given_in_the_environment_is_recorded_and_missed_later() {
    let world = World::new();
    let created = world.keys(&[("BURSAR_MASTER_KEY", &text(7))]).create().await.unwrap();
    assert_eq!(created.key, MasterKey::new([7; 32]));
    assert_eq!(recorded(&created.recorded), RecordedBackend::Environment);
    let error = world.keys(&[]).existing(&created.recorded).await.unwrap_err();
    assert!(error.to_string().contains("BURSAR_MASTER_KEY is not set"), "{error}");
}

#[tokio::test]
async fn a_key_laid_out_beforehand_is_used_and_a_missing_one_is_made() {
    let world = World::new();
    let laid_out = world.file("laid-out", &text(3), 0o600);
    let created = world.keys(&[("BURSAR_MASTER_KEY_FILE", &laid_out)]).create().await.unwrap();
    assert_eq!(created.key, MasterKey::new([3; 32]));
    let missing = world.folder.path().join("missing").to_str().unwrap().to_owned();
    let created = world.keys(&[("BURSAR_MASTER_KEY_FILE", &missing)]).create().await.unwrap();
    assert_eq!(world.keys(&[]).existing(&created.recorded).await.unwrap(), created.key);
}

#[tokio::test]
async fn the_command_names_the_place_of_a_new_key() {
    let world = World::new();
    let keys = world.keys(&[]).wanting(Backend::KeyFile);
    let created = keys.create().await.unwrap();
    assert_eq!(recorded(&created.recorded), RecordedBackend::KeyFile { path: None });
    assert_eq!(keys.take_notice(), None, "who asked for it need not be told");
    let error = world.keys(&[]).wanting(Backend::Keychain).create().await.unwrap_err();
    assert!(error.to_string().contains("D-Bus"), "{error}");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_told() {
    let world = World::new();
    for damaged in ["", "{}", r#"{"backend":"carrier_pigeon"}"#] {
        let error = world.keys(&[]).existing(damaged).await.unwrap_err();
        assert!(hint(&error).contains("restore"), "{error}");
    }
}

/// Runs one test of this program in a child whose descriptor 9 is prepared by the shell.
fn in_child(test: &str, before: &str, after: &str, folder: &Path) -> std::process::Output {
    let script = format!("{before} \"$0\" --exact \"$1\" --nocapture {after}");
    Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .current_dir(folder)
        .env(CHILD, "1")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

const CHILD: &str = "BURSAR_TEST_DESCRIPTOR_CHILD";

#[tokio::test]
async fn a_key_on_a_descriptor_is_read_once_and_the_descriptor_closed() {
    if Environment::from_process().flag(CHILD) {
        let world = World::new();
        let keys = world.keys(&[("BURSAR_MASTER_KEY_FD", "9")]);
        let created = keys.create().await.unwrap();
        assert_eq!(created.key, MasterKey::new([5; 32]));
        assert_eq!(recorded(&created.recorded), RecordedBackend::FileDescriptor);
        assert!(!Path::new("/proc/self/fd/9").exists(), "closed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), text(5) + "\n").unwrap();
    let name = "platform::master_key::a_key_on_a_descriptor_is_read_once_and_the_descriptor_closed";
    // A file and a pipe.
    for (before, after) in [("", "9< key"), ("cat key |", "9<&0 < /dev/null")] {
        let output = in_child(name, before, after, folder.path());
        assert!(output.status.success(), "{after}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the child ran the test");
    }
}

#[tokio::test]
async fn a_silent_or_wrong_descriptor_is_an_error_within_its_limit() {
    let world = World::new();
    let (silent, writer) = rustix::pipe::pipe().unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&silent).to_string();
    let error = world.keys(&[("BURSAR_MASTER_KEY_FD", &number)]).create().await.unwrap_err();
    assert!(error.to_string().contains("silent"), "{error}");
    drop(writer);
    for number in ["0", "2", "-1", "x", "1000000"] {
        let error = world.keys(&[("BURSAR_MASTER_KEY_FD", number)]).create().await.unwrap_err();
        assert!(error.to_string().contains("file descriptor"), "{number}: {error}");
    }
}

#[test]
fn processes_that_make_one_vault_at_the_same_time_agree_on_its_key() {
    let world = World::new();
    let start = std::sync::Barrier::new(8);
    let make = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let keys = world.keys(&[]);
        start.wait();
        runtime.block_on(keys.create()).unwrap().key
    };
    let keys: Vec<MasterKey> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
}
