//! Services that log in with credentials of their own (RFC 6749 §4.4), each in the way it is registered, and with
//! assertions they sign (RFC 7523 §2.1).

use std::path::Path;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use misbehaving_provider::{Behaviour, MisbehavingProvider};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::person::Person;
use crate::support::{Home, write_private};

#[tokio::test]
async fn a_secret_in_the_header() {
    let person = Person::new().await;
    let secret = person.home.beside("secret");
    write_private(&secret, "service-secret-for-tests-only-0001\n");
    log_in_as_service(&person, person.server.issuer(), "service", &secret).await;
    the_service_gets_token_after_token(&person).await;
}

#[tokio::test]
async fn a_secret_in_the_body() {
    let person = Person::new().await;
    write_entry(&person);
    let secret = person.home.beside("secret");
    write_private(&secret, "service-post-secret-for-tests-only-0002\n");
    log_in_as_service(&person, "peer", "service-post", &secret).await;
    the_service_gets_token_after_token(&person).await;
}

/// The issuer's metadata names the header method first: a private key is not sent that way, nor in any other.
#[tokio::test]
async fn a_key_that_signs_assertions() {
    let person = Person::new().await;
    let pair = rcgen::KeyPair::generate().unwrap();
    person.server.register_keys(json!([public_key(&pair)])).await;
    let key = person.home.beside("key.pem");
    write_private(&key, &pair.serialize_pem());
    log_in_as_service(&person, person.server.issuer(), "service-jwt", &key).await;
    the_service_gets_token_after_token(&person).await;
}

#[tokio::test]
async fn a_key_the_server_does_not_know_stores_nothing() {
    let person = Person::new().await;
    let registered = rcgen::KeyPair::generate().unwrap();
    person.server.register_keys(json!([public_key(&registered)])).await;
    let key = person.home.beside("key.pem");
    write_private(&key, &rcgen::KeyPair::generate().unwrap().serialize_pem());

    let login = person.home.run(&login_line(person.server.issuer(), "service-jwt", &key)).await;
    assert_eq!(login.code, 4, "{login}");
    assert!(login.stderr.contains("invalid_client"), "{login}");
    assert_eq!(person.home.run(&["list", "--json"]).await.succeeded().stdout.trim(), "[]");
}

/// What we sign, judged by npm's `jose`: the signature, and every claim RFC 7523 §3 wants.
#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_what_another_library_accepts() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    let (pair, other) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
    let key = home.beside("key.pem");
    write_private(&key, &pair.serialize_pem());
    let issuer = provider.issuer();
    let line = ["login", &issuer, "--grant", "jwt-bearer", "--key-file", key.to_str().unwrap()];
    let who = ["--client-id", misbehaving_provider::PUBLIC_CLIENT, "--issuer", "robot", "--subject", "ada"];
    home.run(&[&line[..], &who[..]].concat()).await.succeeded();
    let secrets = provider.secrets();
    let assertion = secrets.iter().find(|secret| secret.starts_with("eyJ") && secret.split('.').count() == 3);
    let judged = async |pair: &rcgen::KeyPair, audience: &str| {
        judged_by_jose(assertion.unwrap(), &public_key(pair), "robot", "ada", audience).await
    };
    let audience = format!("{issuer}/token");
    assert_eq!(judged(&pair, &audience).await, "accepted");
    assert_eq!(judged(&other, &audience).await, "ERR_JWS_SIGNATURE_VERIFICATION_FAILED");
    assert_eq!(judged(&pair, "https://elsewhere.example/token").await, "ERR_JWT_CLAIM_VALIDATION_FAILED");
}

/// `accepted`, or the library's word for what is wrong.
async fn judged_by_jose(token: &str, key: &Value, issuer: &str, subject: &str, audience: &str) -> String {
    const JUDGE: &str = r#"
        import { importJWK, jwtVerify } from "jose";
        let text = "";
        for await (const chunk of process.stdin) text += chunk;
        const { token, key, issuer, subject, audience } = JSON.parse(text);
        const requiredClaims = ["iss", "sub", "aud", "exp", "iat", "jti"];
        const options = { issuer, subject, audience, typ: "JWT", algorithms: ["ES256"], maxTokenAge: "1m", requiredClaims };
        try {
            await jwtVerify(token, await importJWK(key, "ES256"), options);
            console.log("accepted");
        } catch (error) {
            console.log(error.code);
        }
    "#;
    let peers = concat!(env!("CARGO_MANIFEST_DIR"), "/../../peers");
    let path = Command::new(format!("{peers}/node/path")).output().await.unwrap().stdout;
    let mut judge = Command::new(String::from_utf8(path).unwrap().trim())
        .args(["--input-type=module", "--eval", JUDGE])
        .current_dir(peers)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it is installed: run scripts/setup-tests");
    let question =
        json!({"token": token, "key": key, "issuer": issuer, "subject": subject, "audience": audience});
    judge.stdin.take().unwrap().write_all(question.to_string().as_bytes()).await.unwrap();
    let output = judge.wait_with_output().await.unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn log_in_as_service(person: &Person, target: &str, client: &str, credential: &Path) {
    person.home.run(&login_line(target, client, credential)).await.succeeded();
}

fn login_line<'a>(target: &'a str, client: &'a str, credential: &'a Path) -> [&'a str; 10] {
    let credential = credential.to_str().unwrap();
    let grant = "client-credentials";
    [
        "login",
        target,
        "--grant",
        grant,
        "--client-id",
        client,
        "--client-secret-file",
        credential,
        "--as",
        "robot",
    ]
}

/// There is no refresh token: the credentials themselves bring the next token, without the file they came from.
async fn the_service_gets_token_after_token(person: &Person) {
    for name in ["secret", "key.pem"] {
        let _was_another = std::fs::remove_file(person.home.beside(name));
    }
    let first = person.token("robot").await;
    assert!(person.server.is_live(&first).await);
    assert_eq!(person.token("robot").await, first);

    person.home.run(&["refresh", "robot"]).await.succeeded();
    let second = person.token("robot").await;
    assert_ne!(second, first);
    assert!(person.server.is_live(&second).await);

    let status = person.status("robot").await;
    assert_eq!((&status["method"], &status["identity"]), (&"client_credentials".into(), &Value::Null));
    assert_eq!(person.server.counts().await.refreshes, 0);
}

/// Metadata tells which methods a server knows, not which one a client is registered for: an entry does.
fn write_entry(person: &Person) {
    let issuer = person.server.issuer();
    person.home.write_config("");
    let folder = person.home.path().join("providers");
    std::fs::create_dir(&folder).unwrap();
    let entry = format!(
        "id = \"peer\"\nname = \"Peer\"\n\
         [endpoints]\nissuer = \"{issuer}\"\ntoken = \"{issuer}/token\"\nrevoke = \"{issuer}/token/revocation\"\n\
         [client]\nauthentication = \"post\"\npublic = false\n"
    );
    std::fs::write(folder.join("peer.toml"), entry).unwrap();
}

/// The public half of a P-256 key (RFC 7518 §6.2.1).
fn public_key(pair: &rcgen::KeyPair) -> Value {
    // SEC 1 §2.3.3: 0x04, then both coordinates.
    let point = pair.public_key_raw();
    let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
           "x": coordinate(&point[1..33]), "y": coordinate(&point[33..65])})
}
