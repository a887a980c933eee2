//! `vault rotate`: for every place a key can be, and without ever losing the vault.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::world::{OTHER_KEY, World};
use crate::support::filters;

#[tokio::test]
async fn a_key_file_gets_another_key_and_logins_stay() {
    let _filters = filters();
    let world = World::with_key_file();
    world.log_in().await;
    let file = world.home.key_file();
    let old = std::fs::read_to_string(&file).unwrap();
    insta::assert_snapshot!(world.run(&["vault", "rotate"]).await, @"
    exit 0
    --- stdout
    --- stderr
    [OK] The vault has a new master key. What opens it: key file (BURSAR_MASTER_KEY_FILE=[FOLDER]/key)
         Programs that have it open go on; backups made before need the old key.
    ");
    let new = std::fs::read_to_string(&file).unwrap();
    assert_ne!(new, old);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(world.key_files(), [file], "nothing is left behind");
    world.opens().await;
    let examined = world.run(&["doctor"]).await;
    assert!(examined.stdout.contains("the vault opens with the key from the key file"), "{examined}");

    world.home.write_key(old.trim());
    assert_eq!(world.token().await.code, 7, "the old key opens nothing any more");
    world.home.write_key(new.trim());
    world.opens().await;
}

#[tokio::test]
async fn a_link_to_the_key_stays_a_link() {
    let mut world = World::with(&[]);
    let (link, target) = (world.home.beside("link"), world.home.key_file());
    std::os::unix::fs::symlink(&target, &link).unwrap();
    world.give("BURSAR_MASTER_KEY_FILE", link.to_str().unwrap());
    world.log_in().await;
    let old = std::fs::read(&target).unwrap();
    world.run(&["vault", "rotate"]).await.succeeded();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_ne!(std::fs::read(&target).unwrap(), old);
    world.opens().await;
}

#[tokio::test]
async fn a_key_that_nobody_committed_is_thrown_away() {
    let world = World::with_key_file();
    world.log_in().await;
    world.private("key.new", OTHER_KEY);
    world.opens().await;
    world.run(&["vault", "rotate"]).await.succeeded();
    assert_ne!(std::fs::read_to_string(world.home.key_file()).unwrap().trim(), OTHER_KEY);
    world.opens().await;
}

#[tokio::test]
async fn a_folder_that_takes_no_new_key_changes_nothing() {
    let world = World::with_key_file();
    world.log_in().await;
    let before = std::fs::read(world.home.key_file()).unwrap();
    std::fs::create_dir(world.home.beside("key.new")).unwrap();
    let refused = world.run(&["vault", "rotate"]).await;
    assert_eq!(refused.code, 7, "{refused}");
    assert_eq!(std::fs::read(world.home.key_file()).unwrap(), before);
    world.opens().await;
}

#[tokio::test]
async fn a_passphrase_gives_way_to_another() {
    let mut world = World::with_passphrase("correct horse battery");
    world.log_in().await;
    let nobody = world.run(&["vault", "rotate"]).await;
    assert_eq!(nobody.code, 7, "{nobody}");
    assert!(nobody.stderr.contains("--new-key-file"), "{nobody}");
    let short = world.private("short", "hunter2");
    let refused = world.run(&["vault", "rotate", "--new-key-file", &short]).await;
    assert!(refused.code == 7 && !refused.stderr.contains("hunter2"), "{refused}");
    world.opens().await;

    let next = world.private("next", "another horse battery");
    let rotated = world.run(&["vault", "rotate", "--new-key-file", &next, "--json"]).await.succeeded();
    assert!(rotated.stderr.contains("write the new passphrase into"), "{rotated}");
    let document: Value = serde_json::from_str(&rotated.stdout).unwrap();
    assert_eq!((&document["rotated"], &document["key"]), (&true.into(), &"passphrase".into()));
    assert!(document["to_do"].as_str().unwrap().contains("passphrase"), "{document}");
    assert_eq!(world.token().await.code, 7, "the old one opens nothing");
    world.give("BURSAR_PASSPHRASE_FILE", &next);
    world.opens().await;
}

#[tokio::test]
async fn a_key_that_is_given_is_replaced_by_one_that_is_given() {
    let key = "j0Rfr9dIw1cprKuwTz/dr78cKTiu5C+Oz1lpB8vYu4M=";
    let mut world = World::with(&[("BURSAR_MASTER_KEY", key.to_owned())]);
    world.log_in().await;
    let explained = world.run(&["vault", "rotate"]).await;
    assert_eq!(explained.code, 7, "{explained}");
    assert!(explained.stderr.contains("--new-key-file"), "{explained}");
    let same = world.private("same", key);
    let refused = world.run(&["vault", "rotate", "--new-key-file", &same]).await;
    assert_eq!(refused.code, 2, "{refused}");
    let nonsense = world.private("nonsense", "hunter2 hunter2");
    let refused = world.run(&["vault", "rotate", "--new-key-file", &nonsense]).await;
    assert!(refused.code == 7 && !refused.stderr.contains("hunter2"), "{refused}");
    world.opens().await;

    let next = world.private("next", OTHER_KEY);
    let rotated = world.run(&["vault", "rotate", "--new-key-file", &next]).await.succeeded();
    assert!(rotated.stderr.contains("give the new key by BURSAR_MASTER_KEY"), "{rotated}");
    assert_eq!(world.token().await.code, 7);
    world.give("BURSAR_MASTER_KEY", OTHER_KEY);
    world.opens().await;
}

#[tokio::test]
async fn both_keys_open_it_until_every_machine_has_the_new_one() {
    let old = "j0Rfr9dIw1cprKuwTz/dr78cKTiu5C+Oz1lpB8vYu4M=";
    let mut world = World::with(&[("BURSAR_MASTER_KEY", old.to_owned())]);
    world.log_in().await;
    let next = world.private("next", OTHER_KEY);
    let rotated = world.run(&["vault", "rotate", "--new-key-file", &next, "--keep-old"]).await.succeeded();
    assert!(rotated.stderr.contains("bursar vault rotate --finish"), "{rotated}");

    // A machine that has only the old one goes on, and cannot lock itself out.
    world.opens().await;
    let status = world.run(&["vault", "status"]).await.succeeded();
    assert!(status.stdout.contains("the one before opens the vault too"), "{status}");
    let refused = world.run(&["vault", "rotate", "--finish"]).await;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("give this machine the new key first"), "{refused}");
    let again = world.run(&["vault", "rotate", "--new-key-file", &next]).await;
    assert!(again.code == 1 && again.stderr.contains("--finish"), "{again}");
    let rekey = world.run(&["vault", "rekey"]).await;
    assert!(rekey.code == 1 && rekey.stderr.contains("not finished"), "{rekey}");

    world.give("BURSAR_MASTER_KEY", OTHER_KEY);
    world.opens().await;
    world.run(&["vault", "rotate", "--finish"]).await.succeeded();
    world.opens().await;
    world.give("BURSAR_MASTER_KEY", old);
    assert_eq!(world.token().await.code, 7, "the old key opens nothing any more");
}

