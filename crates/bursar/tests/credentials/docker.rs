//! The protocol of docker-credential-helpers, through a link with the name docker looks for.

use super::{World, hides};
use crate::support::Ended;

async fn through_link(world: &World, name: &str, action: &str, input: &str) -> Ended {
    world.ask_link(name, &[action], input).await
}

#[tokio::test(flavor = "multi_thread")]
async fn get_answers_one_line_of_json() {
    let world = World::with(&["work"]).await;
    let token = world.token("work").await;
    let server = format!("http://{}", world.host());
    for name in ["docker-credential-bursar", "docker-credential-bursar-work"] {
        let got = through_link(&world, name, "get", &server).await;
        assert_eq!((got.code, got.stderr.as_str()), (0, ""), "{got}");
        let expected =
            format!("{{\"ServerURL\":\"{server}\",\"Username\":\"oauth2\",\"Secret\":\"{token}\"}}\n");
        assert_eq!(got.stdout, expected);
    }
    let host = world.host();
    for (option, username) in [(&["--token-user"][..], "<token>"), (&["--username", "ada"], "ada")] {
        let got = world.ask(&[&["docker"], option, &["get"]].concat(), &format!("{host}\n")).await;
        let expected =
            format!("{{\"ServerURL\":\"{host}\",\"Username\":\"{username}\",\"Secret\":\"{token}\"}}\n");
        assert_eq!(got.stdout, expected, "{got}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_nobodys_is_not_found() {
    let world = World::with(&["work"]).await;
    for (name, server) in [
        ("docker-credential-bursar", "https://index.docker.io/v1/"),
        ("docker-credential-bursar", "http://registry.example.com"),
        ("docker-credential-bursar-work", "https://evil.example"),
    ] {
        let got = through_link(&world, name, "get", server).await;
        let expected = (1, "credentials not found in native keychain\n", "");
        assert_eq!((got.code, got.stdout.as_str(), got.stderr.as_str()), expected, "{server}: {got}");
    }
    let empty = through_link(&world, "docker-credential-bursar", "get", "\n").await;
    assert_eq!((empty.code, empty.stdout.as_str()), (1, "no credentials server URL\n"), "{empty}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_told_where_docker_looks() {
    let world = World::with(&["work"]).await;
    world.end_consent("work").await;
    let server = format!("http://{}", world.host());
    let got = through_link(&world, "docker-credential-bursar", "get", &server).await;
    assert_eq!(got.code, 4, "{got}");
    assert_eq!(got.stdout.lines().count(), 1, "{got}");
    assert!(got.stdout.contains("needs a login") && got.stdout.contains("bursar login"), "{got}");
}

/// `docker login` stores what `get` has just given it.
#[tokio::test(flavor = "multi_thread")]
async fn the_token_may_be_stored_and_a_password_is_refused() {
    let world = World::with(&["work"]).await;
    let token = world.token("work").await;
    let store = |secret: &str| {
        format!(
            "{{\"ServerURL\":\"http://{}\",\"Username\":\"oauth2\",\"Secret\":\"{secret}\"}}",
            world.host()
        )
    };
    let ours = through_link(&world, "docker-credential-bursar", "store", &store(&token)).await;
    assert_eq!((ours.code, ours.stdout.as_str(), ours.stderr.as_str()), (0, "", ""), "{ours}");
    let other = through_link(&world, "docker-credential-bursar", "store", &store("never-print-me")).await;
    assert_eq!(other.code, 1, "{other}");
    assert!(other.stdout.contains("keeps no passwords"), "{other}");
    hides(&other, "never-print-me");
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_of_docker_ends_no_login_here() {
    let world = World::with(&["work"]).await;
    let token = world.token("work").await;
    let server = format!("http://{}", world.host());
    let erased = through_link(&world, "docker-credential-bursar", "erase", &server).await;
    assert_eq!((erased.code, erased.stdout.as_str()), (0, ""), "{erased}");
    assert_eq!(world.token("work").await, token);
    assert!(world.provider.is_live(&token));
}

/// Docker hands everything in the list to its builder.
#[tokio::test(flavor = "multi_thread")]
async fn the_list_has_only_hosts_that_were_named() {
    let world = World::with(&["work"]).await;
    let list = through_link(&world, "docker-credential-bursar", "list", "").await;
    assert_eq!((list.code, list.stdout.as_str()), (0, "{}\n"), "{list}");
    let line = ["docker", "--account", "work", "--host", "ghcr.io", "--host", "eu.gcr.io", "list"];
    let named = world.ask(&line, "").await;
    assert_eq!(named.stdout, "{\"ghcr.io\":\"oauth2\",\"eu.gcr.io\":\"oauth2accesstoken\"}\n", "{named}");
    let unknown = world.ask(&["docker", "dance"], "").await;
    assert_eq!((unknown.code, unknown.stdout.as_str()), (1, "unknown action `dance`\n"), "{unknown}");
}
