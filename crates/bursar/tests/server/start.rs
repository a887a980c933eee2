//! What a server says when it is open, and what it answers about itself.

use serde_json::{Value, json};

use super::world::{Server, client, get};
use crate::support::{Home, Running};

#[tokio::test(flavor = "multi_thread")]
async fn both_loopback_addresses_answer_that_it_lives_and_that_it_is_ready() {
    let home = Home::new();
    let server = Server::start(&home, &["--listen", "127.0.0.1:0", "--listen", "[::1]:0"]).await;
    assert_eq!(server.urls.len(), 2, "{server:?}");
    assert!(server.urls[1].starts_with("http://[::1]:"), "{server:?}");
    server.ready().await;
    for url in &server.urls {
        assert_eq!(get(&format!("{url}/healthz")).await, (200, r#"{"status":"ok"}"#.to_owned()));
        assert_eq!(get(&format!("{url}/readyz")).await, (200, r#"{"status":"ready"}"#.to_owned()));
        assert_eq!(get(&format!("{url}/nowhere")).await.0, 404);
    }
    let port = server.address().rsplit_once(':').unwrap().1;
    assert_eq!(server.issuer, format!("http://localhost:{port}"));
    let ended = server.stopped().await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_json_a_document_tells_where_it_is() {
    let home = Home::new();
    let arguments = ["--json", "--listen", "127.0.0.1:0", "--public-url", "https://auth.example.com/"];
    let server = Server::start(&home, &arguments).await;
    let (urls, issuer) = (server.urls.clone(), server.issuer.clone());
    let ended = server.stopped().await;
    assert_eq!(ended.code, 0, "{ended}");
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(told, json!({ "schema": 1, "urls": urls, "issuer": issuer, "ephemeral": false }));
    assert_eq!(issuer, "https://auth.example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_cannot_be_opened_keeps_it_from_being_ready_and_nothing_else() {
    let home = Home::new();
    Server::on_loopback(&home).await.into_ready().await.stopped().await;
    home.write_key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let mut server = Server::on_loopback(&home).await;
    server.running.says(|line| line.contains("the vault stays shut").then_some(())).await;
    let (status, text) = get(&format!("{}/readyz", server.urls[0])).await;
    assert_eq!((status, text.as_str()), (503, r#"{"status":"not_ready","reasons":["vault_not_open"]}"#));
    assert_eq!(get(&format!("{}/healthz", server.urls[0])).await.0, 200);
    let ended = server.stopped().await;
    assert_eq!(ended.code, 0, "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_its_health_is_kept_by_nobody() {
    let home = Home::new();
    let server = Server::on_loopback(&home).await;
    let answer = client().head(format!("{}/healthz", server.urls[0])).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["cache-control"]),
        (200, &"no-store".parse().unwrap())
    );
    let answer = client().post(format!("{}/healthz", server.urls[0])).send().await.unwrap();
    assert_eq!(answer.status(), 405);
    assert_eq!(server.stopped().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_of_a_service_manager_count_instead_of_addresses() {
    let home = Home::new();
    let notify = home.beside("notify");
    let told = tokio::net::UnixDatagram::bind(&notify).unwrap();
    let prepared = home.command(&[]);
    let mut command = tokio::process::Command::new("python3");
    command
        .args(["-c", MANAGER, env!("CARGO_BIN_EXE_bursar")])
        .env_clear()
        .envs(prepared.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("NOTIFY_SOCKET", &notify)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true);
    let server = Server::of(Running::of(&mut command)).await;
    assert_eq!(server.urls.len(), 1, "not its usual addresses: {server:?}");
    assert!(server.urls[0].starts_with("http://127.0.0.9:"), "{server:?}");
    assert_eq!(get(&format!("{}/healthz", server.urls[0])).await.0, 200);
    let mut word = [0; 64];
    let length = told.recv(&mut word).await.unwrap();
    assert_eq!(std::str::from_utf8(&word[..length]).unwrap().trim(), "READY=1");
    assert_eq!(server.stopped().await.code, 0);
    let length = told.recv(&mut word).await.unwrap();
    assert_eq!(std::str::from_utf8(&word[..length]).unwrap().trim(), "STOPPING=1");
}

impl Server {
    async fn into_ready(self) -> Self {
        self.ready().await;
        self
    }
}

/// Does what systemd does for a unit with a socket: listens, then becomes the service.
const MANAGER: &str = "
import os, socket, sys
listener = socket.create_server(('127.0.0.9', 0))
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], [sys.argv[1], 'serve'])
";
