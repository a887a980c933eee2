//! What was written, what it means, and what is refused, with its place.

use bursar::config::environment::Environment;
use bursar::config::meaning::{AgentConfig, GatewayConfig, RouteConfig, RuleConfig};
use bursar::config::paths::Paths;
use bursar::config::secret_source::SecretSource;
use bursar::config::{Config, ConfigError, Origin, ShownKey, reference_markdown, show};
use bursar::master_key::Backend;
use bursar_core::secret::Secret;
use jiff::SignedDuration;

pub(super) struct World(tempfile::TempDir);

impl World {
    pub(super) fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), text).unwrap();
        Self(folder)
    }

    pub(super) fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn load(&self, pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let home = self.0.path().to_str().unwrap();
        let pairs = [("BURSAR_HOME", home), ("HOME", "/home/ada")].into_iter().chain(pairs.iter().copied());
        let environment = Environment::from_pairs(pairs);
        Config::load(&environment, &Paths::resolve(&environment).unwrap())
    }
}

pub(super) fn load(text: &str, pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    World::new(text).load(pairs)
}

pub(super) fn shown(config: &Config, key: &str) -> ShownKey {
    show(config).into_iter().find(|shown| shown.key == key).unwrap()
}

#[test]
fn without_a_file_the_defaults_are_in_force() {
    let world = World(tempfile::tempdir().unwrap());
    let config = world.load(&[]).unwrap();
    assert_eq!(config.vault.key, None);
    assert_eq!(config.network.timeout, SignedDuration::from_secs(30));
    assert_eq!(config.refresh.before, None);
    assert_eq!(config.status.warn, SignedDuration::from_hours(2));
    assert_eq!(config.status.warn_grant, SignedDuration::from_hours(72));
    assert_eq!((config.login.callback_port, config.login.no_browser), (None, false));
    let half_a_day = SignedDuration::from_hours(12);
    assert_eq!(config.agent, AgentConfig { on_demand: true, nightly: None, nightly_ahead: half_a_day });
    let gateway = GatewayConfig {
        in_agent: true,
        listen: Some("127.0.0.1:8791".parse().unwrap()),
        log_size: 10 << 20,
        log_keep: 3,
        ..GatewayConfig::default()
    };
    assert_eq!((config.gateway.clone(), config.rules.as_slice()), (gateway, [].as_slice()));
    assert!(config.providers.is_empty());
    assert!(config.catalogue.find("google").unwrap().is_some());
    assert!(show(&config).iter().all(|shown| shown.origin == Origin::Default));
}

