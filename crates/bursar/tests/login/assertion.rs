//! Services that log in by assertions they sign (RFC 7523 §2.1), Google's service accounts among them.

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use misbehaving_provider::{Behaviour, MisbehavingProvider, PUBLIC_CLIENT};
use serde_json::{Value, json};

use crate::support::{Ended, Home, ended, write_private};

const RSA: &str = include_str!("../../../bursar-core/src/oauth/signing/rsa-pkcs8.pem");
const P256: &str = include_str!("../../../bursar-core/src/oauth/signing/p256-pkcs8.pem");
const P384: &str = include_str!("../../../bursar-core/src/oauth/signing/p384-pkcs8.pem");
const ENCRYPTED: &str = include_str!("../../../bursar-core/src/oauth/signing/p256-encrypted.pem");
const ED25519: &str = include_str!("../../../bursar-core/src/oauth/signing/ed25519-pkcs8.pem");

/// A home, a provider and the file with a key.
struct World {
    home: Home,
    provider: MisbehavingProvider,
    key: String,
}

impl World {
    async fn with_key(text: &str) -> Self {
        let home = Home::new();
        let key = home.beside("service-key");
        write_private(&key, text);
        let key = key.to_str().unwrap().to_owned();
        Self { home, provider: MisbehavingProvider::start(Behaviour::default()).await, key }
    }

    /// `login` with the key, as `robot`; the provider wants to know the client in any case.
    async fn log_in(&self, more: &[&str]) -> Ended {
        let issuer = self.provider.issuer();
        let line = ["login", &issuer, "--grant", "jwt-bearer", "--key-file", &self.key];
        let line = [&line[..], &["--client-id", PUBLIC_CLIENT, "--as", "robot"], more].concat();
        self.home.run(&line).await
    }

    async fn token(&self) -> String {
        self.home.run(&["token", "robot"]).await.succeeded().stdout.trim().to_owned()
    }

    /// Header and claims of every assertion the provider was sent, in order of arrival.
    fn assertions(&self) -> Vec<(Value, Value)> {
        let decoded = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        let read = |secret: &String| {
            let (header, rest) = secret.split_once('.')?;
            let header: Value = decoded(header)?;
            Some((header, decoded(rest.split('.').next()?)?))
        };
        let all: Vec<(Value, Value)> = self.provider.secrets().iter().filter_map(read).collect();
        all.into_iter().filter(|(_, claims)| claims["iss"] != self.provider.issuer().as_str()).collect()
    }

