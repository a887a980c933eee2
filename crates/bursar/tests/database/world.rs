//! Nodes of one installation: real processes, each with a home of its own, on one store.

use std::sync::Arc;
use std::time::Duration;

use misbehaving_provider::{MisbehavingProvider, PUBLIC_CLIENT};
use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;
use url::Url;

use crate::issuing::client::said;
use crate::issuing_peers::person::{PASSWORD, Person, USERNAME};
use crate::servers::Servers;
use crate::support::{Ended, Home, Running, ended, visit, write_private};

/// An API that only exists as a name.
const RESOURCE: &str = "https://api.example.com/mcp";
/// RFC 7636 Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Which servers keep what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    Postgres,
    Redis,
    Mixed,
}

impl On {
    pub(super) const ALL: [Self; 3] = [Self::Postgres, Self::Redis, Self::Mixed];

    /// How a process is told.
    pub(super) fn variables(self, servers: &Servers) -> Vec<(&'static str, String)> {
        let [postgres, redis] =
            [servers.postgres_url(), servers.redis_url()].map(|url| url.expose().to_owned());
        match self {
            Self::Postgres => vec![(DATABASE, postgres)],
            Self::Redis => vec![(DATABASE, redis)],
            Self::Mixed => vec![(DATABASE, postgres), (EPHEMERAL, redis)],
        }
    }
}

pub(super) const DATABASE: &str = "BURSAR_STORE_DATABASE";
pub(super) const EPHEMERAL: &str = "BURSAR_STORE_EPHEMERAL";

/// A machine: a home, and the variables that name its store.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) home: Home,
    pub(super) variables: Vec<(&'static str, String)>,
}