#[test]
fn every_key_of_the_file_arrives_where_it_is_meant() {
    let world = World::new(
        r#"
        [vault]
        key = "key_file"
        key_file = "keys/master"
        passphrase_file = "~/passphrase"
        [network]
        proxy = "proxy.test:3128"
        timeout = "10s"
        ca_file = "/etc/ca.pem"
        [refresh]
        before = "10m"
        wait = "1m30s"
        [status]
        warn = "1h"
        warn_grant = "7d"
        interval = "5m"
        [login]
        timeout = "10m"
        callback_port = 8123
        no_browser = true
        [cleanup]
        keep = "30d"
        [agent]
        on_demand = false
        nightly = "3:30"
        nightly_ahead = "1d"
        [gateway]
        in_agent = false
        listen = "[::1]:0"
        hosts = ["Dev.Box:8791"]
        origins = ["https://App.example.com/"]
        log = "gateway.log"
        log_size = 4096
        log_keep = 9
        [gateway.routes.github]
        account = "github:work"
        upstream = "https://api.github.com/v3"
        inject = "header"
        name = "Authorization"
        template = "token {token}"
        hosts = ["uploads.github.com"]
        [gateway.routes.maps]
        account = "google"
        inject = "query"
        name = "key"
        [[rules]]
        account = "github:work"
        directory = "~/work"
        git_remote = "github.com/acme/*"
        environment = "CI=true"
        [[rules]]
        account = "my-forge:home"
        directory = "**/home"
        [providers.google]
        client_id = "id"
        client_secret_file = "google.secret"
        scopes = ["openid", "email"]
        proxy = ""
        vars = { tenant = "common" }
        [providers.github-app]
        client_secret_command = ["pass", "show", "github"]
        "#,
    );
    let config = world.load(&[]).unwrap();
    assert_eq!(config.vault.key, Some(Backend::KeyFile));
    assert_eq!(config.vault.key_file, Some(world.path("keys/master")));
    assert_eq!(config.vault.passphrase_file, Some("/home/ada/passphrase".into()));
    assert_eq!(config.network.proxy.as_deref(), Some("http://proxy.test:3128"));
    assert_eq!(config.network.timeout, SignedDuration::from_secs(10));
    assert_eq!(config.network.ca_file, Some("/etc/ca.pem".into()));
    assert_eq!(config.refresh.before, Some(SignedDuration::from_mins(10)));
    assert_eq!(config.refresh.wait, SignedDuration::from_secs(90));
    assert_eq!(config.status.warn, SignedDuration::from_hours(1));
    assert_eq!(config.status.warn_grant, SignedDuration::from_hours(168));
    assert_eq!(config.status.interval, SignedDuration::from_mins(5));
    assert_eq!(config.login.timeout, SignedDuration::from_mins(10));
    assert_eq!((config.login.callback_port, config.login.no_browser), (Some(8123), true));
    assert_eq!(config.cleanup.keep, SignedDuration::from_hours(720));
    agent_gateway_and_rules_are_as_written(&world, &config);
    let google = &config.providers["google"];
    assert_eq!(google.client_id.as_deref(), Some("id"));
    assert_eq!(google.client_secret, Some(SecretSource::File(world.path("google.secret"))));
    assert_eq!(google.scopes.as_deref(), Some(["openid".to_owned(), "email".to_owned()].as_slice()));
    assert_eq!(google.proxy.as_deref(), Some(""));
    assert_eq!(google.vars["tenant"], "common");
    let command = ["pass", "show", "github"].map(str::to_owned).to_vec();
    assert_eq!(config.providers["github-app"].client_secret, Some(SecretSource::Command(command)));
}

fn agent_gateway_and_rules_are_as_written(world: &World, config: &Config) {
    let (time, day) = (jiff::civil::time(3, 30, 0, 0), SignedDuration::from_hours(24));
    assert_eq!(config.agent, AgentConfig { on_demand: false, nightly: Some(time), nightly_ahead: day });
    let text = |text: &str| Some(text.to_owned());
    let github = RouteConfig {
        account: "github:work".to_owned(),
        upstream: text("https://api.github.com/v3"),
        inject: text("header"),
        name: text("Authorization"),
        template: text("token {token}"),
        hosts: vec!["uploads.github.com".to_owned()],
    };
    let maps = RouteConfig {
        account: "google".to_owned(),
        inject: text("query"),
        name: text("key"),
        ..RouteConfig::default()
    };
    let gateway = GatewayConfig {
        in_agent: false,
        listen: Some("[::1]:0".parse().unwrap()),
        hosts: vec!["dev.box:8791".to_owned()],
        origins: vec!["https://app.example.com".to_owned()],
        log: Some(world.path("gateway.log")),
        log_size: 4096,
        log_keep: 9,
        routes: [("github".to_owned(), github), ("maps".to_owned(), maps)].into(),
    };
    assert_eq!(config.gateway, gateway);
    let work = RuleConfig {
        account: "github-app:work".to_owned(),
        directory: text("~/work"),
        git_remote: text("github.com/acme/*"),
        environment: text("CI=true"),
    };
    let home = RuleConfig {
        account: "my-forge:home".to_owned(),
        directory: text("**/home"),
        ..RuleConfig::default()
    };
    assert_eq!(config.rules, [work, home], "in their order, with ids for aliases");
    assert_eq!(shown(config, "rules[1].account").value.as_deref(), Some("github:work"));
    assert!(matches!(shown(config, "rules[2].directory").origin, Origin::File { column: 21, .. }));
    assert_eq!(shown(config, "gateway.routes.maps.name").value.as_deref(), Some("key"));
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "[network]\nproxy = \"http://file:1\"\ntimeout = \"10s\"\n[providers.my_forge]\nclient_id = \"file\"\n\
                client_secret_file = \"secret\"\n";
    let config = load(
        file,
        &[
            ("BURSAR_NETWORK_PROXY", ""),
            ("BURSAR_LOGIN_NO_BROWSER", "1"),
            ("BURSAR_PROVIDERS_MY_FORGE_CLIENT_ID", "environment"),
            ("BURSAR_PROVIDERS_MY_FORGE_CLIENT_SECRET", "hunter2"),
            ("BURSAR_PROVIDERS_GITHUB_APP_SCOPES", "repo read:user"),
        ],
    )
    .unwrap();
    assert_eq!(config.network.proxy.as_deref(), Some(""));
    assert_eq!(config.network.timeout, SignedDuration::from_secs(10));
    assert!(config.login.no_browser);
    let forge = &config.providers["my_forge"];
    assert_eq!(forge.client_id.as_deref(), Some("environment"));
    assert_eq!(forge.client_secret, Some(SecretSource::Given(Secret::new("hunter2"))));
    assert_eq!(config.providers["github-app"].scopes.as_ref().unwrap().len(), 2);
    assert_eq!(
        shown(&config, "network.proxy").origin,
        Origin::Environment("BURSAR_NETWORK_PROXY".to_owned())
    );
    assert!(matches!(shown(&config, "network.timeout").origin, Origin::File { line: 3, column: 11, .. }));
}

