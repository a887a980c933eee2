//! What the configuration tells the authorization server: defaults, precedence, limits, and what must go together.

use std::path::PathBuf;

use bursar::config::ConfigError;
use bursar::config::environment::Environment;
use bursar::config::issuing::IssuingConfig;
use bursar::config::secret_source::SecretSource;
use bursar::exit::Exit;
use bursar::http::pages::Look;
use bursar::issuing::{look, rules, session_signing};
use bursar::system::SystemClock;
use bursar_core::engine::issuer::records::resource::TokenFormat;
use bursar_core::engine::issuer::rules::{ProofNonces, Rules};
use bursar_core::engine::issuer::session_rules::{AllowedUsers, SessionRules};
use bursar_core::oauth::jose::Algorithm;
use bursar_core::oauth::server::session_token::ClaimNames;
use bursar_core::oauth::url::Issuer;
use bursar_core::secret::Secret;
use jiff::SignedDuration;

use super::config::{World, load, shown};

const ISSUER: &str = "https://as.test";

fn said(text: &str, pairs: &[(&str, &str)]) -> IssuingConfig {
    load(text, pairs).unwrap().issuing().unwrap().clone()
}

fn refused(text: &str, pairs: &[(&str, &str)]) -> String {
    let found = load(text, pairs).and_then(|config| config.issuing().cloned());
    found.map_err(|error: ConfigError| error.to_string()).unwrap_err()
}

#[test]
fn without_a_word_of_it_the_rules_are_the_usual_ones() {
    let rules = rules(&said("", &[]), ISSUER).unwrap();
    assert_eq!(rules, Rules::of(Issuer::parse(ISSUER).unwrap()));
    assert_eq!(said("", &[]).external_token, SignedDuration::from_hours(60 * 24));
    assert_eq!(format!("{:?}", look(&said("", &[]).brand).unwrap()), format!("{:?}", Look::default()));
}

#[test]
fn every_key_reaches_its_rule() {
    let text = r#"
        [lifetimes]
        authorization_code = "1m"
        access_token = "2m"
        refresh_token = "3m"
        login = "4m"
        retry_window = "0s"
        id_token = "6m"
        device_code = "7m"
        browser_session = "8m"
        external_token = "9m"
        [tokens]
        access_format = "opaque"
        key_age = "30d"
        proof_nonces = "required"
        [registration]
        open = false
        metadata_documents = false
        guarded_proxy = "proxy.test:4750"
        unused_client = "5d"
        different_an_hour = 7
        stored_an_hour = 3
        [sign_in]
        allowed_users = ["ada", "@example.com"]
        complete_verification_uri = true
        [sessions]
        audience = "app"
        lifetime = "1h"
        algorithm = "EdDSA"
        claims = { userId = "uid", role = "rank" }
        clients = ["cli_a", "cli_b"]
        [housekeeping]
        events_kept = "2d"
        [brand]
        name = "Acme"
        logo = "logo.png"
        colour = "RED"
    "#
    .replace("RED", "#ff0000");
    let world = World::new(&text);
    let config = world.load(&[]).unwrap();
    let config = config.issuing().unwrap();
    let minutes = SignedDuration::from_mins;
    let rules = rules(config, ISSUER).unwrap();
    let lifetimes = &rules.lifetimes;
    let ends = [lifetimes.code, lifetimes.access, lifetimes.refresh, lifetimes.login];
    assert_eq!(ends, [1, 2, 3, 4].map(minutes));
    let ends = [lifetimes.retry_window, lifetimes.id_token, lifetimes.device_code, lifetimes.browser_session];
    assert_eq!(ends, [0, 6, 7, 8].map(minutes));
    assert_eq!(config.external_token, minutes(9));
    assert_eq!(rules.access_format, TokenFormat::Opaque);
    assert_eq!((rules.key_age, rules.unused_client), (minutes(30 * 1440), minutes(5 * 1440)));
    assert_eq!(rules.events_kept, minutes(2 * 1440));
    assert_eq!(rules.proof_nonces, ProofNonces::Required);
    assert!(!rules.open_registration && !rules.metadata_documents && rules.complete_verification_uri);
    assert_eq!(rules.guarded_proxy, Some(Secret::new("http://proxy.test:4750")));
    assert_eq!((rules.registration_limits.different, rules.registration_limits.stored), (7, 3));
    assert_eq!(rules.allowed_users, AllowedUsers::new(["ada", "@example.com"].map(str::to_owned)));
    let names = [("userId", "uid"), ("role", "rank")];
    let names = names.map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned()));
    let sessions = SessionRules {
        audience: Some("app".to_owned()),
        lifetime: minutes(60),
        names: ClaimNames::new(names.into()).unwrap(),
        clients: vec!["cli_a".to_owned(), "cli_b".to_owned()],
        signing: rules.sessions.signing.clone(),
    };
    assert_eq!(rules.sessions, sessions);
    assert_ne!(rules.sessions.signing, SessionRules::default().signing);
    assert_eq!((config.brand.name.as_str(), &config.brand.logo), ("Acme", &Some(world.path("logo.png"))));
    assert_eq!(config.brand.colour, Some("#ff0000".parse().unwrap()));
}

