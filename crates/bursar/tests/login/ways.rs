//! Every way to log in.

use misbehaving_provider::{
    Behaviour, DeviceApproval, Endpoint, MisbehavingProvider, PUBLIC_CLIENT, RevocationStyle, SERVICE_CLIENT,
    SERVICE_SECRET,
};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;

use crate::support::{Home, Running, redirect_of, visit, write_private};

fn reference(provider: &MisbehavingProvider, nickname: &str) -> String {
    format!("127.0.0.1-{}:{nickname}", provider.address().port())
}

async fn token_of(home: &Home, reference: &str) -> String {
    let token = home.run(&["token", reference]).await;
    assert_eq!(token.code, 0, "{token}");
    token.stdout.trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_login_stores_an_account_that_hands_out_a_live_token() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    let mut login = home.start(&[
        "login",
        &provider.issuer(),
        "--client-id",
        PUBLIC_CLIENT,
        "--no-browser",
        "--as",
        "work",
        "--scope",
        "openid,email",
        "--scope",
        "offline_access",
    ]);
    let (page, place) = visit(&login.address().await).await;
    assert!(page.contains("Back to the terminal"), "{page}");
    assert!(place.starts_with("http://127.0.0.1:"), "{place}");
    let ended = login.ended().await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{ended}");
    let reference = reference(&provider, "work");
    assert!(ended.stderr.contains("A vault was made"), "{ended}");
    assert!(ended.stderr.contains(&format!("as ada@example.com; account {reference}")), "{ended}");
    assert!(ended.stderr.contains("it is refreshed before"), "{ended}");
    assert!(ended.stderr.contains(&format!("`bursar token {reference}`")), "{ended}");
    assert!(provider.is_live(&token_of(&home, &reference).await));
    let secrets = provider.secrets();
    assert!(secrets.iter().all(|secret| !ended.stderr.contains(secret.as_str())), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_login_of_the_same_person_renews_the_account_without_naming_the_client() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    assert_eq!(home.login(&provider, "work").await.code, 0);
    let reference = reference(&provider, "work");
    let before = token_of(&home, &reference).await;
    // The name the account has, and nothing else: what error messages tell people to type.
    let (name, nickname) = reference.split_once(':').unwrap();
    let mut login = home.start(&["login", name, "--as", nickname, "--no-browser", "--json"]);
    visit(&login.address().await).await;
    let ended = login.ended().await;
    assert_eq!(ended.code, 0, "{ended}");
    assert!(ended.stderr.contains("again"), "{ended}");
    let account: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(account["schema"], 1);
    assert_eq!(account["ref"], reference.as_str());
    assert_eq!(account["identity"], "ada@example.com");
    assert_eq!(account["state"], "valid");
    assert_ne!(token_of(&home, &reference).await, before);
    assert_eq!(home.stored().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_started_with_the_address_as_its_one_argument() {
    use std::os::unix::fs::PermissionsExt as _;
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    let (script, seen) = (home.beside("browser"), home.beside("seen"));
    let text = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$1\" \"${{BURSAR_MASTER_KEY_FILE-unset}}\" > {}.new\nmv {}.new {}\n",
        seen.display(),
        seen.display(),
        seen.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let issuer = provider.issuer();
    let arguments = ["login", &issuer, "--client-id", PUBLIC_CLIENT];
    let mut login = Running::of(home.command(&arguments).env("BROWSER", &script));
    let address = login.address().await;
    while !seen.exists() {
        tokio::task::yield_now().await;
    }
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), format!("1\n{address}\nunset\n"));
    visit(&address).await;
    assert_eq!(login.ended().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_display_a_login_with_a_code_is_chosen_and_explained() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    provider.change(|behaviour| {
        behaviour.device.interval_seconds = 1;
        behaviour.device.approval = DeviceApproval::Never;
    });
    let mut login = home.start(&["login", &provider.issuer(), "--client-id", PUBLIC_CLIENT, "--as", "work"]);
    login.says(|line| line.contains("no browser can be opened here").then_some(())).await;
    let page = login.address().await;
    assert_eq!(page, format!("{}/device", provider.issuer()));
    let code =
        login.says(|line| line.strip_prefix("  ").filter(|code| code.len() == 9).map(str::to_owned)).await;
    let (answer, _) = visit(&format!("{page}?user_code={code}")).await;
    assert!(answer.contains("Device connected"), "{answer}");
    let ended = login.ended().await;
    assert_eq!(ended.code, 0, "{ended}");
    assert!(ended.stderr.contains("the code is good for"), "{ended}");
    assert!(!ended.stderr.contains('█'), "nobody is watching, so there is no picture: {ended}");
    assert!(provider.is_live(&token_of(&home, &reference(&provider, "work")).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_the_code_is_also_a_picture() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    provider.change(|behaviour| {
        behaviour.device.interval_seconds = 1;
        behaviour.device.approval = DeviceApproval::After { polls: 0 };
    });
    let (mut screen, terminal) = pseudo_terminal();
    let issuer = provider.issuer();
    let mut command = home.command(&["login", &issuer, "--client-id", PUBLIC_CLIENT, "--device"]);
    let mut login = command.stderr(terminal).spawn().unwrap();
    // The command holds the terminal open too.
    drop(command);
    let seen = tokio::task::spawn_blocking(move || {
        let mut seen = Vec::new();
        // The screen ends with an error once nobody has the terminal open.
        let _ended = screen.read_to_end(&mut seen);
        String::from_utf8(seen).unwrap()
    });
    assert_eq!(login.wait().await.unwrap().code(), Some(0));
    let seen = seen.await.unwrap();
    let picture: Vec<&str> = seen.lines().filter(|line| line.contains('█')).collect();
    assert!(picture.len() > 10, "{seen}");
    assert!(picture.iter().all(|line| line.trim_end().chars().count() <= 80), "{seen}");
}

/// The person's side of a terminal, and the program's.
fn pseudo_terminal() -> (File, File) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
    let terminal = rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap();
    (person.into(), terminal.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_can_be_carried_over_by_hand() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    let issuer = provider.issuer();
    let arguments = ["login", &issuer, "--client-id", PUBLIC_CLIENT, "--paste", "--as", "work"];
    let mut login = Running::of(home.command(&arguments).stdin(Stdio::piped()));
    let address = login.address().await;
    let answer = redirect_of(&address).await;
    login.is_told(&format!("{answer}\n")).await;
    let ended = login.ended().await;
    assert_eq!(ended.code, 0, "{ended}");
    assert!(provider.is_live(&token_of(&home, &reference(&provider, "work")).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_ssh_the_answer_is_pasted_or_tunnelled() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    let ssh = ("SSH_CONNECTION", "203.0.113.9 51122 198.51.100.7 22");
    let issuer = provider.issuer();
    let arguments = ["login", &issuer, "--client-id", PUBLIC_CLIENT, "--no-browser"];
    let mut login = Running::of(home.command(&arguments).env(ssh.0, ssh.1));
    let address = login.address().await;
    let tunnel = login.says(|line| line.contains("ssh -L").then(|| line.to_owned())).await;
    let redirect = url::Url::parse(&address).unwrap();
    let redirect = redirect.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
    let port = url::Url::parse(&redirect).unwrap().port().unwrap();
    assert!(tunnel.contains(&format!("`ssh -L {port}:127.0.0.1:{port} 198.51.100.7`")), "{tunnel}");
    visit(&address).await;
    assert_eq!(login.ended().await.code, 0);

    // Nobody at a terminal, no device endpoint: there is nobody to ask.
    provider.change(|behaviour| {
        behaviour.metadata.missing.insert(Endpoint::DeviceAuthorization);
    });
    let refused = crate::support::ended(home.command(&arguments[..4]).env(ssh.0, ssh.1)).await;
    assert_eq!(refused.code, 2, "{refused}");
    assert!(refused.stderr.contains("--paste"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_logs_in_with_its_own_credentials() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    let secret = home.beside("secret");
    write_private(&secret, SERVICE_SECRET);
    let issuer = provider.issuer();
    let from_file = [
        "login",
        &issuer,
        "--grant",
        "client-credentials",
        "--client-id",
        SERVICE_CLIENT,
        "--client-secret-file",
        secret.to_str().unwrap(),
        "--as",
        "robot",
        "--scope",
        "read write",
    ];
    let ended = home.run(&from_file).await;
    assert_eq!(ended.code, 0, "{ended}");
    assert!(ended.stderr.contains("the next one is fetched by itself"), "{ended}");
    assert!(!ended.stderr.contains(SERVICE_SECRET));
    assert!(provider.is_live(&token_of(&home, &reference(&provider, "robot")).await));

    let forgotten = home.run(&["login", &issuer, "--as", "robot", "--no-browser"]).await;
    assert_eq!(forgotten.code, 2, "{forgotten}");
    assert!(forgotten.stderr.contains("service has a secret, which is needed again"), "{forgotten}");

    let from_stdin = from_file.map(|word| if word == secret.to_str().unwrap() { "-" } else { word });
    let mut login = Running::of(home.command(&from_stdin).stdin(Stdio::piped()));
    login.is_told(&format!("{SERVICE_SECRET}\n")).await;
    let ended = login.ended().await;
    assert_eq!(ended.code, 0, "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_names_client_secret_and_scopes() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    let secret = home.beside("secret");
    write_private(&secret, SERVICE_SECRET);
    let name = reference(&provider, "x").replace(":x", "");
    home.write_config(&format!(
        "[providers.\"{name}\"]\nclient_id = \"{SERVICE_CLIENT}\"\nclient_secret_file = \"{}\"\nscopes = [\"read\"]\n",
        secret.display()
    ));
    let ended = home.run(&["login", &provider.issuer(), "--grant", "client-credentials", "--json"]).await;
    assert_eq!(ended.code, 0, "{ended}");
    let account: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(account["scope"], "read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_kept_until_the_end_it_was_given() {
    let home = Home::new();
    let key = home.beside("key-of-an-api");
    write_private(&key, "glpat-0123456789\n");
    let path = key.to_str().unwrap();
    let arguments = ["login", "gitlab", "--api-key-file", path, "--as", "ci", "--expires", "90d", "--json"];
    let ended = home.run(&arguments).await;
    assert_eq!(ended.code, 0, "{ended}");
    let account: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(account["method"], "api_key");
    let left = account["seconds_left"].as_i64().unwrap();
    assert!((90 * 86_400 - 60..=90 * 86_400).contains(&left), "{left}");
    assert!(ended.stderr.contains("cannot be refreshed"), "{ended}");
    assert_eq!(token_of(&home, "gitlab:ci").await, "glpat-0123456789");

    let mut piped = Running::of(
        home.command(&["login", "gitlab", "--api-key-file", "-", "--as", "other"]).stdin(Stdio::piped()),
    );
    piped.is_told("glpat-abcdef\n").await;
    assert_eq!(piped.ended().await.code, 0);
    assert_eq!(token_of(&home, "gitlab:other").await, "glpat-abcdef");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_revocation_is_logged_in_to_all_the_same() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    provider.change(|behaviour| behaviour.revocation.style = RevocationStyle::Unsupported);
    assert_eq!(home.login(&provider, "work").await.code, 0);
}