#[test]
fn unknown_keys_are_refused_with_their_place_and_the_nearest_known_one() {
    let table = [
        ("\n[netwrok]\nproxy = \"\"\n", "2:2", "netwrok", Some("network")),
        ("[network]\n  proxi = \"\"\n", "2:3", "network.proxi", Some("proxy")),
        ("# ü\n[status]\nwarn = \"1h\"\nwarm = \"1h\"\n", "4:1", "status.warm", Some("warn")),
        ("provider_dir = \"x\"\n", "1:1", "provider_dir", Some("providers_dir")),
        ("[providers.google]\nclientid = \"x\"\n", "2:1", "providers.google.clientid", Some("client_id")),
        ("[network]\nutterly_different = 1\n", "2:1", "network.utterly_different", None),
        ("[agent]\nnightly_ahaed = \"1h\"\n", "2:1", "agent.nightly_ahaed", Some("nightly_ahead")),
        ("[gateway]\nroute = {}\n", "2:1", "gateway.route", Some("routes")),
        ("[gateway.routs.x]\n", "1:10", "gateway.routs", Some("routes")),
        ("[gateway.routes.x]\nacount = \"a\"\n", "2:1", "gateway.routes.x.acount", Some("account")),
        ("[[rule]]\n", "1:3", "rule", Some("rules")),
        ("[[rules]]\naccount = \"a:b\"\n[[rules]]\nfolder = \"/\"\n", "4:1", "rules[2].folder", None),
        ("[[rules]]\ngit_remotes = \"a\"\n", "2:1", "rules[1].git_remotes", Some("git_remote")),
    ];
    for (text, place, key, expected) in table {
        let error = load(text, &[]).unwrap_err();
        assert!(error.to_string().contains(&format!("config.toml:{place}: unknown key `{key}`")), "{error}");
        let ConfigError::UnknownKey { nearest, .. } = &error else { panic!("{error}") };
        assert_eq!(nearest.as_deref(), expected, "{key}");
        let hint = expected.map_or("bursar config reference".to_owned(), |nearest| format!("`{nearest}`"));
        assert!(error.hint().contains(&hint), "{}", error.hint());
    }
}

