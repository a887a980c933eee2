//! `--expect`: whatever chose the account, a wrong identity gets nothing.

use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_expected_identity_goes_through_in_any_case() {
    let world = World::new().await;
    for identity in ["ada@example.com", "ADA@Example.com"] {
        for command in [
            &["token", "work", "--expect", identity][..],
            &["which", "work", "--expect", identity],
            &["exec", "--env", "T=work", "--expect", identity, "--", "true"],
            &["env", "--env", "T=work", "--shell", "sh", "--expect", identity],
            &["token", "work", "--expect", "bob@example.com", "--expect", identity],
            &["token", "work", "--no-check", "--expect", identity],
        ] {
            let ended = world.run("here", command).await;
            assert_eq!(ended.code, 0, "{command:?}: {ended}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_identity_is_refused_naming_both_and_nothing_happens() {
    let world = World::new().await;
    let touched = world.home.beside("touched");
    let touch = touched.to_str().unwrap();
    for command in [
        &["token", "work"][..],
        &["token", "work", "--header"],
        &["token", "work", "--json"],
        &["token", "work", "--no-check"],
        &["which", "work"],
        &["env", "--env", "T=work", "--shell", "sh"],
        &["exec", "--env", "T=work"],
        &["exec", "--token-file", "T=work"],
    ] {
        for identity in ["bob@example.com", "work", "Ada", "ada@example.com.evil.example"] {
            let mut command = [command, &["--expect", identity]].concat();
            if command[0] == "exec" {
                command.extend(["--", "touch", touch]);
            }
            let refused = world.run("here", &command).await;
            assert_eq!((refused.code, refused.stdout.as_str()), (8, ""), "{command:?}: {refused}");
            for named in ["ada@example.com", identity] {
                assert!(refused.stderr.contains(named), "{refused}");
            }
        }
    }
    assert!(!touched.exists(), "the command was not started");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_expect_is_a_mistake_not_everybody() {
    let world = World::new().await;
    let empty = world.run("here", &["token", "work", "--expect", ""]).await;
    assert_eq!((empty.code, empty.stdout.as_str()), (2, ""), "{empty}");
}
