//! Logins that must not happen: each ends with one clear message, the right code, and everything stored as it was.

use std::process::Stdio;

use misbehaving_provider::{
    Behaviour, Consent, DeviceApproval, Endpoint, ErrorBody, Fault, Identity, MisbehavingProvider,
    PUBLIC_CLIENT, RetryAfter, SERVICE_CLIENT, Times,
};

use crate::support::{Ended, FILTERS, Home, Running, redirect_of, visit, write_private};

/// A home with one good login, and what it held before the bad one.
struct Scene {
    home: Home,
    provider: MisbehavingProvider,
    before: Vec<(serde_json::Value, String)>,
}

impl Scene {
    async fn set() -> Self {
        let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
        let login = home.login(&provider, "work").await;
        assert_eq!(login.code, 0, "{login}");
        let before = home.stored().await;
        assert_eq!(before.len(), 1);
        Self { home, provider, before }
    }

    fn issuer(&self) -> String {
        self.provider.issuer()
    }

    /// A browser login of the good account that the person lets run its course.
    async fn browser_login(&self) -> Ended {
        self.home.login(&self.provider, "work").await
    }

    /// Nothing has changed, and the token still serves.
    async fn is_unchanged(&self) {
        assert_eq!(self.home.stored().await, self.before);
        assert!(self.provider.is_live(self.before[0].1.trim_end()));
    }
}

/// The failure alone: what came before it is the login's ordinary talk.
fn failure(ended: &Ended) -> String {
    let start = ended.stderr.find("error:").unwrap_or_else(|| panic!("no error in {ended}"));
    format!("exit {}\n{}", ended.code, &ended.stderr[start..])
}

