//! The database in other hands.

use std::os::unix::fs::DirBuilderExt as _;

use misbehaving_provider::{Behaviour, MisbehavingProvider};

use super::watched::Watched;
use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn the_database_without_its_key_reveals_no_token() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    watched.login(&provider, "work", 0).await;
    watched.run(&["refresh", "work"], 0).await;

    let thief = Home::new();
    thief.write_config("");
    for (path, bytes) in watched.home.files() {
        let name = path.strip_prefix(watched.home.path()).unwrap().to_owned();
        let stolen = thief.path().join(name);
        std::fs::DirBuilder::new().mode(0o700).recursive(true).create(stolen.parent().unwrap()).unwrap();
        crate::support::write_private(&stolen, "");
        std::fs::write(&stolen, bytes).unwrap();
    }
    for (line, codes) in [
        (&["token", "work"][..], [7, 7]),
        (&["token", "work", "--no-check"], [7, 7]),
        (&["exec", "work", "--", "env"], [7, 7]),
        (&["refresh", "work"], [7, 7]),
        // What is not secret is there for whoever has the file.
        (&["status", "--json"], [0, 0]),
        (&["rebuild"], [0, 7]),
    ] {
        let ended = thief.run(&[line, &["-vv"]].concat()).await;
        assert!(codes.contains(&ended.code), "{line:?}\n{ended}");
        watched.saw(&format!("stdout of a thief's {line:?}"), ended.stdout);
        watched.saw(&format!("stderr of a thief's {line:?}"), ended.stderr);
    }
    watched.run(&["status"], 0).await;
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_told_without_a_key() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    watched.login(&provider, "work", 0).await;
    let wrong = watched.secret_file("wrong-key", "c3RvbGVuIGtleSBzdG9sZW4ga2V5IHN0b2xlbiBrZXk=");
    let short = watched.secret_file("short-key", "dG9vIHNob3J0IHRvbyBzaG9ydA==");
    let garbage = watched.secret_file("no-key", "this is not base64 at all !!");
    for file in [wrong, short, garbage] {
        let mut command = watched.command(&["token", "work"]);
        let running = watched.start(command.env("BURSAR_MASTER_KEY_FILE", &file));
        let ended = running.ended().await;
        assert_eq!(ended.stdout, "", "{ended}");
        watched.kept("token", ended, 7);
    }
    watched.assert_clean(&provider);
}