    fn token_endpoint(&self) -> String {
        format!("{}/token", self.provider.issuer())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_gets_token_after_token_without_the_file_its_key_came_from() {
    for (key, algorithm) in [(RSA, "RS256"), (P256, "ES256"), (ED25519, "EdDSA")] {
        let world = World::with_key(key).await;
        let login =
            world.log_in(&["--issuer", "robot-7", "--key-id", "k1", "--alg", algorithm]).await.succeeded();
        assert!(login.stderr.contains("as robot-7"), "{login}");
        assert!(login.stderr.contains("the next one is fetched by itself"), "{login}");
        std::fs::remove_file(&world.key).unwrap();
        let first = world.token().await;
        assert!(world.provider.is_live(&first));
        assert_eq!(world.token().await, first);
        world.home.run(&["refresh", "robot"]).await.succeeded();
        let second = world.token().await;
        assert!(world.provider.is_live(&second) && second != first);
        assert_eq!(world.provider.refreshes(), 0, "nothing is spent");

        let assertions = world.assertions();
        assert_eq!(assertions.len(), 2);
        for (header, claims) in &assertions {
            assert_eq!(*header, json!({"alg": algorithm, "typ": "JWT", "kid": "k1"}));
            assert_eq!((&claims["iss"], &claims["sub"]), (&"robot-7".into(), &"robot-7".into()));
            assert_eq!(claims["aud"], world.token_endpoint());
        }
        assert_ne!(assertions[0].1["jti"], assertions[1].1["jti"], "each is used once");
        let status = world.home.run(&["status", "--json"]).await.succeeded().stdout;
        let status: Value = serde_json::from_str(&status).unwrap();
        assert_eq!((&status[0]["method"], &status[0]["identity"]), (&"jwt_bearer".into(), &"robot-7".into()));
        assert_eq!(status[0]["grant_expires_at"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asserted_is_said_once_and_kept() {
    let world = World::with_key(ED25519).await;
    let more = ["--issuer", "robot", "--subject", "ada", "--audience", "https://elsewhere.example/"];
    let claims =
        ["--claim", "tenant=7", "--claim", "level:=7", "--claim", "groups:=[\"a\"]", "--scope", "read"];
    world.log_in(&[&more[..], &claims[..]].concat()).await.succeeded();
    world.home.run(&["refresh", "robot"]).await.succeeded();
    // What the note of an ended login says to type.
    world.log_in(&[]).await.succeeded();
    let assertions = world.assertions();
    assert_eq!(assertions.len(), 3);
    for (_, claims) in assertions {
        assert_eq!((&claims["iss"], &claims["sub"]), (&"robot".into(), &"ada".into()));
        assert_eq!(claims["aud"], "https://elsewhere.example/");
        assert_eq!((&claims["tenant"], &claims["level"]), (&"7".into(), &7.into()));
        assert_eq!(claims["groups"], json!(["a"]));
    }
    let calls = world.provider.calls();
    let scopes: Vec<_> = calls.iter().filter_map(|call| call.parameters.get("scope")).collect();
    assert_eq!(scopes, ["read", "read"], "the login and its renewal; the last one asked for none");
    let other = world.log_in(&["--subject", "bob"]).await;
    assert_eq!(other.code, 8, "{other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_google_service_account_is_recognised_by_its_file() {
    let world = World::with_key("").await;
    let file = |uri: &str| {
        json!({
            "type": "service_account", "project_id": "p", "private_key_id": "9f3c", "private_key": RSA,
            "client_email": "robot@p.iam.gserviceaccount.com", "client_id": "1", "token_uri": uri,
        })
        .to_string()
    };
    write_private(std::path::Path::new(&world.key), &file(&world.token_endpoint()));
    let unscoped = world.log_in(&[]).await;
    assert_eq!(unscoped.code, 2, "{unscoped}");
    assert!(unscoped.stderr.contains("--scope"), "{unscoped}");
    world.log_in(&["--scope", "https://www.googleapis.com/auth/cloud-platform,openid"]).await.succeeded();
    world.home.run(&["refresh", "robot"]).await.succeeded();
    for (header, claims) in world.assertions() {
        assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": "9f3c"}));
        assert_eq!(claims["iss"], "robot@p.iam.gserviceaccount.com");
        assert_eq!(claims["aud"], world.token_endpoint());
        assert_eq!(claims["scope"], "https://www.googleapis.com/auth/cloud-platform openid");
        assert!(claims.get("sub").is_none(), "Google: only where another user is meant");
    }
    assert!(world.provider.calls().iter().all(|call| !call.parameters.contains_key("scope")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_speaks_for_another_user_only_on_demand() {
    let world = World::with_key("").await;
    let file = json!({"type": "service_account", "private_key": P256, "client_email": "robot@example.com"});
    write_private(std::path::Path::new(&world.key), &file.to_string());
    world.log_in(&["--scope", "openid", "--subject", "ada@example.com"]).await.succeeded();
    let (header, claims) = world.assertions().remove(0);
    assert_eq!(header, json!({"alg": "ES256", "typ": "JWT"}));
    assert_eq!((&claims["iss"], &claims["sub"]), (&"robot@example.com".into(), &"ada@example.com".into()));
    assert_eq!(claims["aud"], world.token_endpoint(), "the file names none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_by_an_hour_is_no_obstacle() {
    for ahead in [3600, -3600] {
        let world = World::with_key(ED25519).await;
        world.provider.set_time(world.provider.now() + jiff::SignedDuration::from_secs(ahead));
        world.log_in(&["--issuer", "robot"]).await.succeeded();
        world.home.run(&["refresh", "robot"]).await.succeeded();
        assert!(world.provider.is_live(&world.token().await), "{ahead}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_revokes_the_token() {
    let world = World::with_key(ED25519).await;
    world.log_in(&["--issuer", "robot"]).await.succeeded();
    let token = world.token().await;
    world.home.run(&["logout", "robot"]).await.succeeded();
    assert!(!world.provider.is_live(&token));
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_key_nor_assertion_is_shown_or_left_behind() {
    let world = World::with_key(RSA).await;
    let issuer = world.provider.issuer();
    let line =
        ["-vv", "login", &issuer, "--grant", "jwt-bearer", "--key-file", &world.key, "--issuer", "robot"];
    let mut command =
        world.home.command(&[&line[..], &["--client-id", PUBLIC_CLIENT, "--as", "robot"]].concat());
    let login = ended(command.env("BURSAR_LOG", "trace")).await.succeeded();
    let mut refresh = world.home.command(&["-vv", "refresh", "robot"]);
    let refresh = ended(refresh.env("BURSAR_LOG", "trace")).await.succeeded();

    let needles = world.provider.secrets();
    let needles = needles.iter().map(String::as_str).chain(RSA.lines().filter(|line| line.len() > 40));
    let mut seen: Vec<(String, String)> =
        world.home.files().iter().map(|(path, bytes)| (path.display().to_string(), latin(bytes))).collect();
    seen.extend([("login".to_owned(), login.to_string()), ("refresh".to_owned(), refresh.to_string())]);
    let mut looked_for = 0;
    for needle in needles {
        looked_for += 1;
        let found: Vec<_> =
            seen.iter().filter(|(_, text)| text.contains(needle)).map(|(place, _)| place).collect();
        assert!(found.is_empty(), "{needle} in {found:?}");
    }
    assert!(looked_for > 20 && seen.len() > 3);
}

fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asserted_is_refused_before_anything_is_sent() {
    let user = r#"{"type":"authorized_user","refresh_token":"hunter2","client_id":"a"}"#;
    let half = r#"{"type":"service_account","client_email":"a@b"}"#;
    let table: [(&str, &[&str], &str); 12] = [
        (ED25519, &[], "--issuer"),
        (ED25519, &["--issuer", "a", "--alg", "RS256"], "signs with EdDSA, not with RS256"),
        (ED25519, &["--issuer", "a", "--claim", "iss=b"], "`iss` is set by other means"),
        (ED25519, &["--issuer", "a", "--claim", "level:=high"], "no JSON"),
        (ED25519, &["--issuer", "a", "--claim", "level"], "NAME=VALUE"),
        (ED25519, &["--issuer", "a", "--alg", "none"], "RS256, ES256, EdDSA"),
        (P384, &["--issuer", "a"], "not a valid P-256"),
        (ENCRYPTED, &["--issuer", "a"], "encrypted"),
        ("hunter2", &["--issuer", "a"], "no private key"),
        ("", &["--issuer", "a"], "empty"),
        (user, &[], "`authorized_user`, not `service_account`"),
        (half, &[], "lacks"),
    ];
    for (key, more, word) in table {
        let world = World::with_key(key).await;
        let line = ["login", &world.provider.issuer(), "--grant", "jwt-bearer", "--key-file", &world.key];
        let refused = world.home.run(&[&line[..], &["--as", "robot"], more].concat()).await;
        assert_eq!(refused.code, 2, "{more:?}\n{refused}");
        assert!(refused.stderr.contains(word), "{word}\n{refused}");
        assert!(!refused.stderr.contains("hunter2"), "{refused}");
        assert!(world.provider.calls().iter().all(|call| call.grant_type.is_none()), "{refused}");
        assert_eq!(world.home.run(&["list", "--json"]).await.succeeded().stdout.trim(), "[]");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_do_not_belong_together_are_told() {
    let world = World::with_key(ED25519).await;
    let issuer = world.provider.issuer();
    let table: [(&[&str], &str); 4] = [
        (&["--grant", "jwt-bearer"], "--key-file"),
        (&["--key-file", &world.key], "--grant"),
        (&["--grant", "client-credentials", "--key-file", &world.key], "--client-secret-file"),
        (&["--issuer", "a"], "--key-file"),
    ];
    for (more, word) in table {
        let refused = world.home.run(&[&["login", &issuer][..], more].concat()).await;
        assert_eq!(refused.code, 2, "{refused}");
        assert!(refused.stderr.contains(word), "{word}\n{refused}");
    }
    std::fs::set_permissions(&world.key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let loose = world.log_in(&["--issuer", "a"]).await;
    assert!(loose.code == 2 && loose.stderr.contains("chmod 600"), "{loose}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_from_a_pipe_is_read() {
    let world = World::with_key(ED25519).await;
    let issuer = world.provider.issuer();
    let line = ["login", &issuer, "--grant", "jwt-bearer", "--key-file", "-", "--issuer", "robot"];
    let mut command =
        world.home.command(&[&line[..], &["--client-id", PUBLIC_CLIENT, "--as", "robot"]].concat());
    let mut login = crate::support::Running::of(command.stdin(std::process::Stdio::piped()));
    login.is_told(ED25519).await;
    login.ended().await.succeeded();
    assert!(world.provider.is_live(&world.token().await));
}