fn filters() -> Vec<(&'static str, &'static str)> {
    let mut filters = FILTERS.to_vec();
    filters.push((r"127\.0\.0\.1-\d+", "127.0.0.1-[PORT]"));
    filters.push((r"port \d+", "port [PORT]"));
    filters
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_provider_is_refused_with_a_suggestion() {
    let scene = Scene::set().await;
    let mut told = Vec::new();
    for name in ["gogle", "auth.example.com", "gitlab:work", "nothing-like-it"] {
        told.push(failure(&scene.home.run(&["login", name]).await));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    exit 2
    error: unknown provider 'gogle'
    hint: did you mean `bursar login google`? any other issuer works by its
          URL: `bursar login https://ISSUER`

    exit 2
    error: unknown provider 'auth.example.com'
    hint: an issuer is named by its URL:
          `bursar login https://auth.example.com`

    exit 2
    error: unknown provider 'gitlab:work'
    hint: run `bursar login gitlab --as work`

    exit 2
    error: unknown provider 'nothing-like-it'
    hint: known are github-app, github-oauth-app, gitlab, google, microsoft;
          any other issuer works by its URL: `bursar login https://ISSUER`
    ");
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_must_be_a_safe_address() {
    let scene = Scene::set().await;
    let mut told = Vec::new();
    for url in ["http://auth.example.com", "ftp://auth.example.com", "https://user:hunter2@auth.example.com"]
    {
        let ended = scene.home.run(&["login", url]).await;
        assert!(!ended.stderr.contains("hunter2"), "{ended}");
        told.push(failure(&ended));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    exit 2
    error: `http://auth.example.com`: must start with https:// (http:// is for localhost, 127.0.0.1 and [::1] only)
    hint: name an issuer as `https://HOST`, or a provider of the catalogue;
          plain http works on loopback only

    exit 2
    error: `ftp://auth.example.com`: must start with https:// (http:// is for localhost, 127.0.0.1 and [::1] only)
    hint: name an issuer as `https://HOST`, or a provider of the catalogue;
          plain http works on loopback only

    exit 2
    error: `…@auth.example.com`: must not contain a user name or password
    hint: name an issuer as `https://HOST`, or a provider of the catalogue;
          plain http works on loopback only
    ");
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_issuer_is_told_as_such() {
    let scene = Scene::set().await;
    let gone = MisbehavingProvider::start(Behaviour::default()).await;
    gone.stop().await;
    let ended = scene.home.run(&["login", &gone.issuer(), "--client-id", PUBLIC_CLIENT]).await;
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(failure(&ended), @"
        exit 5
        error: http://127.0.0.1:[PORT] cannot be reached: connection failed (127.0.0.1): tcp connect error: Connection refused (os error 111)
        hint: check your network and firewall; `bursar doctor` tests both
        "); });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_cannot_be_trusted_ends_the_login() {
    let scene = Scene::set().await;
    let (home, provider) = (&scene.home, MisbehavingProvider::start(Behaviour::default()).await);
    let issuer = provider.issuer();
    let login = ["login", &issuer, "--client-id", PUBLIC_CLIENT];
    let mut told = Vec::new();
    provider.change(|behaviour| behaviour.metadata.issuer_mismatch = true);
    told.push(failure(&home.run(&login).await));
    provider.change(|behaviour| {
        behaviour.metadata.issuer_mismatch = false;
        behaviour.metadata.without_pkce_methods = true;
    });
    told.push(failure(&home.run(&login).await));
    provider.change(|behaviour| {
        behaviour.metadata.without_pkce_methods = false;
        behaviour.metadata.not_json = true;
    });
    told.push(failure(&home.run(&login).await));
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @"
    exit 8
    error: the server metadata is for `https://somebody-else.example`, but `http://127.0.0.1:[PORT]` was asked
    hint: this server cannot be used safely; ask its operator to fix its
          metadata

    exit 8
    error: the server does not announce PKCE with S256
    hint: ask its operator to announce `code_challenge_methods_supported`; if
          you know that it has PKCE, add `--assume-pkce`

    exit 2
    error: the answer is not server metadata
    hint: check the issuer URL: what is there is no authorization server
    "); });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_somebody_else_ends_the_login() {
    let scene = Scene::set().await;
    let mut told = Vec::new();
    for consent in
        [Consent::WrongState, Consent::OmitState, Consent::WrongIss, Consent::OmitIss, Consent::Deny]
    {
        scene.provider.change(|behaviour| behaviour.authorize.consent = consent);
        told.push(failure(&scene.browser_login().await));
    }
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @"
        exit 4
        error: the answer does not belong to this login (its state is missing or different)
        hint: start the login again; nothing was stored

        exit 4
        error: the answer does not belong to this login (its state is missing or different)
        hint: start the login again; nothing was stored

        exit 4
        error: the answer is from `https://attacker.example`, but `http://127.0.0.1:[PORT]` was asked
        hint: start the login again; nothing was stored

        exit 4
        error: the answer does not name its issuer, although the provider promises that
        hint: start the login again; nothing was stored

        exit 4
        error: the login was denied
        hint: start the login again; nothing was stored
        "); });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_never_comes_back_ends_in_time() {
    let scene = Scene::set().await;
    let issuer = scene.issuer();
    let ended = scene.home.run(&["login", &issuer, "--as", "work", "--no-browser", "--timeout", "1s"]).await;
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(failure(&ended), @"
    exit 2
    error: no answer came from the browser within 1s; nothing was stored
    hint: log in again; if the browser cannot reach this machine, run
          `bursar login http://127.0.0.1:[PORT] --as work --paste`
    "); });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named() {
    let scene = Scene::set().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = scene.home.run(&["login", &scene.issuer(), "--no-browser", "--port", &port]).await;
    assert!(ended.stderr.contains(&format!("port {port} ")), "{ended}");
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(failure(&ended), @"
        exit 2
        error: port [PORT] on 127.0.0.1 is taken
        hint: choose another with `--port PORT`, or end the program that uses it
        "); });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_ends_or_is_denied_ends_the_login() {
    let scene = Scene::set().await;
    scene.provider.change(|behaviour| behaviour.device.interval_seconds = 1);
    let issuer = scene.issuer();
    let login = ["login", &issuer, "--device", "--as", "work"];
    let mut told = Vec::new();
    for approval in [DeviceApproval::Expire, DeviceApproval::Deny] {
        scene.provider.change(|behaviour| behaviour.device.approval = approval);
        told.push(failure(&scene.home.run(&login).await));
    }
    scene.provider.change(|behaviour| behaviour.device.approval = DeviceApproval::Never);
    let impatient = ["login", &issuer, "--device", "--as", "work", "--timeout", "1s"];
    told.push(failure(&scene.home.run(&impatient).await));
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @"
    exit 4
    error: the code was not confirmed in time
    hint: start the login again to get a new code

    exit 4
    error: the login was denied on the other device
    hint: start the login again to get a new code

    exit 2
    error: the code was not confirmed within 1s; nothing was stored
    hint: log in again with more time, such as
          `bursar login http://127.0.0.1:[PORT] --as work --timeout 15m`
    "); });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_paste_is_told_apart_from_none() {
    let scene = Scene::set().await;
    let issuer = scene.issuer();
    let login = ["login", &issuer, "--paste", "--as", "work"];
    let mut told = Vec::new();
    for pasted in ["", "what is this?\n", "some-code\n", "http://127.0.0.1:1/callback?code=abc&state=other\n"]
    {
        let mut running = Running::of(scene.home.command(&login).stdin(Stdio::piped()));
        running.address().await;
        running.is_told(pasted).await;
        told.push(failure(&running.ended().await));
    }
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @"
        exit 2
        error: nothing was pasted; nothing was stored
        hint: run it at a terminal, or give the address on stdin

        exit 4
        error: only a code was pasted; paste the whole address from the browser, or `code#state`
        hint: start the login again; nothing was stored

        exit 4
        error: only a code was pasted; paste the whole address from the browser, or `code#state`
        hint: start the login again; nothing was stored

        exit 4
        error: the answer does not belong to this login (its state is missing or different)
        hint: start the login again; nothing was stored
        "); });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_answer_is_good_once() {
    let scene = Scene::set().await;
    let issuer = scene.issuer();
    let login = ["login", &issuer, "--paste", "--as", "work"];
    let mut first = Running::of(scene.home.command(&login).stdin(Stdio::piped()));
    let answer = redirect_of(&first.address().await).await;
    // A second login, to which the answer of the first one does not belong.
    let mut second = Running::of(scene.home.command(&login).stdin(Stdio::piped()));
    second.address().await;
    second.is_told(&format!("{answer}\n")).await;
    assert_eq!(second.ended().await.code, 4);
    scene.is_unchanged().await;
    first.is_told(&format!("{answer}\n")).await;
    assert_eq!(first.ended().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_does_not_overwrite_the_account() {
    let scene = Scene::set().await;
    scene.provider.change(|behaviour| {
        behaviour.identity =
            Identity { sub: "eve".into(), email: "eve@example.com".into(), name: "Eve".into() };
    });
    let ended = scene.browser_login().await;
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(failure(&ended), @"
    exit 8
    error: 127.0.0.1-[PORT]:work is pinned to ada@example.com, this login is eve@example.com
    hint: store it beside the other one with `--as NICKNAME`; nothing was
          overwritten
    "); });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_client_nothing_is_sent() {
    let scene = Scene::set().await;
    let provider =
        MisbehavingProvider::start(Behaviour { registration: false, ..Behaviour::default() }).await;
    let by_url = scene.home.run(&["login", &provider.issuer()]).await;
    assert_eq!(provider.calls_to(Endpoint::Authorize) + provider.calls_to(Endpoint::Token), 0);
    let by_name = scene.home.run(&["login", "google"]).await;
    let told = [failure(&by_url), failure(&by_name)];
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @r#"
    exit 2
    error: there is no client id for 127.0.0.1-[PORT]
    hint: register a native app at 127.0.0.1-[PORT] (redirect URI
          http://127.0.0.1/callback, any port), then run
          `bursar login http://127.0.0.1:[PORT] --client-id ID`, or set
          `client_id` under [providers."127.0.0.1-[PORT]"]

    exit 2
    error: there is no client id for Google
    hint: register a native app at Google (redirect URI
          http://127.0.0.1/callback, any port; see
          https://developers.google.com/identity/protocols/oauth2), then run
          `bursar login google --client-id ID`, or set `client_id` under
          [providers.google]
    "#); });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_are_missing_loose_or_wrong_are_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::set().await;
    let issuer = scene.issuer();
    let login = ["login", &issuer, "--grant", "client-credentials", "--client-id", SERVICE_CLIENT];
    let mut told = vec![failure(&scene.home.run(&login).await)];
    let secret = scene.home.beside("secret");
    write_private(&secret, "not the right one");
    let with_secret = [&login[..], &["--client-secret-file", secret.to_str().unwrap()]].concat();
    told.push(failure(&scene.home.run(&with_secret).await));
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    told.push(failure(&scene.home.run(&with_secret).await));
    write_private(&secret, "");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    told.push(failure(&scene.home.run(&with_secret).await));
    assert!(told.iter().all(|told| !told.contains("not the right one")));
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @r#"
    exit 2
    error: client credentials need the client's secret or private key
    hint: add `--client-secret-file FILE` (mode 0600, or `-` for stdin), or set
          `client_secret_file` under [providers."127.0.0.1-[PORT]"]

    exit 4
    error: 127.0.0.1-[PORT] refused the login: invalid_client: client authentication failed
    hint: check client id, secret and scopes, then log in again

    exit 2
    error: others can read [FOLDER]/secret (mode 0644)
    hint: run: chmod 600 '[FOLDER]/secret'

    exit 2
    error: `[FOLDER]/secret` is empty
    hint: write the secret into the file, and nothing else
    "#); });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_in_trouble_leaves_everything_as_it_was() {
    let scene = Scene::set().await;
    let mut told = Vec::new();
    let faults = [
        Fault::Status { code: 503, retry_after: RetryAfter::None, body: ErrorBody::Html },
        Fault::HtmlOk,
        Fault::CloseBeforeAnswer,
    ];
    for fault in faults {
        scene.provider.inject(Endpoint::Token, fault, Times::Once);
        told.push(failure(&scene.browser_login().await));
    }
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @"
    exit 5
    error: 127.0.0.1-[PORT] cannot be reached: the provider answered HTTP 503: the answer is a web page
    hint: log in again in a minute; nothing was stored

    exit 5
    error: 127.0.0.1-[PORT] cannot be reached: the provider answered HTTP 200: the answer is a web page
    hint: check for a captive portal or a wrong proxy; `bursar doctor` shows
          what answers

    exit 5
    error: 127.0.0.1-[PORT] cannot be reached: the connection was cut (127.0.0.1): connection closed before message completed
    hint: log in again in a minute; nothing was stored
    "); });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_make_no_sense_are_refused_before_anything_is_sent() {
    let scene = Scene::set().await;
    let issuer = scene.issuer();
    let calls = scene.provider.calls_to(Endpoint::Authorize);
    let key = scene.home.beside("api-key");
    write_private(&key, "two words");
    let key = key.to_str().unwrap();
    let table: [&[&str]; 7] = [
        &["login", &issuer, "--scope", "a\"b"],
        &["login", &issuer, "--resource", "not a url"],
        &["login", &issuer, "--var", "tenant=contoso"],
        &["login", "gitlab", "--var", "host=a b", "--client-id", "x"],
        &["login", "gitlab", "--api-key-file", key],
        &["login", "gitlab", "--api-key-file", key, "--expires", "soon"],
        &["login", "gitlab", "--api-key-file", "/no/such/file"],
    ];
    let mut told = Vec::new();
    for arguments in table {
        told.push(failure(&scene.home.run(arguments).await));
    }
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @r#"
        exit 2
        error: a scope must not contain '"'
        hint: name scopes as `--scope read --scope write` or `--scope read,write`

        exit 2
        error: `not a url`: not an absolute URL such as https://auth.example.com
        hint: name a resource by its URL: `--resource https://api.example.com`

        exit 2
        error: http://127.0.0.1:[PORT] has no variable `tenant`
        hint: it has none at all: leave `--var` out

        exit 2
        error: the value of `host` is not acceptable: it is a host name, such as `gitlab.example.com`
        hint: write it as `--var NAME=VALUE`

        exit 2
        error: the key contains white space or control characters
        hint: put the key alone into the file, on one line

        exit 2
        error: `soon` is no time
        hint: write it as `--expires 2027-01-31T00:00:00Z` or `--expires 90d`

        exit 2
        error: cannot read /no/such/file
          because: No such file or directory (os error 2)
        hint: check the path, its owner and mode
        "#); });
    assert_eq!(scene.provider.calls_to(Endpoint::Authorize), calls);
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_cancels_and_nothing_is_stored() {
    let scene = Scene::set().await;
    let mut login = scene.home.start(&["login", &scene.issuer(), "--as", "other", "--no-browser"]);
    let address = login.address().await;
    login.says(|line| line.contains("waiting").then_some(())).await;
    login.signal(rustix::process::Signal::INT);
    let ended = login.ended().await;
    assert_eq!(failure(&ended), "exit 2\nerror: interrupted\n", "{ended}");
    let answer = redirect_of(&address).await;
    assert!(answer.starts_with("http://127.0.0.1:"));
    scene.is_unchanged().await;
    // The listener is gone with the program.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(client.get(answer).send().await.is_err());
    let mut again = scene.home.start(&["login", &scene.issuer(), "--as", "other", "--no-browser"]);
    visit(&again.address().await).await;
    assert_eq!(again.ended().await.code, 0);
}
