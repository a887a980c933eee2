//! `jwt verify`: every rule that can be broken has its own word.

use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_core::oauth::jose::{Algorithm, HmacKey, KeySet};
use bursar_core::oauth::signing::SigningKey;
use bursar_core::secret::Secret;
use serde_json::{Value, json};

use super::world::{SECRET, World};
use crate::support::filters;

fn signed(claims: &Value) -> String {
    let key = HmacKey::new(&Secret::new(SECRET)).unwrap();
    key.sign("JWT", claims).unwrap().expose().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "the program under test has the machine's clock")]
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[tokio::test]
async fn every_rule_has_its_word() {
    let world = World::new();
    let (now, later) = (now(), now() + 3600);
    let good = json!({ "iss": "a", "aud": ["b", "c"], "exp": later, "iat": now, "username": "ada" });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        signed(&claims)
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        signed(&claims)
    };
    let token = signed(&good);
    let (head, _) = token.rsplit_once('.').unwrap();
    let unsigned =
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), head.split_once('.').unwrap().1);
    let other = HmacKey::new(&Secret::new("x".repeat(32))).unwrap().sign("JWT", &good).unwrap();
    let (key, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let by_key = key.sign("JWT", &good).unwrap();
    for (word, token) in [
        ("good", token.as_str()),
        ("good", &format!("  {token}\n")),
        ("empty", ""),
        ("empty", "\n"),
        ("malformed", "a.b"),
        ("malformed", &format!("{token}.x.y")),
        ("malformed", "{}"),
        ("wrong_algorithm", &unsigned),
        ("wrong_algorithm", by_key.expose()),
        ("bad_signature", other.expose()),
        ("bad_signature", &format!("{head}.{}", "A".repeat(43))),
        ("expired", &with("exp", json!(now - 31))),
        ("good", &with("exp", json!(now - 20))),
        ("not_yet_valid", &with("nbf", json!(now + 600))),
        ("issued_in_future", &with("iat", json!(now + 90))),
        ("good", &with("iat", json!(now + 30))),
        ("invalid_claim", &with("exp", json!("tomorrow"))),
        ("missing_claim", &without("exp")),
        ("wrong_issuer", &with("iss", json!("z"))),
        ("missing_claim", &without("iss")),
        ("wrong_audience", &with("aud", json!("z"))),
        ("wrong_audience", &without("aud")),
        ("missing_claim", &without("username")),
        ("missing_claim", &with("username", Value::Null)),
    ] {
        let found =
            world.verdict(token, &["--issuer", "a", "--audience", "b", "--require", "username"]).await;
        assert_eq!(found, word, "{token}");
    }
    assert_eq!(
        world.verdict(&token, &["--issuer", "a"]).await,
        "wrong_audience",
        "for somebody, and who asks?"
    );
    assert_eq!(world.verdict(&token, &["--audience", "c", "--type", "at+jwt"]).await, "wrong_type");
    assert_eq!(world.verdict(&token, &["--audience", "c", "--type", "jwt"]).await, "good");
    let old = with("exp", json!(now - 31));
    assert_eq!(world.verdict(&old, &["--audience", "c", "--tolerance", "2m"]).await, "good");
}