impl Machine {
    /// With the master key that all of them have.
    pub(super) fn new(variables: Vec<(&'static str, String)>) -> Self {
        Self { home: Home::new(), variables }
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Ended {
        ended(&mut self.command(arguments)).await
    }

    /// Logs in at `provider`, and tells how the account is called.
    pub(super) async fn log_in(&self, provider: &MisbehavingProvider, nickname: &str) -> String {
        let issuer = provider.issuer();
        let line = ["login", &issuer, "--client-id", PUBLIC_CLIENT, "--no-browser", "--as", nickname];
        let mut login = Running::of(&mut self.command(&line));
        let address = login.address().await;
        visit(&address).await;
        login.ended().await.succeeded();
        format!("127.0.0.1-{}:{nickname}", provider.address().port())
    }
}

/// A running server.
#[derive(Debug)]
pub(super) struct Node {
    running: Running,
    pub(super) url: String,
    pub(super) issuer: String,
}

impl Node {
    /// On any free port; known by the `issuer`, or by its own address.
    pub(super) async fn start(machine: &Machine, issuer: Option<&str>) -> Self {
        let mut line = vec!["serve", "--listen", "127.0.0.1:0"];
        line.extend(issuer.iter().flat_map(|issuer| ["--public-url", *issuer]));
        let mut running = Running::of(&mut machine.command(&line));
        let listens = |line: &str| line.strip_prefix("the server listens on ").map(str::to_owned);
        let url = running.says(listens).await;
        let issuer = running.says(|line| line.strip_prefix("its issuer is ").map(str::to_owned)).await;
        Self { running, url, issuer }
    }

    /// Waits until it is of use.
    pub(super) async fn ready(self) -> Self {
        let ready = async { while get(&format!("{}/readyz", self.url)).await != 200 {} };
        tokio::time::timeout(Duration::from_secs(20), ready).await.expect("it gets ready");
        self
    }

    /// It dies where it stands.
    pub(super) fn kill(self) {
        self.running.signal(Signal::KILL);
    }

    /// Ends it as a service manager would.
    pub(super) async fn stop(self) -> Ended {
        self.running.signal(Signal::TERM);
        self.running.ended().await
    }
}

/// An installation with a user, a resource, a client and a first node.
pub(super) struct Installation {
    pub(super) first: Node,
    pub(super) machine: Machine,
    pub(super) person: Person,
    client: String,
    callback: String,
    answering: JoinHandle<()>,
    pub(super) servers: Arc<Servers>,
}

impl Installation {
    pub(super) async fn on(on: On) -> Self {
        let servers = Arc::new(Servers::start());
        let variables = on.variables(&servers);
        Self::with(servers, variables).await
    }

    /// Where what is told by these variables is kept.
    pub(super) async fn with(servers: Arc<Servers>, variables: Vec<(&'static str, String)>) -> Self {
        let machine = Machine::new(variables);
        let password = machine.home.beside("password");
        write_private(&password, PASSWORD);
        let password = password.display().to_string();
        let user = ["user", "add", USERNAME, "--name", "Ada Lovelace", "--password-file", &password];
        machine.run(&user).await.succeeded();
        let first = Node::start(&machine, None).await.ready().await;
        // A running server hears of what commands change.
        machine.run(&["resource", "add", RESOURCE, "--scope", "read=Read"]).await.succeeded();
        let client = ["client", "add", "--json", "--name", "Test", "--redirect", "http://127.0.0.1/callback"];
        let client = machine.run(&client).await.succeeded();
        let client: Value = serde_json::from_str(&client.stdout).unwrap();
        let (callback, answering) = answering().await;
        let person = Person::new(&first.issuer);
        let client = client["id"].as_str().unwrap().to_owned();
        Self { first, machine, person, client, callback, answering, servers }
    }

    /// Another machine with another node.
    pub(super) async fn node(&self) -> Node {
        let machine = Machine::new(self.machine.variables.clone());
        Node::start(&machine, Some(&self.first.issuer)).await.ready().await
    }

    /// Another node of the first machine, for stores that no other machine sees.
    pub(super) async fn node_beside(&self) -> Node {
        Node::start(&self.machine, Some(&self.first.issuer)).await.ready().await
    }

    /// The person signs in and agrees; the client's first tokens.
    pub(super) async fn log_in(&self) -> Tokens {
        self.log_in_with(&self.request(&self.client)).await
    }

    /// The same with a request that was pushed before (RFC 9126).
    pub(super) async fn log_in_with_pushed(&self) -> Tokens {
        let pushed =
            post_to(&format!("{}/oauth/par", self.first.url), &self.request(&self.client)).await.unwrap();
        assert_eq!(pushed.status, 201, "{pushed:?}");
        let name = pushed.document["request_uri"].as_str().unwrap();
        self.log_in_with(&[("client_id", &*self.client), ("request_uri", name)]).await
    }

    fn request<'a>(&'a self, client: &'a str) -> [(&'a str, &'a str); 8] {
        [
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", &self.callback),
            ("resource", RESOURCE),
            ("scope", "read"),
            ("state", "here"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]
    }

    async fn log_in_with(&self, request: &[(&str, &str)]) -> Tokens {
        self.log_in_at("", &self.person, &self.client, request).await
    }

    /// The same beneath a path of the server.
    async fn log_in_at(&self, path: &str, person: &Person, client: &str, request: &[(&str, &str)]) -> Tokens {
        let mut url = Url::parse(&format!("{}{path}/oauth/authorize", self.first.issuer)).unwrap();
        url.query_pairs_mut().extend_pairs(request);
        let place = person.visit(url.as_str()).await;
        let code = place.query_pairs().find(|(name, _)| name == "code");
        let code = code.unwrap_or_else(|| panic!("{place}")).1.into_owned();
        let redeeming = [
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", &code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", &self.callback),
        ];
        let answer = post(&format!("{}{path}", self.first.url), &redeeming).await.unwrap();
        Tokens::of(&answer)
    }

    /// What a node answers to a refresh token; `None`: it does not answer.
    pub(super) async fn refresh(&self, node: &str, token: &str) -> Option<Answer> {
        let form = [("grant_type", "refresh_token"), ("client_id", &*self.client), ("refresh_token", token)];
        post(node, &form).await
    }

    /// Ends the login of a refresh token.
    pub(super) async fn revoke(&self, node: &str, token: &str) {
        let form = [("client_id", &*self.client), ("token", token)];
        let body = form_of(&form);
        let revoked = client().post(format!("{node}/oauth/revoke")).header("content-type", FORM).body(body);
        assert_eq!(revoked.send().await.unwrap().status(), 200);
    }

    /// A sandbox with a user, a resource and a client of its own.
    pub(super) async fn tenant(&self, name: &str) -> Tenant<'_> {
        let in_it = async |arguments: &[&str]| {
            self.machine.run(&[arguments, &["--sandbox", name]].concat()).await.succeeded()
        };
        self.machine.run(&["sandbox", "new", name]).await.succeeded();
        let password = self.machine.home.beside("password").display().to_string();
        in_it(&["user", "add", USERNAME, "--password-file", &password]).await;
        in_it(&["resource", "add", RESOURCE, "--scope", "read=Read"]).await;
        let client =
            ["client", "add", "--json", "--name", "Theirs", "--redirect", "http://127.0.0.1/callback"];
        let client: Value = serde_json::from_str(&in_it(&client).await.stdout).unwrap();
        let path = format!("/s/{name}");
        let person = Person::new(&self.first.issuer);
        Tenant { installation: self, path, person, client: client["id"].as_str().unwrap().to_owned() }
    }

    /// The API behind the resource, which may ask about its tokens.
    pub(super) async fn introspector(&self) -> Introspector {
        let client =
            ["client", "add", "--json", "--name", "API", "--confidential", "--grant", "client-credentials"];
        let client = self.machine.run(&client).await.succeeded();
        let client: Value = serde_json::from_str(&client.stdout).unwrap();
        let [id, secret] = ["id", "client_secret"].map(|name| client[name].as_str().unwrap().to_owned());
        self.machine.run(&["resource", "update", RESOURCE, "--introspector", &id]).await.succeeded();
        Introspector { id, secret }
    }
}

/// A sandbox of an installation.
pub(super) struct Tenant<'a> {
    installation: &'a Installation,
    path: String,
    person: Person,
    client: String,
}

