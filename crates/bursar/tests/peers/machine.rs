//! Services that log in with credentials of their own (RFC 6749 §4.4), each in the way it is registered.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::person::Person;
use crate::support::write_private;

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
