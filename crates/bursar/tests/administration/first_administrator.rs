//! The first administrator: whoever can read what the server leaves on its own machine.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::world::done;
use crate::support::{Home, Running};

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

#[tokio::test(flavor = "multi_thread")]
async fn a_new_server_leaves_a_code_that_makes_one_administrator() {
    let home = Home::new();
    let mut server = Server::of(home.start(&SERVE)).await;
    let file = home.path().join("first-code");
    let told = server.says("a code for the first administrator is in ").await;
    assert_eq!(told, file.display().to_string());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    let code = std::fs::read_to_string(&file).unwrap().trim_end().to_owned();
    let (status, user) = server.claim(&code, "boss", &[]).await;
    assert_eq!((status, &user["username"]), (201, &"boss".into()), "{user}");
    let (status, refused) = server.claim(&code, "other", &[]).await;
    assert_eq!((status, &refused["error"]), (403, &"denied".into()), "{refused}");
    let boss = done(&home, &["user", "show", "boss"]).await;
    assert!(boss.stdout.contains("notes        admin"), "{boss}");
    let ended = server.stopped().await;
    assert!(!ended.contains(&code), "a pipe is no person: {ended}");

    // There is an administrator now.
    let mut server = Server::of(home.start(&SERVE)).await;
    assert!(!file.exists());
    assert_eq!(server.claim(&code, "other", &[]).await.0, 403);
    assert!(!server.stopped().await.contains("first administrator"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_start_leaves_a_new_code_and_the_old_one_is_nothing_more() {
    let home = Home::new();
    let file = home.path().join("first-code");
    let read = || std::fs::read_to_string(&file).unwrap().trim_end().to_owned();
    let server = Server::of(home.start(&SERVE)).await;
    let first = read();
    server.stopped().await;
    let mut server = Server::of(home.start(&SERVE)).await;
    let second = read();
    assert_ne!(first, second);
    assert_eq!(server.claim(&first, "boss", &[]).await.0, 403);
    assert_eq!(server.claim(&second, "boss", &[]).await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_counts_on_the_machine_itself_and_through_no_proxy() {
    let home = Home::new();
    let mut server = Server::of(home.start(&SERVE)).await;
    let file = home.path().join("first-code");
    let code = std::fs::read_to_string(&file).unwrap().trim_end().to_owned();
    for header in ["forwarded", "x-forwarded-for", "x-real-ip"] {
        let (status, refused) = server.claim(&code, "boss", &[(header, "127.0.0.1")]).await;
        assert_eq!((status, &refused["error"]), (403, &"denied".into()), "{header}: {refused}");
    }
    server.stopped().await;

    // A proxy that is trusted may say that its caller is here, or say nothing.
    home.write_config("[server]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    let mut server = Server::of(home.start(&SERVE)).await;
    let code = std::fs::read_to_string(&file).unwrap().trim_end().to_owned();
    for headers in [&[("x-forwarded-for", "127.0.0.1")][..], &[]] {
        let (status, refused) = server.claim(&code, "boss", headers).await;
        assert_eq!(status, 403, "{refused}");
        assert!(refused["message"].as_str().unwrap().contains("machine"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_in_an_address_is_not_looked_at() {
    let home = Home::new();
    let mut server = Server::of(home.start(&SERVE)).await;
    let code = std::fs::read_to_string(home.path().join("first-code")).unwrap();
    let path =
        format!("/v1/first-administrator?code={}&username=boss&password=correct+horse", code.trim_end());
    let got = server.http.get(format!("{}{path}", server.issuer)).send().await.unwrap();
    assert_eq!(got.status(), 405);
    let posted = server.http.post(format!("{}{path}", server.issuer)).send().await.unwrap();
    assert_eq!(posted.status(), 400);
    assert_eq!(server.claim(code.trim_end(), "boss", &[]).await.0, 201, "it was not used up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_keeps_nothing_leaves_no_code() {
    let home = Home::new();
    let server = Server::of(home.start(&["serve", "--ephemeral", "--listen", "127.0.0.1:0"])).await;
    assert!(!server.stopped().await.contains("first administrator"));
    assert!(!home.path().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_person_at_a_terminal_is_shown_the_code() {
    for arguments in [&SERVE[..], &["serve", "--ephemeral", "--listen", "127.0.0.1:0"]] {
        let home = Home::new();
        let (screen, terminal) = terminal();
        let mut command = home.command(arguments);
        let mut child = command.stderr(terminal).spawn().unwrap();
        // The command holds the terminal open too.
        drop(command);
        let shown = std::thread::spawn(move || shown_code(screen)).join().unwrap();
        child.start_kill().unwrap();
        child.wait().await.unwrap();
        assert_eq!((shown.len(), &shown[..4]), (47, "bfc_"), "{arguments:?}");
    }
}

/// What stands on the screen after the words that tell the code.
fn shown_code(screen: std::fs::File) -> String {
    use std::io::{BufRead as _, BufReader};
    let lines = BufReader::new(screen).lines().map(Result::unwrap);
    let told = lines.filter_map(|line| {
        line.split_once("the code for the first administrator is ").map(|(_, code)| code.trim().to_owned())
    });
    told.take(1).next().expect("a code")
}

fn terminal() -> (std::fs::File, std::fs::File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
    let terminal = rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap();
    (person.into(), terminal.into())
}

struct Server {
    running: Running,
    issuer: String,
    http: reqwest::Client,
}

impl Server {
    /// Waits until a started one is open.
    async fn of(mut running: Running) -> Self {
        let issuer = running.says(|line| line.strip_prefix("its issuer is ").map(str::to_owned)).await;
        Self { running, issuer, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// Waits for a line that begins so, and tells its rest.
    async fn says(&mut self, beginning: &str) -> String {
        self.running.says(|line| line.strip_prefix(beginning).map(str::to_owned)).await
    }

    async fn claim(&mut self, code: &str, username: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let claim = json!({ "code": code, "username": username, "password": "correct horse" });
        let request =
            self.http.post(format!("{}/v1/first-administrator", self.issuer)).body(claim.to_string());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = self.running.until(request.send()).await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    /// Ends it; everything it has said.
    async fn stopped(self) -> String {
        self.running.signal(rustix::process::Signal::TERM);
        let ended = self.running.ended().await;
        assert_eq!(ended.code, 0, "{ended}");
        ended.to_string()
    }
}
