//! The real program as a server, with an application, and what people do in its pages.

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

use super::driver::Browser;
use crate::support::{Home, Running, write_private};

pub(super) const PASSWORD: &str = "correct horse battery";

/// A server, and where the answers of an application arrive.
pub(super) struct Place {
    pub(super) home: Home,
    pub(super) issuer: String,
    pub(super) callback: String,
    _running: Running,
    _serving: JoinSet<()>,
}

impl Place {
    /// Nobody is there yet.
    pub(super) async fn empty() -> Self {
        let home = Home::new();
        let mut running = home.start(&["serve", "--listen", "127.0.0.1:0"]);
        let issuer = running.says(|line| line.strip_prefix("its issuer is ").map(str::to_owned)).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let callback = format!("http://127.0.0.1:{}/callback", listener.local_addr().unwrap().port());
        let page = axum::routing::get(|| async { axum::response::Html(CALLBACK) });
        let router = axum::Router::new().route("/callback", page);
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let place = Self { home, issuer, callback, _running: running, _serving: serving };
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        while http.get(place.at("/readyz")).send().await.unwrap().status() != 200 {}
        place
    }

    /// With somebody who can sign in, and an API.
    pub(super) async fn start() -> Self {
        let place = Self::empty().await;
        let password = place.home.beside("password");
        write_private(&password, PASSWORD);
        let password = password.display().to_string();
        place.run(&["user", "add", "ada", "--name", "Ada Lovelace", "--password-file", &password]).await;
        place.add_resource(&[]).await;
        place
    }

    pub(super) async fn add_resource(&self, more: &[&str]) {
        let scopes =
            ["--scope", "read=Read your notes", "--scope", "write=Change your notes and delete them"];
        let tools = ["--tool", "search_notes=read", "--tool", "move_note=read", "--tool", "move_note=write"];
        let named = ["resource", "add", RESOURCE, "--name", "Notes"];
        self.run(&[&named[..], &scopes, &tools, more].concat()).await;
    }

    /// A client of an administrator's, by its id.
    pub(super) async fn client(&self, name: &str) -> String {
        let added =
            self.run(&["client", "add", "--json", "--name", name, "--redirect", &self.callback]).await;
        let added: Value = serde_json::from_str(&added).unwrap();
        added["id"].as_str().unwrap().to_owned()
    }

    /// A client that has registered itself.
    pub(super) async fn stranger(&self, name: &str) -> String {
        let document = serde_json::json!({
            "client_name": name, "redirect_uris": [self.callback], "token_endpoint_auth_method": "none",
            "logo_uri": "https://evil.test/logo.svg", "grant_types": ["authorization_code", "refresh_token"],
        });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = http.post(self.at("/oauth/register")).header("content-type", "application/json");
        let answer = request.body(document.to_string()).send().await.unwrap();
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        answer["client_id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> String {
        let ended = self.home.run(arguments).await;
        assert_eq!(ended.code, 0, "{arguments:?}: {ended}");
        ended.stdout
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// An authorization request.
    pub(super) fn request(&self, client: &str, scope: &str) -> String {
        let mut url = Url::parse(&self.at("/oauth/authorize")).unwrap();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", &self.callback),
            ("scope", scope),
            ("resource", RESOURCE),
            ("state", "xyz"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ]);
        url.into()
    }

    /// A code for a new password.
    pub(super) async fn reset_code(&self, username: &str) -> String {
        let file = self.home.beside("reset");
        let _absent = std::fs::remove_file(&file);
        self.run(&["user", "reset-password", username, "--output", &file.display().to_string()]).await;
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }

    /// What the first start has left.
    pub(super) fn first_code(&self) -> String {
        let files = self.home.files();
        let (_, code) = files.iter().find(|(path, _)| path.ends_with("first-code")).expect("a first code");
        String::from_utf8(code.clone()).unwrap().trim().to_owned()
    }
}

impl Browser {
    pub(super) async fn sign_in(&self, password: &str) {
        self.fill("#username", "ada").await;
        self.fill("#password", password).await;
        self.click("form[action='/login'] button").await;
    }

    /// Opens the account, signing in on the way.
    pub(super) async fn open_account(&self, place: &Place) {
        self.open(&place.at("/account")).await;
        self.sign_in(PASSWORD).await;
        self.arrives_at(&place.at("/account")).await;
    }

    /// Adds a passkey on the page that is open, with a name.
    pub(super) async fn add_passkey(&self, place: &Place, name: &str) {
        self.open(&place.at("/account/passkeys/new")).await;
        self.fill("#name", name).await;
        self.click("form[data-passkey=create] button").await;
        self.arrives_at(&place.at("/account?done=passkey")).await;
    }

    pub(super) async fn sign_out(&self) {
        self.click("form[action='/logout'] button").await;
        self.reads("You are signed out").await;
    }
}

pub(super) const RESOURCE: &str = "https://notes.example.com/mcp";
/// With an icon, or browsers ask for one and complain that there is none.
const CALLBACK: &str = "<!doctype html><link rel=icon href=data:,><h1>Client</h1>";