#[test]
fn lifetimes_come_from_our_variable_else_the_adopted_one_else_the_file() {
    let file = "[lifetimes]\naccess_token = \"5m\"\nauthorization_code = \"1m\"\n";
    let adopted = ("OAUTH_ACCESS_TOKEN_TTL", "120");
    let ours = ("BURSAR_LIFETIMES_ACCESS_TOKEN", "90s");
    let access = |pairs: &[(&str, &str)]| said(file, pairs).lifetimes.access.as_secs();
    assert_eq!([access(&[]), access(&[adopted]), access(&[adopted, ours])], [300, 120, 90]);
    assert_eq!(access(&[("OAUTH_ACCESS_TOKEN_TTL", "")]), 300, "an empty one is not set");
    assert_eq!(access(&[("OAUTH_ACCESS_TOKEN_TTL", "2h")]), 7200, "a unit is understood too");
    let all = said(
        "",
        &[
            ("OAUTH_AUTH_CODE_TTL", "300"),
            ("OAUTH_ACCESS_TOKEN_TTL", "900"),
            ("OAUTH_REFRESH_TOKEN_TTL", "86400"),
            ("OAUTH_EXTERNAL_TOKEN_TTL", "5184000"),
        ],
    );
    let ends = [all.lifetimes.code, all.lifetimes.access, all.lifetimes.refresh, all.external_token];
    assert_eq!(ends, [300, 900, 86_400, 5_184_000].map(SignedDuration::from_secs));
    let origin = shown(&load(file, &[adopted]).unwrap(), "lifetimes.access_token").origin;
    assert_eq!(origin.to_string(), "environment variable OAUTH_ACCESS_TOKEN_TTL");
}

#[test]
fn what_another_programs_variable_says_is_wrong_for_a_server_only() {
    for (variable, value, detail) in [
        ("OAUTH_AUTH_CODE_TTL", "3600", "must be a duration from `10s` to `10m`"),
        ("OAUTH_ACCESS_TOKEN_TTL", "soon", "is wrong"),
        ("OAUTH_ACCESS_TOKEN_TTL", "-1", "is wrong"),
        ("OAUTH_ACCESS_TOKEN_TTL", "0", "from `10s` to `1d`"),
        ("OAUTH_REFRESH_TOKEN_TTL", "15552000", "is longer than `lifetimes.login` (90d)"),
        ("OAUTH_EXTERNAL_TOKEN_TTL", "99999999999999999999", "is too long"),
    ] {
        let config = load("", &[(variable, value)]).expect("commands that are no server go on");
        let error = config.issuing().unwrap_err().to_string();
        let start = format!("environment variable {variable}: `lifetimes.");
        assert!(error.starts_with(&start) && error.contains(detail), "{variable}={value}: {error}");
    }
}

#[test]
fn a_login_that_is_shortened_shortens_its_refresh_tokens() {
    let lifetimes = said("[lifetimes]\nlogin = \"1h\"\n", &[]).lifetimes;
    assert_eq!((lifetimes.refresh, lifetimes.login), (lifetimes.login, SignedDuration::from_hours(1)));
    let error = refused("[lifetimes]\nlogin = \"1h\"\nrefresh_token = \"2h\"\n", &[]);
    assert!(error.contains("config.toml:3:17: `lifetimes.refresh_token` is longer than"), "{error}");
}