#[tokio::test]
async fn new_data_keys_are_made_and_the_old_ones_stay_for_a_while() {
    let world = World::with_key_file();
    let nothing = world.run(&["vault", "status"]).await;
    assert!(nothing.code == 7 && nothing.stderr.contains("`bursar vault init`"), "{nothing}");
    world.log_in().await;
    let rekeyed = world.run(&["vault", "rekey", "--json"]).await.succeeded();
    let document: Value = serde_json::from_str(&rekeyed.stdout).unwrap();
    assert_eq!(document["state"], "kept", "{rekeyed}");
    assert!(document["resealed"].as_u64().unwrap() >= 1, "{rekeyed}");
    world.opens().await;
    let status = world.run(&["vault", "status", "--json"]).await.succeeded();
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(
        (&status["data_key"], &status["changes"][0]["state"]),
        (&2.into(), &"kept".into()),
        "{status}"
    );
    let again = world.run(&["vault", "rekey"]).await.succeeded();
    assert!(again.stderr.contains("Going on") && again.stderr.contains("stay until"), "{again}");
    // The master key may change meanwhile.
    world.run(&["vault", "rotate"]).await.succeeded();
    world.opens().await;
}

#[tokio::test]
async fn with_a_copy_of_the_key_the_original_is_not_left_behind() {
    let mut world = World::with(&[]);
    world.log_in().await;
    let original = std::fs::read_to_string(world.home.path().join("master.key")).unwrap();
    world.give("BURSAR_MASTER_KEY", original.trim());
    let refused = world.run(&["vault", "rotate"]).await;
    assert_eq!(refused.code, 7, "{refused}");
    assert!(refused.stderr.contains("unset BURSAR_MASTER_KEY"), "{refused}");
    world.take("BURSAR_MASTER_KEY");
    world.run(&["vault", "rotate"]).await.succeeded();
    assert_ne!(std::fs::read_to_string(world.home.path().join("master.key")).unwrap(), original);
    world.opens().await;
}