#[test]
fn unknown_variables_of_a_section_are_refused_and_others_left_alone() {
    for name in [
        "BURSAR_NETWORK_PROXI",
        "BURSAR_PROVIDERS_GOOGLE_CLIENT",
        "BURSAR_AGENT_NIGHTLYY",
        "BURSAR_GATEWAY_PORT",
        "BURSAR_GATEWAY_ROUTES_GITHUB_ACCOUNT",
        "BURSAR_RULES_ACCOUNT",
    ] {
        let error = load("", &[(name, "x")]).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    let error = load("", &[("BURSAR_NETWORK_PROXI", "x")]).unwrap_err();
    assert_eq!(error.hint(), "did you mean `BURSAR_NETWORK_PROXY`?");
    let others = [
        ("BURSAR_LOG", "debug"),
        ("BURSAR_ACCOUNT_GOOGLE", "work"),
        ("BURSAR_MASTER_KEY", "x"),
        ("BURSAR_REMOTE_FALLBACK", "1"),
        ("BURSAR_SKIP_PREFLIGHT", "1"),
        ("BURSAR_SESSION", "x"),
        ("BURSAR_SESSION_TOKEN", "x"),
        ("BURSAR_SOCKET", "/run/x.sock"),
        ("BURSAR_GATEWAY", "http://127.0.0.1:8791"),
        ("BURSAR_GATEWAY_TOKEN", "x"),
    ];
    assert!(load("", &others).is_ok());
}

#[test]
fn agent_and_gateway_are_also_set_by_the_environment_and_routes_and_rules_only_by_the_file() {
    let file = "[agent]\nnightly = \"03:30\"\n[gateway]\norigins = [\"https://a.example\"]\n";
    let config = load(
        file,
        &[
            ("BURSAR_AGENT_ON_DEMAND", "0"),
            ("BURSAR_AGENT_NIGHTLY", ""),
            ("BURSAR_GATEWAY_LISTEN", "127.0.0.1:0"),
            ("BURSAR_GATEWAY_HOSTS", "a.example, b.example:1"),
            ("BURSAR_GATEWAY_LOG_SIZE", "1 MiB"),
            ("BURSAR_GATEWAY_LOG_KEEP", "0"),
        ],
    )
    .unwrap();
    assert_eq!((config.agent.on_demand, config.agent.nightly), (false, None), "an empty time is never");
    assert_eq!(config.gateway.listen, Some("127.0.0.1:0".parse().unwrap()));
    assert_eq!(config.gateway.hosts, ["a.example", "b.example:1"]);
    assert_eq!((config.gateway.log_size, config.gateway.log_keep), (1 << 20, 0));
    assert_eq!(config.gateway.origins, ["https://a.example"]);
    let error = load("", &[("BURSAR_GATEWAY_ROUTES_A_ACCOUNT", "x")]).unwrap_err().to_string();
    assert!(error.ends_with("`gateway.routes` can only be written in the file"), "{error}");
}

#[test]
fn a_route_that_cannot_work_is_refused_where_it_is_written() {
    let table = [
        ("", "gateway.routes.a.account", "must name an account"),
        ("account = \" \"", "gateway.routes.a.account", "must name an account"),
        ("account = \"x\"\nupstream = \"http://api.example.com\"", "upstream", "`https` URL"),
        (
            "account = \"x\"\nupstream = \"https://u:hunter2@api.example.com\"",
            "upstream",
            "without user name",
        ),
        ("account = \"x\"\ninject = \"cookie\"", "inject", "`header`, `query`, `basic`"),
        ("account = \"x\"\ninject = \"query\"", "name", "query parameter"),
        ("account = \"x\"\nname = \"X Key\"", "name", "name of a header"),
        ("account = \"x\"\ninject = \"basic\"\nname = \"a:b\"", "name", "`:`"),
        ("account = \"x\"\ntemplate = \"Bearer\"", "template", "`{token}`"),
        ("account = \"x\"\ntemplate = \"a\\n{token}\"", "template", "`{token}`"),
        ("account = \"x\"\ninject = \"basic\"\ntemplate = \"{token}\"", "template", "headers only"),
        ("account = \"x\"\nhosts = [\"https://x\"]", "hosts", "host names"),
        ("account = \"x\"\nhosts = \"*\"", "hosts", "host names"),
    ];
    for (keys, key, detail) in table {
        let error = load(&format!("[gateway.routes.a]\n{keys}\n"), &[]).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains(detail), "{keys}: {error}");
        assert!(error.contains("config.toml:") && !error.contains("hunter2"), "{error}");
    }
    for name in ["\"\"", "\"a/b\"", "\"..\"", "\"a b\"", "\"%2e\""] {
        let error =
            load(&format!("[gateway.routes.{name}]\naccount = \"x\"\n"), &[]).unwrap_err().to_string();
        assert!(error.contains("must have a name of letters"), "{name}: {error}");
    }
}

