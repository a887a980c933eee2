//! Executable-sourced credentials, version 1.

use serde_json::Value;

use super::{World, hides};
use crate::support::{Ended, ended};

async fn ask(world: &World, options: &[&str], variables: &[(&str, &str)]) -> Ended {
    let line = ["credential", "google", "--account", "work"];
    let mut command = world.home.command(&[&line, options].concat());
    ended(command.envs(variables.iter().copied())).await
}

const TYPE: &str = "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE";

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_has_the_type_the_library_asked_for() {
    let world = World::with(&["work"]).await;
    let (token, (end, _)) = (world.token("work").await, world.end("work").await);
    let kind = |name: &str| format!("urn:ietf:params:oauth:token-type:{name}");
    for (options, asked, told) in [
        (&[][..], None, "id_token"),
        (&[], Some("id_token"), "id_token"),
        (&[], Some("jwt"), "jwt"),
        (&["--id-token"], Some("jwt"), "id_token"),
        (&["--jwt"], None, "jwt"),
    ] {
        let asked = asked.map(kind);
        let variables: Vec<(&str, &str)> = asked.iter().map(|asked| (TYPE, asked.as_str())).collect();
        let answer = ask(&world, options, &variables).await;
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{answer}");
        let document: Value = serde_json::from_str(&answer.stdout).unwrap();
        let identity = document["id_token"].as_str().unwrap();
        assert_eq!(identity.split('.').count(), 3);
        let end = document["expiration_time"].as_i64().unwrap();
        assert_eq!(
            answer.stdout,
            format!(
                "{{\"version\":1,\"success\":true,\"token_type\":\"{}\",\"id_token\":\"{identity}\",\
                 \"expiration_time\":{end}}}\n",
                kind(told)
            )
        );
    }
    let access = ask(&world, &["--access-token", "--jwt"], &[]).await;
    let document: Value = serde_json::from_str(&access.stdout).unwrap();
    assert_eq!((&document["id_token"], &document["expiration_time"]), (&token.into(), &end.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_a_document_too() {
    let world = World::with(&["work"]).await;
    let saml = ask(&world, &[], &[(TYPE, "urn:ietf:params:oauth:token-type:saml2")]).await;
    let interactive = ask(&world, &[], &[("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "1")]).await;
    let revoke = ask(&world, &[], &[("GOOGLE_EXTERNAL_ACCOUNT_REVOKE", "1")]).await;
    let token = world.token("work").await;
    world.end_consent("work").await;
    let gone = ask(&world, &[], &[("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "0")]).await;
    for (refused, code, exit) in
        [(saml, "400", 2), (interactive, "403", 8), (revoke, "403", 8), (gone, "401", 4)]
    {
        assert_eq!(refused.code, exit, "{refused}");
        let document: Value = serde_json::from_str(&refused.stdout).unwrap();
        assert_eq!((&document["version"], &document["success"]), (&1.into(), &false.into()), "{refused}");
        assert_eq!(document["code"], code, "{refused}");
        assert!(!document["message"].as_str().unwrap().is_empty());
        hides(&refused, &token);
    }
}

/// A token in a loose file would outlive the login.
#[tokio::test(flavor = "multi_thread")]
async fn the_output_file_is_never_written() {
    let world = World::with(&["work"]).await;
    let file = world.home.beside("cached");
    let answer = ask(&world, &[], &[("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", file.to_str().unwrap())]).await;
    assert_eq!(answer.code, 0, "{answer}");
    assert!(answer.stdout.contains("expiration_time") && !file.exists());
}