#[test]
fn values_beyond_their_limits_are_refused_telling_the_limits() {
    let table = [
        ("[lifetimes]\nauthorization_code = \"11m\"", "lifetimes.authorization_code", "from `10s` to `10m`"),
        ("[lifetimes]\nauthorization_code = \"5s\"", "lifetimes.authorization_code", "from `10s` to `10m`"),
        ("[lifetimes]\naccess_token = \"25h\"", "lifetimes.access_token", "from `10s` to `1d`"),
        ("[lifetimes]\naccess_token = 900", "lifetimes.access_token", "\"900s\""),
        ("[lifetimes]\nrefresh_token = \"0s\"", "lifetimes.refresh_token", "from `1m` to `3650d`"),
        ("[lifetimes]\nlogin = \"11000d\"", "lifetimes.login", "from `1m` to `3650d`"),
        ("[lifetimes]\nretry_window = \"1h\"", "lifetimes.retry_window", "from `0s` to `10m`"),
        ("[lifetimes]\nid_token = \"2d\"", "lifetimes.id_token", "from `1m` to `1d`"),
        ("[lifetimes]\ndevice_code = \"2h\"", "lifetimes.device_code", "from `1m` to `1h`"),
        ("[lifetimes]\nbrowser_session = \"1s\"", "lifetimes.browser_session", "from `1m` to `365d`"),
        ("[lifetimes]\nrefresh = \"1h\"", "lifetimes.refresh", "unknown key"),
        ("[tokens]\naccess_format = \"hs256\"", "tokens.access_format", "`opaque`"),
        ("[tokens]\nkey_age = \"1h\"", "tokens.key_age", "from `1d` to `730d`"),
        ("[tokens]\nproof_nonces = true", "tokens.proof_nonces", "`required`"),
        ("[registration]\nopen = \"perhaps\"", "registration.open", "`true` or `false`"),
        ("[registration]\nguarded_proxy = \"gopher://x\"", "registration.guarded_proxy", "a proxy"),
        ("[registration]\ndifferent_an_hour = -1", "registration.different_an_hour", "whole number"),
        ("[sign_in]\nallowed_users = []", "sign_in.allowed_users", "not empty"),
        ("[sign_in]\nallowed_users = [\"@\"]", "sign_in.allowed_users", "user names"),
        ("[sessions]\naudience = \"\"", "sessions.audience", "1 to 200 characters"),
        ("[sessions]\nlifetime = \"400d\"", "sessions.lifetime", "from `1m` to `365d`"),
        ("[sessions]\nalgorithm = \"none\"", "sessions.algorithm", "`HS256`"),
        ("[sessions]\nalgorithm = \"HS256\"", "sessions.algorithm", "needs a secret"),
        ("[sessions]\nsecret = \"hunter2\"", "sessions.secret", "use secret_file, secret_command or"),
        ("[sessions]\nsecret_file = \"a\"", "sessions.secret_file", "is for HS256"),
        ("[sessions]\nclaims = { name = \"x\" }", "sessions.claims", "no claim of a session"),
        ("[sessions]\nclaims = { role = \"exp\" }", "sessions.claims", "cannot be called `exp`"),
        (
            "[sessions]\nsecret_file = \"a\"\nsecret_command = [\"b\"]",
            "sessions.secret_command",
            "second time",
        ),
        ("[brand]\nname = \"\"", "brand.name", "1 to 200 characters"),
        ("[brand]\nname = \"a\\nb\"", "brand.name", "in one line"),
        ("[brand]\ncolour = \"red\"", "brand.colour", "`#rrggbb`"),
        ("[brand]\nlogo = \"\"", "brand.logo", "a path"),
    ];
    for (text, key, detail) in table {
        let error = refused(text, &[]);
        assert!(error.contains(&format!("`{key}`")) && error.contains(detail), "{text}: {error}");
        assert!(error.contains("config.toml:") && !error.contains("hunter2"), "{text}: {error}");
    }
    let error = refused("", &[("BURSAR_LIFETIMES_ACCESS_TOKN", "1m")]);
    assert!(error.contains("unknown key"), "{error}");
    let error = refused("", &[("BURSAR_SIGN_IN_ALLOWED_USERS", "")]);
    assert!(error.contains("not empty"), "an empty list lets nobody in by accident: {error}");
}

#[test]
fn nobody_is_left_unguarded_by_an_empty_proxy() {
    assert_eq!(said("[registration]\nguarded_proxy = \"\"\n", &[]).registration.guarded_proxy, None);
}