#[test]
fn a_rule_without_account_or_condition_is_refused() {
    let table = [
        ("directory = \"/\"", "rules[2].account", "is missing"),
        ("account = \"google\"", "rules[2].account", "full reference"),
        ("account = \"google:work\"", "rules[2]", "has no condition"),
        ("account = \"google:work\"\ndirectory = \"work\"", "rules[2].directory", "a folder"),
        ("account = \"google:work\"\ngit_remote = \"\"", "rules[2].git_remote", "a remote"),
        ("account = \"google:work\"\nenvironment = \"CI=\"", "rules[2].environment", "`NAME=VALUE`"),
        ("account = \"google:work\"\nenvironment = 1", "rules[2].environment", "`NAME=VALUE`"),
    ];
    for (keys, key, detail) in table {
        let good = "[[rules]]\naccount = \"google:home\"\ndirectory = \"/\"\n";
        let error = load(&format!("{good}[[rules]]\n{keys}\n"), &[]).unwrap_err().to_string();
        assert!(error.contains(&format!("`{key}` ")) && error.contains(detail), "{keys}: {error}");
        assert!(error.contains("config.toml:"), "{error}");
    }
    let rule = "[[rules]]\naccount = \"google:work\"\ndirectory = \"~/work\"\n";
    let homeless = load(rule, &[("HOME", "")]).unwrap_err().to_string();
    assert!(homeless.contains("HOME is not set"), "{homeless}");
}

#[test]
fn values_of_the_wrong_form_are_refused_telling_the_form() {
    let table = [
        ("[network]\ntimeout = 30", "network.timeout", "\"30s\""),
        ("[network]\ntimeout = \"30\"", "network.timeout", "`30s`"),
        ("[network]\ntimeout = \"soon\"", "network.timeout", "`90s`"),
        ("[network]\ntimeout = 1.5", "network.timeout", "duration"),
        ("[network]\nproxy = \"gopher://x\"", "network.proxy", "a proxy"),
        ("[network]\nca_file = \"\"", "network.ca_file", "a path"),
        ("[vault]\nkey = \"paper\"", "vault.key", "`keychain`, `passphrase`, `key_file`"),
        ("[login]\ncallback_port = 70000", "login.callback_port", "65535"),
        ("[login]\nno_browser = \"maybe\"", "login.no_browser", "`true` or `false`"),
        ("[providers.google]\nscopes = [1]", "providers.google.scopes", "list of words"),
        ("[providers.google]\nclient_secret_command = \"pass show x\"", "client_secret_command", "as a list"),
        ("[providers.google]\nclient_secret_command = []", "client_secret_command", "as a list"),
        ("[providers.google]\nclient_secret = \"hunter2\"", "client_secret", "does not belong in this file"),
        ("[providers]\ngoogle = 1", "providers.google", "a table"),
        (
            "[providers.google]\nclient_secret_file = \"a\"\nclient_secret_command = [\"b\"]",
            "client_secret",
            "second time",
        ),
        ("providers_dir = [1]", "providers_dir", "a path"),
        ("network = 1", "network", "unknown key"),
        ("[agent]\nnightly = \"24:00\"", "agent.nightly", "`03:30`"),
        ("[agent]\nnightly = 3:30", "config.toml:2:", ""),
        ("[agent]\nnightly_ahead = 12", "agent.nightly_ahead", "\"12s\""),
        ("[gateway]\nlisten = \"0.0.0.0:8791\"", "gateway.listen", "of this machine"),
        ("[gateway]\nlisten = \"[::]:8791\"", "gateway.listen", "of this machine"),
        ("[gateway]\nlisten = 8791", "gateway.listen", "`127.0.0.1:8791`"),
        ("[gateway]\nhosts = [\"a b\"]", "gateway.hosts", "host names"),
        ("[gateway]\norigins = [\"*\"]", "gateway.origins", "`https://app.example.com`"),
        ("[gateway]\nlog_size = \"10 boxes\"", "gateway.log_size", "`10MiB`"),
        ("[gateway]\nlog_size = -1", "gateway.log_size", "`10MiB`"),
        ("[gateway]\nlog_keep = -1", "gateway.log_keep", "whole number"),
        ("[gateway]\nroutes = 1", "gateway.routes", "[gateway.routes.NAME]"),
        ("[gateway.routes]\na = 1", "gateway.routes.a", "[gateway.routes.NAME]"),
        ("rules = 1", "rules", "[[rules]]"),
        ("rules = [1]", "rules[1]", "[[rules]]"),
        ("[rules]", "rules", "[[rules]]"),
        ("[[providers]]", "providers", "[providers.NAME]"),
        ("[network\n", "config.toml:1:", ""),
        ("[network]\nproxy = \"\"\nproxy = \"\"", "config.toml:3:1", "duplicate"),
    ];
    for (text, key, form) in table {
        let error = load(text, &[]).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains(form), "{text}: {error}");
        assert!(error.contains("config.toml:") && !error.contains("hunter2"), "{error}");
    }
    let error = load("", &[("BURSAR_REFRESH_WAIT", "5 minutes")]).unwrap_err().to_string();
    assert!(error.starts_with("environment variable BURSAR_REFRESH_WAIT: `refresh.wait`"), "{error}");
}