#[tokio::test]
async fn people_read_what_is_wrong_and_what_to_do() {
    let _filters = filters();
    let world = World::new();
    let token = signed(&json!({ "iss": "evil\u{1b}[2J", "exp": 1_300_819_380 }));
    let verify = ["verify", "--secret-file", "@secret", "--issuer", "https://a"];
    insta::assert_snapshot!(world.run(&verify, &token).await, @"
    exit 1
    --- stdout
    --- stderr
    error: the token expired at 2011-03-22T18:43:00Z
    hint: get a new one from its issuer
    ");
    let token = signed(&json!({ "iss": "evil\u{1b}[2J", "exp": 4_000_000_000_i64 }));
    insta::assert_snapshot!(world.run(&verify, &token).await, @r#"
    exit 1
    --- stdout
    --- stderr
    error: the token is from `evil\u{1b}[2J`, not from `https://a`
    hint: it is not meant for this use; see what it says with
          `bursar jwt decode`
    "#);
    let token = signed(&json!({ "iss": "https://a", "exp": 4_000_000_000_i64 }));
    insta::assert_snapshot!(world.run(&verify, &token).await, @r#"
    exit 0
    --- stdout
    {
      "iss": "https://a",
      "exp": 4000000000
    }
    --- stderr
    the token is good until 2096-10-02T07:06:40Z
    "#);
    insta::assert_snapshot!(world.run(&verify[..3], &token).await, @r#"
    exit 0
    --- stdout
    {
      "iss": "https://a",
      "exp": 4000000000
    }
    --- stderr
    the token is good until 2096-10-02T07:06:40Z
    who issued it was not checked: add `--issuer`
    "#);
}

#[tokio::test]
async fn a_public_key_never_passes_for_a_secret() {
    let world = World::new();
    let (key, _) = SigningKey::generate(Algorithm::Rs256).unwrap();
    let jwk = serde_json::to_string(&key.public_key().unwrap().to_jwk()).unwrap();
    world.write("public.json", &jwk);
    // RFC 8725 §2.1: signed with the text of the public key as if it were a secret.
    let confused =
        HmacKey::new(&Secret::new(jwk)).unwrap().sign("JWT", &json!({ "exp": now() + 60 })).unwrap();
    let ended = world.run(&["verify", "--key-file", "@public.json", "--json"], confused.expose()).await;
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, document["error"].as_str()), (1, Some("wrong_algorithm")), "{ended}");
    let ended =
        world.run(&["verify", "--key-file", "@public.json", "--algorithm", "HS256"], confused.expose()).await;
    assert_eq!(ended.code, 2, "{ended}");
}

#[tokio::test]
async fn a_set_of_keys_comes_from_a_file_or_an_address() {
    let world = World::new();
    let keys: Vec<SigningKey> = (0..2).map(|_| SigningKey::generate(Algorithm::Es256).unwrap().0).collect();
    let set = KeySet::new(keys.iter().map(|key| key.public_key().unwrap()).collect()).to_json().to_string();
    world.write("jwks.json", &set);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/jwks", get(async move || set));
    let claims = json!({ "exp": now() + 3600 });
    let token = keys[1].sign("at+jwt", &claims).unwrap();
    let stranger = SigningKey::generate(Algorithm::Es256).unwrap().0.sign("at+jwt", &claims).unwrap();
    let verified = async {
        for place in ["@jwks.json".to_owned(), format!("{address}/jwks")] {
            let verify = ["verify", "--jwks", &place, "--algorithm", "ES256", "--json"];
            let ended = world.run(&verify, token.expose()).await;
            assert_eq!(ended.code, 0, "{place}: {ended}");
            let ended = world.run(&verify, stranger.expose()).await;
            let document: Value = serde_json::from_str(&ended.stdout).unwrap();
            assert_eq!((ended.code, document["error"].as_str()), (1, Some("unknown_key")), "{ended}");
        }
        let missing = format!("{address}/elsewhere");
        let ended = world.run(&["verify", "--jwks", &missing, "--algorithm", "ES256"], token.expose()).await;
        assert_eq!(ended.code, 5, "{ended}");
        assert!(!world.home.path().exists(), "no store was made for it");
    };
    tokio::select! {
        () = verified => {}
        ended = async { axum::serve(listener, router).await } => panic!("{ended:?}"),
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_a_matter_of_usage() {
    let world = World::new();
    world.write("no-set.json", "{}");
    for arguments in [
        vec!["verify"],
        vec!["verify", "--secret-file", "@secret", "--key-file", "@secret"],
        vec!["verify", "--secret-file", "-"],
        vec!["verify", "--secret-file", "@secret", "--algorithm", "none"],
        vec!["verify", "--secret-file", "@secret", "--algorithm", "ES256"],
        vec!["verify", "--key-file", "@secret"],
        vec!["verify", "--jwks", "@no-set.json"],
        vec!["verify", "--jwks", "@no-set.json", "--algorithm", "ES256"],
        vec!["verify", "--jwks", "@no-set.json", "--algorithm", "HS256"],
        vec!["verify", "--jwks", "http://example.com/jwks", "--algorithm", "ES256"],
    ] {
        let ended = world.run(&arguments, SECRET).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{arguments:?}: {ended}");
        assert!(!ended.stderr.contains(SECRET), "{ended}");
    }
}