#[tokio::test]
async fn a_home_that_moves_takes_its_new_key_along() {
    let world = World::with(&[]);
    world.log_in().await;
    world.run(&["vault", "rotate"]).await.succeeded();
    let moved = world.home.beside("moved");
    std::fs::rename(world.home.path(), &moved).unwrap();
    let ended =
        crate::support::ended(world.command(&["token", "gitlab:ci"]).env("BURSAR_HOME", &moved)).await;
    assert_eq!(ended.succeeded().stdout.trim(), super::world::TOKEN);
}

/// Nothing of either key is told, whatever is asked for.
#[tokio::test]
async fn neither_key_is_ever_shown() {
    let world = World::with_key_file();
    world.log_in().await;
    let old = std::fs::read_to_string(world.home.key_file()).unwrap();
    let mut command = world.command(&["-vv", "vault", "rotate"]);
    let ended = crate::support::ended(command.env("BURSAR_LOG", "trace")).await.succeeded();
    let new = std::fs::read_to_string(world.home.key_file()).unwrap();
    for key in [old.trim(), new.trim()] {
        assert!(!ended.to_string().contains(key), "{ended}");
        for (path, bytes) in world.home.files() {
            assert!(!String::from_utf8_lossy(&bytes).contains(key), "{}", path.display());
        }
    }
}

/// A person who is asked at the terminal, and mistypes.
#[tokio::test]
async fn a_person_is_asked_for_the_old_and_twice_for_the_new_passphrase() {
    use std::io::{Read as _, Write as _};
    use std::process::Stdio;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let mut world = World::with_passphrase("correct horse battery");
    world.log_in().await;
    world.take("BURSAR_PASSPHRASE_FILE");

    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
    let terminal = std::fs::File::from(rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap());
    let line = world.command(&["vault", "rotate"]);
    let mut command = tokio::process::Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(line.as_std().get_program()).args(line.as_std().get_args());
    command.env_clear();
    command.envs(line.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))));
    let (input, output) = (terminal.try_clone().unwrap(), terminal.try_clone().unwrap());
    let mut child = command
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(output))
        .stderr(Stdio::from(terminal))
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    drop(command);
    let screen = tokio::task::spawn_blocking(move || {
        let mut person = std::fs::File::from(person);
        let mut seen = Vec::new();
        let answers = [
            ("Passphrase of the vault: ", "correct horse battery\r"),
            ("New passphrase of the vault: ", "another horse battery\r"),
            ("Once more: ", "another horse battery\r"),
        ];
        for (question, answer) in answers {
            let mut byte = [0];
            while !seen.ends_with(question.as_bytes()) {
                person.read_exact(&mut byte).unwrap();
                seen.push(byte[0]);
            }
            person.write_all(answer.as_bytes()).unwrap();
        }
        // The screen ends with an error once nobody has the terminal open.
        let _ended = person.read_to_end(&mut seen);
        String::from_utf8(seen).unwrap()
    });
    let status = child.wait().await.unwrap();
    let screen = screen.await.unwrap();
    assert!(status.success(), "{screen}");
    assert!(screen.contains("new master key") && !screen.contains("battery"), "{screen}");
    let next = world.private("next", "another horse battery");
    world.give("BURSAR_PASSPHRASE_FILE", &next);
    world.opens().await;
}
