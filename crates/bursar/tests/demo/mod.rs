//! `bursar demo` as people and scripts run it: every step is real, nothing is kept, nothing but its own password is told.

use std::net::{Ipv4Addr, TcpListener};

use rustix::process::Signal;
use serde_json::Value;

use crate::issuing_peers::person::Person;
use crate::support::{Home, Running, visit};

/// What the steps are called, in order.
const STEPS: [&str; 9] =
    ["server", "challenge", "login", "call", "step_up", "refresh", "lost_answer", "replay", "new_login"];

#[tokio::test(flavor = "multi_thread")]
async fn every_step_holds_and_is_told_and_nothing_is_kept() {
    let home = Home::new();
    // What is configured on this machine has no part in it, not even what cannot be read.
    home.write_config("nobody can read this");
    let before = home.files();
    let ended = home.run(&["demo", "--once"]).await;
    assert_eq!(ended.code, 0, "{ended}");
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"localhost:\d+", "localhost:[PORT]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[TIME]");
    settings.add_filter(r"rolled a [1-6]\n", "rolled a [NUMBER]\n");
    let _bound = settings.bind_to_scope();
    insta::assert_snapshot!(ended.stdout, @"
    [OK] an authorization server runs at http://localhost:[PORT], in memory alone
    [OK] an MCP server at http://localhost:[PORT]/mcp wants a token, and says whose
    [OK] logged in by that URL alone: ada signed in and agreed to `time:read`
    [OK] the token opens the tool `current_time`, which says [TIME]
    [OK] `roll_dice` needs `dice:roll` too: refused, agreed to, and it rolled a [NUMBER]
    [OK] the token ended; 20 callers at once: one refresh, one new token for all
    [OK] that refresh again, as after a lost answer, brings the same token again
    [OK] a stolen, used refresh token is refused, and the whole login ends with it
    [OK] a new login heals it: `current_time` says [TIME]
    ");
    tells_no_token(&ended.stdout);
    tells_no_token(&ended.stderr);
    assert!(!ended.stderr.contains("password"), "the server is gone, and so is its password: {ended}");
    assert_eq!(home.files(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn server_stays_open_to_look_at_until_a_signal_comes() {
    let home = Home::new();
    let mut demo = home.start(&["demo", "--json"]);
    let account = demo.address().await;
    let password = password_of(&mut demo).await;
    let (page, place) = visit(&account).await;
    assert!(page.contains("name=\"password\""), "{page}");
    assert!(place.starts_with(account.trim_end_matches("/account")), "{place}");
    let issuer = account.trim_end_matches("/account").to_owned();
    let resource = format!("{issuer}/mcp");
    let mut login = home.start(&["login", &resource, "--no-browser"]);
    let address = login.address().await;
    login.until(Person::with_password(&issuer, &password).visit(&address)).await;
    let logged_in = login.ended().await;
    assert_eq!(logged_in.code, 0, "{logged_in}");
    demo.signal(Signal::INT);
    let ended = demo.ended().await;
    assert_eq!(ended.code, 0, "{ended}");
    tells_no_token(&ended.stderr);
    tells_no_token(&ended.stdout);
    assert!(!ended.stdout.contains(&password), "it is for people");

    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    let steps = told["steps"].as_array().unwrap();
    let names: Vec<&str> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(names, STEPS);
    assert_eq!(told["holds"], true);
    assert_eq!(told["issuer"], issuer);
    assert_eq!(told["resource"], resource);
}

#[tokio::test(flavor = "multi_thread")]
async fn person_in_a_browser_can_be_the_one_who_signs_in() {
    let home = Home::new();
    let mut demo = Running::of(home.command(&["demo", "--browser", "--once"]).env("BROWSER", "/bin/true"));
    let password = password_of(&mut demo).await;
    let mut person = None;
    // The first login, the one for more, and the one that heals.
    for _ in 0..3 {
        let address = demo.address().await;
        let (issuer, _) = address.split_once("/oauth/").unwrap();
        let person = person.get_or_insert_with(|| Person::with_password(issuer, &password));
        demo.until(person.visit(&address)).await;
    }
    let ended = demo.ended().await;
    assert_eq!(ended.code, 0, "{ended}");
    assert_eq!(ended.stdout.matches("[OK]").count(), STEPS.len(), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signal_in_the_middle_ends_it_as_cancelled() {
    let mut demo = Home::new().start(&["demo"]);
    demo.says(|line| line.contains("waiting").then_some(())).await;
    demo.signal(Signal::INT);
    let ended = demo.ended().await;
    assert_eq!((ended.code, ended.stderr.lines().last()), (2, Some("error: interrupted")), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_port_is_told_with_what_to_do() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = Home::new().run(&["demo", "--once", "--listen", &address]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{ended}");
    assert!(ended.stderr.contains(&format!("cannot listen on {address}")), "{ended}");
    assert!(ended.stderr.contains("choose an address with `--listen`"), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_machines_are_not_let_in() {
    let ended = Home::new().run(&["demo", "--once", "--listen", "0.0.0.0:0"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended}");
    assert!(ended.stderr.contains("of this machine"), "{ended}");
}

async fn password_of(demo: &mut Running) -> String {
    demo.says(|line| line.trim_start().strip_prefix("password").map(|rest| rest.trim().to_owned())).await
}

/// Access tokens are JWTs, refresh tokens and codes are long words.
fn tells_no_token(text: &str) {
    let is_long = |word: &str| word.len() > 40 && !word.contains("://");
    let word = text.split(|letter: char| letter.is_whitespace() || letter == '"').find(|word| is_long(word));
    assert_eq!(word, None, "{text}");
    assert!(!text.contains("eyJ"), "{text}");
}
