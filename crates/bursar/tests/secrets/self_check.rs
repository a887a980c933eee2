//! The search finds what is there.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use misbehaving_provider::{Behaviour, MisbehavingProvider, SERVICE_SECRET};

use super::needles::{Needles, hexadecimal};
use super::watched::Watched;

#[test]
fn a_planted_secret_is_found_in_every_writing() {
    let secret = "refresh-token/with+signs=and-words";
    let mut needles = Needles::default();
    needles.add("the token", secret);
    let json = serde_json::json!({ "kind": "refresh", "token": secret, "tail": 1 }).to_string();
    let written = [
        secret.as_bytes().to_vec(),
        [b"\xff\x00binary".as_slice(), secret.as_bytes(), b"\x80\x00"].concat(),
        STANDARD.encode(secret).into_bytes(),
        URL_SAFE_NO_PAD.encode(&json).into_bytes(),
        STANDARD.encode(format!("x{json}")).into_bytes(),
        STANDARD.encode(format!("xy{json}")).into_bytes(),
        hexadecimal(secret.as_bytes()).into_bytes(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>().into_bytes(),
        format!("{:?}", secret.as_bytes()).into_bytes(),
    ];
    for bytes in written {
        assert_ne!(needles.found_in(&bytes), Vec::<String>::new(), "{}", String::from_utf8_lossy(&bytes));
    }
    assert_eq!(needles.found_in(b"refresh-token/with+signs=and-other-words"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "leaks")]
async fn a_secret_in_a_file_of_the_home_fails_the_test() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    watched.login(&provider, "work", 0).await;
    std::fs::write(watched.home.path().join("notes"), format!("do not forget: {SERVICE_SECRET}")).unwrap();
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "leaks")]
async fn a_token_on_the_stdout_of_a_silent_command_fails_the_test() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    watched.login(&provider, "work", 0).await;
    // `token` prints one; here it is treated as a command that must not.
    watched.run(&["token", "work"], 0).await;
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "leaks")]
async fn a_master_key_as_raw_bytes_fails_the_test() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    watched.login(&provider, "work", 0).await;
    let key = STANDARD.decode(std::fs::read_to_string(watched.home.key_file()).unwrap()).unwrap();
    std::fs::write(watched.home.beside("tmp").join("core"), key).unwrap();
    watched.assert_clean(&provider);
}
