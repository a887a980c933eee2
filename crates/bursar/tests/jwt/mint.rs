//! `jwt mint`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use serde_json::{Value, json};

use super::world::World;
use crate::support::filters;

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_session_of_an_application_says_what_it_is_told_to() {
    let world = World::new();
    let token = world
        .mint(&[
            "--subject",
            "u1",
            "--issuer",
            "ai-code-terminal",
            "--audience",
            "terminal-user",
            "--claim",
            "username=ada",
            "--claim",
            r#"permissions:=["workspace:create"]"#,
            "--claim",
            "note=a=b",
        ])
        .await;
    assert_eq!(part(&token, 0), json!({ "alg": "HS256", "typ": "JWT" }));
    let claims = part(&token, 1);
    let times = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert_eq!(times.1 - times.0, 604_800, "7 days");
    assert_eq!(
        claims,
        json!({
            "sub": "u1", "iss": "ai-code-terminal", "aud": "terminal-user", "username": "ada",
            "permissions": ["workspace:create"], "note": "a=b", "iat": times.0, "exp": times.1,
        })
    );
    assert_eq!(
        world.verdict(&token, &["--issuer", "ai-code-terminal", "--audience", "terminal-user"]).await,
        "good"
    );
    assert!(!world.home.path().exists(), "no store was made for it");
}

#[tokio::test]
async fn every_kind_of_key_signs_what_its_public_half_verifies() {
    let world = World::new();
    let kinds = [("EdDSA", &PKCS_ED25519), ("ES256", &PKCS_ECDSA_P256_SHA256)];
    for (name, algorithm) in kinds {
        let pair = KeyPair::generate_for(algorithm).unwrap();
        signs_and_verifies(&world, name, &pair).await;
    }
    let rsa = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    signs_and_verifies(&world, "RS256", &rsa).await;
}

async fn signs_and_verifies(world: &World, name: &str, pair: &KeyPair) {
    world.write("private.pem", &pair.serialize_pem());
    world.write("public.pem", &pair.public_key_pem());
    let mint = ["mint", "--key-file", "@private.pem", "--key-id", "k1", "--lifetime", "1h"];
    let minted = world.run(&mint, "").await;
    assert_eq!(minted.code, 0, "{name}: {minted}");
    assert_eq!(part(&minted.stdout, 0), json!({ "alg": name, "typ": "JWT", "kid": "k1" }));
    for key in ["@private.pem", "@public.pem"] {
        let verified = world.run(&["verify", "--key-file", key, "--algorithm", name], &minted.stdout).await;
        assert_eq!(verified.code, 0, "{name} {key}: {verified}");
    }
}

#[tokio::test]
async fn a_secret_that_could_be_guessed_is_refused() {
    let _filters = filters();
    let world = World::new();
    world.write("short", "only-thirty-one-bytes-in-here!!");
    insta::assert_snapshot!(world.run(&["mint", "--secret-file", "@short"], "").await, @"
    exit 2
    --- stdout
    --- stderr
    error: a secret for HS256 needs at least 32 bytes
    hint: make one with `openssl rand -base64 48`, and keep it in a file
    ");
    let verify = world.run(&["verify", "--secret-file", "@short"], "x").await;
    assert_eq!(verify.code, 2, "{verify}");
}

#[tokio::test]
async fn secrets_others_can_read_are_refused_and_pipes_are_not() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let secret = world.home.beside("secret");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    let loose = world.run(&["mint", "--secret-file", "@secret"], "").await;
    assert_eq!(loose.code, 2, "{loose}");
    assert!(loose.stderr.contains("chmod 600"), "{loose}");
    let piped = world.run(&["mint", "--secret-file", "-"], &format!("{}\n", super::world::SECRET)).await;
    assert_eq!(piped.code, 0, "{piped}");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(world.verdict(&piped.stdout, &[]).await, "good");
}

#[tokio::test]
async fn what_cannot_be_minted_is_a_matter_of_usage() {
    let world = World::new();
    for arguments in [
        vec![],
        vec!["--claim", "exp=1"],
        vec!["--claim", "sub=u1"],
        vec!["--claim", "list:=[1"],
        vec!["--claim", "=x"],
        vec!["--claim", "novalue"],
        vec!["--claim", "a=1", "--claim", "a=2"],
        vec!["--lifetime", "0s"],
        vec!["--key-file", "@secret"],
        vec!["--secret-file", "@nowhere"],
    ] {
        let mut line = vec!["mint"];
        if !arguments.is_empty() && !arguments.iter().any(|word| word.ends_with("-file")) {
            line.extend(["--secret-file", "@secret"]);
        }
        line.extend(&arguments);
        let ended = world.run(&line, "").await;
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{arguments:?}: {ended}");
        assert!(!ended.stderr.contains(super::world::SECRET), "{ended}");
    }
}

#[tokio::test]
async fn programs_are_told_when_it_ends() {
    let world = World::new();
    let ended = world.run(&["mint", "--secret-file", "@secret", "--json"], "").await;
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["schema"], 1);
    assert_eq!(document["claims"], part(document["token"].as_str().unwrap(), 1));
    let end: jiff::Timestamp = document["expires_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(document["claims"]["exp"], end.as_second());
}