#[test]
fn everything_can_be_said_by_variables() {
    let config = said(
        "[sessions]\nalgorithm = \"HS256\"\nsecret_file = \"ignored\"\n",
        &[
            ("BURSAR_SESSIONS_SECRET", "hunter2hunter2hunter2hunter2hunter2"),
            ("BURSAR_SESSIONS_PREVIOUS_SECRET_COMMAND", "pass show old"),
            ("BURSAR_SESSIONS_CLAIMS", "userId=uid role=rank"),
            ("BURSAR_SESSIONS_CLIENTS", "cli_a,cli_b"),
            ("BURSAR_SIGN_IN_ALLOWED_USERS", "ada, bob@example.com"),
            ("BURSAR_REGISTRATION_OPEN", "false"),
            ("BURSAR_BRAND_NAME", "Acme"),
        ],
    );
    let command = ["pass", "show", "old"].map(str::to_owned).to_vec();
    let given = Secret::new("hunter2hunter2hunter2hunter2hunter2");
    assert_eq!(
        config.sessions.secrets,
        [SecretSource::Given(given), SecretSource::Command(command)],
        "the environment overrides the file"
    );
    assert_eq!((config.sessions.algorithm, config.sessions.names.of("role")), (Algorithm::Hs256, "rank"));
    assert_eq!(config.sessions.clients, ["cli_a", "cli_b"]);
    assert!(!config.registration.open && config.brand.name == "Acme");
}

#[test]
fn a_variable_for_a_secret_that_is_empty_is_not_set() {
    assert_eq!(said("", &[("BURSAR_SESSIONS_SECRET", "")]).sessions.secrets, []);
    let error = refused("[sessions]\nalgorithm = \"HS256\"\n", &[("BURSAR_SESSIONS_SECRET", "")]);
    assert!(error.contains("needs a secret"), "{error}");
}

#[test]
fn what_is_in_force_is_shown_without_secrets() {
    let pairs = [
        ("BURSAR_SESSIONS_ALGORITHM", "HS256"),
        ("BURSAR_SESSIONS_SECRET", "hunter2"),
        ("BURSAR_REGISTRATION_GUARDED_PROXY", "http://ada:hunter2@proxy.test:1"),
        ("OAUTH_ACCESS_TOKEN_TTL", "120"),
    ];
    let config = load("", &pairs).unwrap();
    let value = |key| shown(&config, key).value;
    assert_eq!(value("sessions.secret").as_deref(), Some("(set)"));
    let proxy = value("registration.guarded_proxy").unwrap();
    assert!(proxy.starts_with("http://proxy.test:1/") && !proxy.contains("hunter2"), "{proxy}");
    assert_eq!(value("lifetimes.access_token").as_deref(), Some("2m"));
    assert!(!format!("{:?}", config.issuing().unwrap()).contains("hunter2"));
}

#[tokio::test]
async fn secrets_of_sessions_are_read_when_a_server_starts_and_judged() {
    let world = World::new("[sessions]\nalgorithm = \"HS256\"\nsecret_file = \"secret\"\n");
    let signing = async || {
        let config = world.load(&[]).unwrap();
        let sessions = &config.issuing().unwrap().sessions;
        session_signing(sessions, &Environment::default(), &SystemClock).await
    };
    let failure = signing().await.unwrap_err();
    assert_eq!((failure.exit, failure.causes.len()), (Exit::Usage, 2), "{failure:?}");
    assert!(failure.message.contains("the secret that signs session tokens cannot be read"));
    let file: PathBuf = world.path("secret");
    crate::support::write_private(&file, "hunter2hunter2");
    let failure = signing().await.unwrap_err();
    assert_eq!(failure.message, "session tokens cannot be signed");
    assert!(failure.exit == Exit::Usage && failure.causes[0].contains("32"), "{failure:?}");
    assert!(!format!("{failure:?}").contains("hunter2"));
    crate::support::write_private(&file, &"s".repeat(32));
    assert_ne!(signing().await.unwrap(), SessionRules::default().signing);
}

#[test]
fn a_logo_is_a_small_picture() {
    let world = World::new("[brand]\nlogo = \"logo\"\n");
    let found = || look(&world.load(&[]).unwrap().issuing().unwrap().brand);
    let missing = found().unwrap_err();
    assert!(
        missing.exit == Exit::Usage && missing.message.starts_with("cannot read the logo"),
        "{missing:?}"
    );
    std::fs::write(world.path("logo"), "GIF89a").unwrap();
    assert!(found().unwrap_err().causes[0].contains("no PNG, JPEG, WebP or SVG"));
    std::fs::write(world.path("logo"), format!("<svg>{}</svg>", " ".repeat(100_000))).unwrap();
    assert!(found().unwrap_err().causes[0].contains("larger than"));
    std::fs::write(world.path("logo"), "<svg/>").unwrap();
    assert!(found().is_ok());
}