impl Tenant<'_> {
    pub(super) async fn log_in(&self) -> Tokens {
        let request = self.installation.request(&self.client);
        self.installation.log_in_at(&self.path, &self.person, &self.client, &request).await
    }

    pub(super) async fn refresh(&self, node: &str, token: &str) -> Answer {
        let form = [("grant_type", "refresh_token"), ("client_id", &*self.client), ("refresh_token", token)];
        post(&format!("{node}{}", self.path), &form).await.expect("the node answers")
    }
}

/// Somebody who may ask about tokens.
pub(super) struct Introspector {
    id: String,
    secret: String,
}

impl Introspector {
    pub(super) async fn ask(&self, node: &str, token: &str) -> Answer {
        let form = [("client_id", &*self.id), ("client_secret", &*self.secret), ("token", token)];
        post_to(&format!("{node}/oauth/introspect"), &form).await.expect("the node answers")
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

/// What a client gets.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: String,
}

impl Tokens {
    #[track_caller]
    pub(super) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let token = |name: &str| answer.document[name].as_str().unwrap().to_owned();
        Self { access: token("access_token"), refresh: token("refresh_token") }
    }

    /// All that makes one pair: of the access token what it says.
    pub(super) fn pair(&self) -> (String, String) {
        (said(&self.access).to_owned(), self.refresh.clone())
    }
}

/// An answer of the token endpoint.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) document: Value,
}

/// `None`: nobody answers.
async fn post(node: &str, form: &[(&str, &str)]) -> Option<Answer> {
    post_to(&format!("{node}/oauth/token"), form).await
}

async fn post_to(url: &str, form: &[(&str, &str)]) -> Option<Answer> {
    let request = client().post(url).header("content-type", FORM).body(form_of(form));
    let sent = request.send().await.ok()?;
    let retry_after = sent.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let status = sent.status().as_u16();
    let text = sent.text().await.ok()?;
    let document = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    Some(Answer { status, retry_after, document })
}

fn form_of(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

const FORM: &str = "application/x-www-form-urlencoded";

/// The status of an address; 0 if nobody answers.
pub(super) async fn get(url: &str) -> u16 {
    client().get(url).send().await.map_or(0, |answer| answer.status().as_u16())
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap()
}

/// A client's address to which browsers come back.
#[expect(clippy::disallowed_methods, reason = "servers of a test live beside it")]
async fn answering() -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/callback", listener.local_addr().unwrap().port());
    let answering = tokio::spawn(async move {
        loop {
            let (mut browser, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            // Who goes away without asking gets no answer.
            let _ = browser.read(&mut request).await;
            let _ =
                browser.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
        }
    });
    (url, answering)
}
