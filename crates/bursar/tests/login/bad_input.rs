//! Logins that must not happen: each ends with one clear message, the right code, and everything stored as it was.

use std::process::Stdio;

use misbehaving_provider::{
    Behaviour, Consent, DeviceApproval, Endpoint, ErrorBody, Fault, Identity, MisbehavingProvider, PUBLIC_CLIENT,
    RetryAfter, SERVICE_CLIENT, Times,
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
    insta::assert_snapshot!(told.join("\n"), @"");
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_must_be_a_safe_address() {
    let scene = Scene::set().await;
    let mut told = Vec::new();
    for url in ["http://auth.example.com", "ftp://auth.example.com", "https://user:hunter2@auth.example.com"] {
        let ended = scene.home.run(&["login", url]).await;
        assert!(!ended.stderr.contains("hunter2"), "{ended}");
        told.push(failure(&ended));
    }
    insta::assert_snapshot!(told.join("\n"), @"");
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_issuer_is_told_as_such() {
    let scene = Scene::set().await;
    let gone = MisbehavingProvider::start(Behaviour::default()).await;
    gone.stop().await;
    let ended = scene.home.run(&["login", &gone.issuer(), "--client-id", PUBLIC_CLIENT]).await;
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(failure(&ended), @"") });
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
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @"") });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_somebody_else_ends_the_login() {
    let scene = Scene::set().await;
    let mut told = Vec::new();
    for consent in [Consent::WrongState, Consent::OmitState, Consent::WrongIss, Consent::OmitIss, Consent::Deny] {
        scene.provider.change(|behaviour| behaviour.authorize.consent = consent);
        told.push(failure(&scene.browser_login().await));
    }
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @"") });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_never_comes_back_ends_in_time() {
    let scene = Scene::set().await;
    let issuer = scene.issuer();
    let ended = scene.home.run(&["login", &issuer, "--as", "work", "--no-browser", "--timeout", "1s"]).await;
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(failure(&ended), @"") });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named() {
    let scene = Scene::set().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = scene.home.run(&["login", &scene.issuer(), "--no-browser", "--port", &port]).await;
    assert!(ended.stderr.contains(&format!("port {port} ")), "{ended}");
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(failure(&ended), @"") });
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
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @"") });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_paste_is_told_apart_from_none() {
    let scene = Scene::set().await;
    let issuer = scene.issuer();
    let login = ["login", &issuer, "--paste", "--as", "work"];
    let mut told = Vec::new();
    for pasted in ["", "what is this?\n", "some-code\n", "http://127.0.0.1:1/callback?code=abc&state=other\n"] {
        let mut running = Running::of(scene.home.command(&login).stdin(Stdio::piped()));
        running.address().await;
        running.is_told(pasted).await;
        told.push(failure(&running.ended().await));
    }
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @"") });
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
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(failure(&ended), @"") });
    scene.is_unchanged().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_client_nothing_is_sent() {
    let scene = Scene::set().await;
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let by_url = scene.home.run(&["login", &provider.issuer()]).await;
    assert_eq!(provider.calls_to(Endpoint::Authorize) + provider.calls_to(Endpoint::Token), 0);
    let by_name = scene.home.run(&["login", "google"]).await;
    let told = [failure(&by_url), failure(&by_name)];
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @"") });
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
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @"") });
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
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @"") });
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
    insta::with_settings!({filters => filters()}, { insta::assert_snapshot!(told.join("\n"), @"") });
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
