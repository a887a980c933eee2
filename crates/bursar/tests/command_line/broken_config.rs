//! A configuration with a mistake: its place, the nearest key, and exit 2, whatever the command.

use crate::support::{Home, filters};

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_told_with_its_place_and_the_nearest_one() {
    let _filters = filters();
    let home = Home::new();
    home.write_config("[status]\nwarn = \"1h\"\n\n[network]\n  timout = \"10s\"\n");
    let before = home.files();
    insta::assert_snapshot!(home.run(&["config", "check"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: [FOLDER]/home/config.toml:5:3: unknown key `network.timout`
    hint: did you mean `timeout`?
    ");
    let told = home.run(&["config", "check"]).await.stderr;
    for arguments in [&["list"][..], &["token", "nobody"], &["status", "--json"]] {
        let ended = home.run(arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{arguments:?}: {ended}");
        assert_eq!(ended.stderr.lines().next(), told.lines().next(), "{arguments:?} says the same");
    }
    assert!(before.iter().all(|file| home.files().contains(file)), "what was there is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_duration_is_told_with_the_form() {
    let _filters = filters();
    let home = Home::new();
    home.write_config("[refresh]\nwait = \"half an hour\"\n");
    insta::assert_snapshot!(home.run(&["config", "check"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: [FOLDER]/home/config.toml:2:8: `refresh.wait` is wrong: `half an hour` is not a duration; write for example `90s`, `5m`, `2h`, `1d` or `1h30m`
    hint: all keys and their forms: bursar config reference
    ");
    home.write_config("[refresh]\nwait = 30\n");
    insta::assert_snapshot!(home.run(&["config", "show"]).await, @r#"
    exit 2
    --- stdout
    --- stderr
    error: [FOLDER]/home/config.toml:2:8: `refresh.wait` has no unit; write for example "30s" or "30m"
    hint: all keys and their forms: bursar config reference
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_no_toml_is_told_with_its_place() {
    let _filters = filters();
    let home = Home::new();
    home.write_config("[refresh\nwait = \"30s\"\n");
    insta::assert_snapshot!(home.run(&["config", "check"]).await, @"
    exit 2
    --- stdout
    --- stderr
    error: [FOLDER]/home/config.toml:1:9: unclosed table, expected `]`
    hint: all keys and their forms: bursar config reference
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_variable_is_refused_like_an_unknown_key() {
    let _filters = filters();
    let home = Home::new();
    let ended =
        crate::support::ended(home.command(&["config", "check"]).env("BURSAR_NETWORK_TIMOUT", "10s")).await;
    insta::assert_snapshot!(ended, @"
    exit 2
    --- stdout
    --- stderr
    error: environment variable BURSAR_NETWORK_TIMOUT: unknown key `BURSAR_NETWORK_TIMOUT`
    hint: did you mean `BURSAR_NETWORK_TIMEOUT`?
    ");
}

/// A home with nothing wrong in its configuration.
fn faultless() -> Home {
    let home = Home::new();
    home.write_config(
        "[network]\nproxy = \"http://ada:hunter2@proxy.test:3128\"\n\n[providers.acme]\nclient_id = \"cli\"\n",
    );
    home
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one line for each key")]
async fn a_configuration_without_mistakes_is_shown_with_origins_and_without_secrets() {
    let _filters = filters();
    let home = faultless();
    let with_variables = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("BURSAR_REFRESH_WAIT", "1m").env("BURSAR_PROVIDERS_ACME_CLIENT_SECRET", "hunter3");
        command
    };
    let text = crate::support::ended(&mut with_variables(&["config", "show"])).await;
    insta::assert_snapshot!(text, @"
    exit 0
    --- stdout
    KEY                                VALUE                                   ORIGIN
    providers_dir                      -                                       default
    vault.key                          -                                       default
    vault.key_file                     -                                       default
    vault.passphrase_file              -                                       default
    network.proxy                      http://proxy.test:3128/ (with a login)  [FOLDER]/home/config.toml:2:9
    network.timeout                    30s                                     default
    network.ca_file                    -                                       default
    refresh.before                     -                                       default
    refresh.wait                       1m                                      environment variable BURSAR_REFRESH_WAIT
    status.warn                        2h                                      default
    status.warn_grant                  3d                                      default
    status.interval                    30m                                     default
    login.timeout                      5m                                      default
    login.callback_port                -                                       default
    login.client_metadata_url          -                                       default
    login.no_browser                   false                                   default
    cleanup.keep                       7d                                      default
    agent.on_demand                    false                                   environment variable BURSAR_AGENT_ON_DEMAND
    agent.nightly                      -                                       default
    agent.nightly_ahead                12h                                     default
    gateway.in_agent                   true                                    default
    gateway.listen                     127.0.0.1:[PORT]                          default
    gateway.hosts                      -                                       default
    gateway.origins                    -                                       default
    gateway.log                        -                                       default
    gateway.log_size                   10MiB                                   default
    gateway.log_keep                   3                                       default
    store.database                     -                                       default
    store.database_password            -                                       default
    store.database_password_file       -                                       default
    store.database_password_command    -                                       default
    store.ephemeral                    -                                       default
    store.ephemeral_password           -                                       default
    store.ephemeral_password_file      -                                       default
    store.ephemeral_password_command   -                                       default
    store.ca_file                      -                                       default
    store.redis_prefix                 bursar                                  default
    store.trust_settings               false                                   default
    store.accept_replicas              false                                   default
    server.listen                      127.0.0.1:[PORT] [::1]:8790               default
    server.public_url                  -                                       default
    server.tls_certificate             -                                       default
    server.tls_key                     -                                       default
    server.trusted_proxies             -                                       default
    server.connections_per_address     -                                       default
    server.sandbox                     -                                       default
    lifetimes.authorization_code       10m                                     default
    lifetimes.access_token             15m                                     default
    lifetimes.refresh_token            1d                                      default
    lifetimes.login                    90d                                     default
    lifetimes.retry_window             1m                                      default
    lifetimes.id_token                 1h                                      default
    lifetimes.device_code              10m                                     default
    lifetimes.browser_session          7d                                      default
    lifetimes.external_token           60d                                     default
    tokens.access_format               es256                                   default
    tokens.key_age                     90d                                     default
    tokens.proof_nonces                accepted                                default
    registration.open                  true                                    default
    registration.metadata_documents    true                                    default
    registration.guarded_proxy         -                                       default
    registration.unused_client         90d                                     default
    registration.different_an_hour     200                                     default
    registration.stored_an_hour        20                                      default
    sign_in.allowed_users              -                                       default
    sign_in.complete_verification_uri  false                                   default
    sign_in.reset_ends_logins          true                                    default
    sessions.audience                  -                                       default
    sessions.lifetime                  7d                                      default
    sessions.algorithm                 ES256                                   default
    sessions.secret                    -                                       default
    sessions.secret_file               -                                       default
    sessions.secret_command            -                                       default
    sessions.previous_secret           -                                       default
    sessions.previous_secret_file      -                                       default
    sessions.previous_secret_command   -                                       default
    sessions.claims                    -                                       default
    sessions.clients                   -                                       default
    housekeeping.events_kept           90d                                     default
    brand.name                         bursar                                  default
    brand.logo                         -                                       default
    brand.colour                       -                                       default
    providers.acme.client_id           cli                                     [FOLDER]/home/config.toml:5:13
    providers.acme.client_secret       (set)                                   environment variable BURSAR_PROVIDERS_ACME_CLIENT_SECRET
    --- stderr
    ");
    let json = crate::support::ended(&mut with_variables(&["config", "show", "--json"])).await.stdout;
    assert!(!json.contains("hunter") && !text.stdout.contains("hunter"));
    let keys: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert!(keys.iter().all(|key| key["schema"] == 1));
    let wait = keys.iter().find(|key| key["key"] == "refresh.wait").unwrap();
    assert_eq!(
        (&wait["value"], &wait["origin"]),
        (&"1m".into(), &"environment variable BURSAR_REFRESH_WAIT".into())
    );
    insta::assert_snapshot!(home.run(&["config", "check"]).await, @"
    exit 0
    --- stdout
    --- stderr
    configuration is fine ([FOLDER]/home/config.toml)
    ");
}
