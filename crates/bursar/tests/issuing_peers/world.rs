//! The real program as an authorization server with a user, a resource and clients, and a person who uses it.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::foreign_program::ForeignProgram;
use super::person::{PASSWORD, Person, USERNAME};
use crate::support::{Home, Running, write_private};

/// An API that only exists as a name.
pub(super) const RESOURCE: &str = "https://api.example.com/mcp";
/// Where answers go; the port is any (RFC 8252 §7.3).
const CALLBACK: &str = "http://127.0.0.1/callback";

/// A server and who uses it.
#[derive(Debug)]
pub(super) struct World {
    home: Home,
    server: Running,
    pub(super) issuer: String,
    pub(super) person: Person,
}

impl World {
    /// A server on a free port that knows Ada and [`RESOURCE`].
    pub(super) async fn start() -> Self {
        let home = Home::new();
        let password = home.beside("password");
        write_private(&password, PASSWORD);
        let password = password.display().to_string();
        let user = ["user", "add", USERNAME, "--name", "Ada Lovelace", "--email", "ada@example.com"];
        home.run(&[&user[..], &["--password-file", &password]].concat()).await.succeeded();
        let mut server = home.start(&["serve", "--listen", "127.0.0.1:0"]);
        let issuer = server.says(|line| line.strip_prefix("its issuer is ").map(str::to_owned)).await;
        let world = Self { home, server, person: Person::new(&issuer), issuer };
        world.add_resource(RESOURCE).await;
        world
    }

    /// Makes an API known to the running server.
    pub(super) async fn add_resource(&self, url: &str) {
        let scopes = ["--scope", "mcp:read=Read", "--scope", "mcp:write=Write"];
        self.home.run(&[&["resource", "add", url], &scopes[..]].concat()).await.succeeded();
    }

    /// Registers a client; returns its id and its secret, if it has one.
    pub(super) async fn add_client(&self, arguments: &[&str]) -> Value {
        let line = ["client", "add", "--json", "--name", "Test", "--redirect", CALLBACK];
        let line = [&line[..], arguments].concat();
        let ended = self.home.run(&line).await.succeeded();
        let client: Value = serde_json::from_str(&ended.stdout).unwrap();
        json!({ "id": client["id"], "secret": client["client_secret"] })
    }

    /// A client with a secret that may do everything.
    pub(super) async fn add_confidential_client(&self) -> Value {
        let grants = ["authorization-code", "refresh-token", "client-credentials"];
        let mut line = vec!["--confidential"];
        line.extend(grants.iter().flat_map(|grant| ["--grant", *grant]));
        self.add_client(&line).await
    }

    /// Starts an MCP server whose tokens come from here; returns it with its address.
    pub(super) async fn start_mcp_resource(&self) -> (ForeignProgram, String) {
        self.open(ForeignProgram::of_node(&["clients/mcp-resource.mjs"])).await
    }

    /// The same, of `FastMCP`.
    pub(super) async fn start_fastmcp_resource(&self) -> (ForeignProgram, String) {
        self.open(ForeignProgram::of_python("clients/fastmcp_resource.py")).await
    }

    async fn open(&self, mut program: ForeignProgram) -> (ForeignProgram, String) {
        program.is_told(&json!({ "issuer": self.issuer })).await;
        let said = program.says().await.expect("it opens");
        let url = said.strip_prefix("resource ").unwrap().to_owned();
        self.add_resource(&url).await;
        program.is_told(&json!("added")).await;
        assert_eq!(program.says().await.as_deref(), Some("open"));
        (program, url)
    }

    /// Lets a script do what it does, as the person it needs; returns the steps that worked.
    pub(super) async fn steps_of(&self, mut program: ForeignProgram, settings: Value) -> Vec<String> {
        program.is_told(&settings).await;
        let mut steps = Vec::new();
        while let Some(line) = program.says().await {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["visit", url] => drop(self.person.visit(url).await),
                ["device", url, code] => drop(self.person.visit_with(url, code).await),
                ["passed", ..] => steps.push(line["passed ".len()..].to_owned()),
                _ => {}
            }
        }
        program.succeeded().await;
        steps
    }

    /// Ends the server, which must have had no trouble.
    pub(super) async fn end(self) {
        self.server.signal(Signal::TERM);
        let ended = self.server.ended().await;
        assert_eq!(ended.code, 0, "{ended}");
        assert!(!ended.stderr.contains("ERROR"), "{ended}");
    }
}
