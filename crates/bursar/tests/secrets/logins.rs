//! Every way to log in.

use std::process::Stdio;

use misbehaving_provider::{
    Behaviour, DeviceApproval, Identity, MisbehavingProvider, PUBLIC_CLIENT, SERVICE_CLIENT, SERVICE_SECRET,
};

use super::watched::Watched;
use crate::support::{redirect_of, visit};

#[tokio::test(flavor = "multi_thread")]
async fn a_login_by_browser_leaves_no_secret_and_the_browser_gets_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    let (script, seen) = (watched.home.beside("browser"), watched.home.beside("opened"));
    // A browser that tells what it was started with: its arguments, and its environment.
    let text = format!(
        "#!/bin/sh\n{{ printf '%s\\n' \"$@\"; env; }} > '{0}.new'\nmv '{0}.new' '{0}'\n",
        seen.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let issuer = provider.issuer();
    let line = ["login", &issuer, "--client-id", PUBLIC_CLIENT, "--as", "work"];
    let mut command = watched.command(&line);
    let mut login = watched.start(command.env("BROWSER", &script));
    let address = login.address().await;
    while !seen.exists() {
        tokio::task::yield_now().await;
    }
    let opened = std::fs::read_to_string(&seen).unwrap();
    assert!(opened.starts_with(&format!("{address}\n")), "{opened}");
    assert!(!opened.contains("BURSAR_MASTER_KEY"), "{opened}");
    assert_only_public_parameters(&address);
    let (page, place) = visit(&address).await;
    watched.saw("the page the browser ends at", page);
    assert!(!place.contains("access_token"), "{place}");
    watched.kept("login", login.ended().await, 0);
    watched.assert_clean(&provider);
}

/// The address goes through the browser's history, its servers and its extensions.
fn assert_only_public_parameters(address: &str) {
    let url = url::Url::parse(address).unwrap();
    let public = [
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "access_type",
    ];
    for (name, _) in url.query_pairs() {
        assert!(public.contains(&name.as_ref()), "{name} in {address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_by_paste_leaves_no_secret() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    let issuer = provider.issuer();
    let line = ["login", &issuer, "--client-id", PUBLIC_CLIENT, "--paste", "--as", "work"];
    for (pasted, code) in [("whole", 0), ("with another state", 4)] {
        let mut command = watched.command(&line);
        let mut login = watched.start(command.stdin(Stdio::piped()));
        let answer = redirect_of(&login.address().await).await;
        let answer = if code == 0 { answer } else { answer.replace("state=", "state=x") };
        login.is_told(&format!("{answer}\n")).await;
        watched.kept(pasted, login.ended().await, code);
    }
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_with_a_code_leaves_no_secret() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    provider.change(|behaviour| {
        behaviour.device.interval_seconds = 1;
        behaviour.device.approval = DeviceApproval::After { polls: 1 };
    });
    let mut watched = Watched::new();
    let issuer = provider.issuer();
    let line = ["login", &issuer, "--client-id", PUBLIC_CLIENT, "--device", "--as", "work"];
    watched.run(&line, 0).await;
    provider.change(|behaviour| behaviour.device.approval = DeviceApproval::Deny);
    watched.run(&line, 4).await;
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_without_a_person_leave_no_secret() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    let secret = watched.secret_file("client-secret", SERVICE_SECRET);
    let wrong = watched.secret_file("wrong-secret", "wrong-secret-0a1b2c3d4e5f6071");
    let key = watched.secret_file("api-key", "glpat-never-print-me-0011223344556677");
    let issuer = provider.issuer();
    let robot =
        ["login", &issuer, "--grant", "client-credentials", "--client-id", SERVICE_CLIENT, "--as", "robot"];
    watched.run(&[&robot[..], &["--client-secret-file", &secret]].concat(), 0).await;
    watched.run(&[&robot[..], &["--client-secret-file", &wrong]].concat(), 4).await;
    let reference = format!("127.0.0.1-{}:robot", provider.address().port());
    watched.run(&["refresh", &reference], 0).await;
    watched.run_printing(&["token", &reference], 0).await;
    watched.run(&["login", "gitlab", "--api-key-file", &key, "--as", "ci"], 0).await;
    watched.run_printing(&["token", "gitlab"], 0).await;
    watched.run(&["status"], 0).await;
    watched.run(&["list", "--json"], 0).await;
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_refused_leaves_no_secret() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    watched.login(&provider, "work", 0).await;
    provider.change(|behaviour| {
        behaviour.identity =
            Identity { sub: "eve".into(), email: "eve@example.com".into(), name: "Eve".into() };
    });
    watched.login(&provider, "work", 8).await;
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_behind_a_passphrase_keeps_the_passphrase() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    let right = watched.secret_file("passphrase", "correct horse battery staple 9731");
    let wrong = watched.secret_file("wrong-passphrase", "incorrect horse battery staple 1379");
    let issuer = provider.issuer();
    let line = ["login", &issuer, "--client-id", PUBLIC_CLIENT, "--no-browser", "--as", "work"];
    let mut command = watched.command(&line);
    command.env_remove("BURSAR_MASTER_KEY_FILE").env("BURSAR_PASSPHRASE_FILE", &right);
    let mut login = watched.start(&mut command);
    visit(&login.address().await).await;
    watched.kept("login", login.ended().await, 0);
    for (passphrase, code) in [(&right, 0), (&wrong, 7)] {
        let mut command = watched.command(&["refresh", "work"]);
        command.env_remove("BURSAR_MASTER_KEY_FILE").env("BURSAR_PASSPHRASE_FILE", passphrase);
        let running = watched.start(&mut command);
        watched.kept("refresh", running.ended().await, code);
    }
    watched.assert_clean(&provider);
}