#[test]
fn secrets_are_never_shown() {
    let text = "[network]\nproxy = \"http://ada:hunter2@proxy:1\"\n[providers.google]\n\
                client_secret_command = [\"printf\", \"hunter2\"]\n";
    let config = load(text, &[("BURSAR_PROVIDERS_GITLAB_CLIENT_SECRET", "hunter2")]).unwrap();
    let values: Vec<_> = show(&config).into_iter().filter_map(|shown| shown.value).collect();
    assert!(values.iter().all(|value| !value.contains("hunter2")), "{values:?}");
    assert!(!format!("{:?}", config.providers["gitlab"]).contains("hunter2"));
    assert_eq!(shown(&config, "network.proxy").value.as_deref(), Some("http://proxy:1/ (with a login)"));
    assert_eq!(shown(&config, "providers.google.client_secret_command").value.as_deref(), Some("printf …"));
    assert_eq!(shown(&config, "providers.gitlab.client_secret").value.as_deref(), Some("(set)"));
}

#[test]
fn own_provider_entries_are_read_and_checked() {
    let world = World::new("");
    std::fs::create_dir(world.path("providers")).unwrap();
    let entry = world.path("providers/google.toml");
    std::fs::write(&entry, "extends = \"google\"\nname = \"Our Google\"\n").unwrap();
    std::fs::write(world.path("providers/notes.txt"), "not an entry").unwrap();
    let config = world.load(&[]).unwrap();
    assert_eq!(config.catalogue.find("google").unwrap().unwrap().name, "Our Google");
    std::fs::write(&entry, "extends = \"google\"\nnam = \"x\"\n").unwrap();
    assert!(matches!(world.load(&[]), Err(ConfigError::Catalogue(_))));
    let elsewhere = world.load(&[("BURSAR_PROVIDERS_DIR", "/no/such/folder")]);
    assert!(matches!(elsewhere, Err(ConfigError::Unreadable { .. })));
}

#[test]
fn the_manual_names_every_key_in_force_with_its_default() {
    let manual = reference_markdown();
    let config = load("", &[]).unwrap();
    for shown in show(&config) {
        let name = shown.key.rsplit('.').next().unwrap().to_owned();
        let variable = format!("BURSAR_{}", shown.key.replace('.', "_").to_ascii_uppercase());
        let line = manual.lines().find(|line| line.contains(&format!("`{variable}`"))).unwrap();
        let secret = format!("| `{variable}` | a secret, never in the file |");
        assert!(line.starts_with(&format!("| `{name}`, ")) || line.starts_with(&secret), "{line}");
        if let Some(value) = shown.value {
            assert!(line.contains(&format!("| `{value}` |")), "{value}: {line}");
        }
    }
    for line in
        ["## `[gateway.routes.NAME]`", "## `[[rules]]`", "| `git_remote` |", "| `client_id`, `BURSAR_"]
    {
        assert!(manual.contains(line), "{line}");
    }
    assert!(!manual.contains("BURSAR_RULES") && !manual.contains("BURSAR_GATEWAY_ROUTES"));
    assert!(
        manual.contains("## `[providers.NAME]`") && manual.contains("| key | form | default | meaning |")
    );
}
