//! `--socket`: a door for one command, to its accounts.

use misbehaving_provider::MisbehavingProvider;
use serde_json::{Value, json};

use super::logged_in;
use super::talk::Talk;
use crate::support::Home;

/// What the command got.
struct Door {
    path: String,
    token: String,
}

/// A command with a socket that lives until its stdin ends.
async fn open(home: &Home, accounts: &[&str]) -> (Talk, Door) {
    let script = "printf '%s\\n' \"$BURSAR_SOCKET\" \"$BURSAR_SESSION_TOKEN\"; cat >/dev/null";
    let mut run = Talk::begin(home, &[&["--socket"], accounts].concat(), script);
    let (path, token) = (run.line().await, run.line().await);
    (run, Door { path, token })
}

impl Door {
    async fn ask(&self, method: &str, target: &str, token: Option<&str>) -> (u16, Value) {
        let client = reqwest::Client::builder().no_proxy().unix_socket(self.path.as_str()).build().unwrap();
        let request = client
            .request(method.parse().unwrap(), format!("http://localhost{target}"))
            .header("content-type", "application/json")
            .body("{}");
        let request = token.iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }
}

/// Two accounts of one provider.
async fn two_accounts() -> (Home, MisbehavingProvider, String) {
    let (home, provider, work, _) = logged_in().await;
    provider.change(|behaviour| {
        behaviour.identity.sub = "bob".into();
        behaviour.identity.email = "bob@example.com".into();
    });
    assert_eq!(home.login(&provider, "home").await.code, 0);
    (home, provider, work)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_hands_out_the_session_s_accounts_to_who_shows_the_token_and_nothing_else() {
    let (home, provider, work) = two_accounts().await;
    let (run, door) = open(&home, &["work"]).await;
    let (other_run, other) = open(&home, &["home"]).await;
    assert!(door.token.len() >= 43 && door.token != other.token);

    let target = format!("/v1/accounts/{work}/token");
    let (status, body) = door.ask("POST", &target, Some(&door.token)).await;
    assert_eq!(status, 200, "{body}");
    assert!(provider.is_live(body["access_token"].as_str().unwrap()));

    for token in [None, Some(""), Some("wrong"), Some(other.token.as_str())] {
        let (status, body) = door.ask("POST", &target, token).await;
        assert!(status == 401 && body.get("access_token").is_none(), "{status} {body}");
    }
    let foreign = work.replace(":work", ":home");
    for account in [foreign.as_str(), "home", "nobody", "..%2Fwork", ""] {
        let (status, body) =
            door.ask("POST", &format!("/v1/accounts/{account}/token"), Some(&door.token)).await;
        assert!(
            matches!(status, 403 | 404) && body.get("access_token").is_none(),
            "{account}: {status} {body}"
        );
    }
    let (status, _) = door.ask("POST", &format!("/v1/accounts/{foreign}/token"), Some(&door.token)).await;
    assert_eq!(status, 403);
    for (method, target) in [
        ("GET", "/v1/accounts".to_owned()),
        ("GET", "/v1/openapi.json".to_owned()),
        ("POST", "/v1/agent/stop".to_owned()),
        ("POST", format!("/v1/accounts/{work}/refresh")),
    ] {
        let (status, body) = door.ask(method, &target, Some(&door.token)).await;
        assert_eq!(status, 404, "{target} {body}");
    }

    assert_eq!(run.ended().await.code, 0);
    assert!(tokio::net::UnixStream::connect(&door.path).await.is_err(), "gone with the command");
    assert!(!std::path::Path::new(&door.path).exists());
    assert_eq!(other_run.ended().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_s_own_bursar_uses_it_without_the_key() {
    let (home, provider, _) = two_accounts().await;
    let script = "env | grep -c MASTER_KEY; \"$0\" token work; \"$0\" token home; echo $?";
    let arguments = ["exec", "--socket", "work", "--", "sh", "-c", script, env!("CARGO_BIN_EXE_bursar")];
    let run = home.run(&arguments).await;
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{run}");
    assert!(lines[0] == "0" && provider.is_live(lines[1]), "{run}");
    assert_eq!(lines[2], "8", "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_renewed_through_it() {
    let (home, provider, work, token) = logged_in().await;
    let (run, door) = open(&home, &["work"]).await;
    let client = reqwest::Client::builder().no_proxy().unix_socket(door.path.as_str()).build().unwrap();
    let answer = client
        .post(format!("http://localhost/v1/accounts/{work}/token"))
        .bearer_auth(&door.token)
        .header("content-type", "application/json")
        .body(json!({ "rejected": token }).to_string())
        .send()
        .await
        .unwrap();
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let renewed = body["access_token"].as_str().unwrap();
    assert!(renewed != token && provider.is_live(renewed), "{body}");
    assert_eq!(run.ended().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_too_deep_for_a_socket_is_told() {
    let (home, _provider, _, _) = logged_in().await;
    let deep = home.beside(&"deep".repeat(25));
    let mut command = home.command(&["exec", "--socket", "work", "--", "echo", "ran"]);
    // The data stay where they are; only the socket's folder is deep.
    let data = home.beside("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::rename(home.path(), data.join("bursar")).unwrap();
    command.env_remove("BURSAR_HOME").env("XDG_DATA_HOME", &data).env("XDG_RUNTIME_DIR", &deep);
    let refused = crate::support::ended(&mut command).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{refused}");
    assert!(refused.stderr.contains("cannot listen at") && refused.stderr.contains("shorter"), "{refused}");
}
