//! A server with a user, a resource and a public client, and what a client and a person do there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::BoxFuture;
use serde_json::json;

use crate::engine::NetworkRules;
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::administration::clients::NewClient;
use crate::engine::issuer::answer::TokenAnswer;
use crate::engine::issuer::authorize::{Authorization, ConsentDecision, ConsentPrompt, SignedIn};
use crate::engine::issuer::exchange::Source;
use crate::engine::issuer::records::client::Client;
use crate::engine::issuer::records::resource::{Resource, TokenFormat};
use crate::engine::issuer::records::user::User;
use crate::engine::issuer::refusal::{IssueError, Refusal};
use crate::engine::issuer::rules::Rules;
use crate::engine::issuer::token::ClientRequest;
use crate::engine::sandboxes::Sandbox;
use crate::engine::test_world::{World, tokens};
use crate::oauth::error::ErrorCode;
use crate::oauth::form::Parameters;
use crate::oauth::pkce::Verifier;
use crate::oauth::server::access_token::AccessToken;
use crate::oauth::server::client_metadata::ClientMetadata;
use crate::oauth::url::Issuer;
use crate::ports::passwords::{Overloaded, Passwords};
use crate::ports::upstream::Upstream;
use crate::secret::Secret;

pub(super) const MCP: &str = "https://mcp.test/mcp";
pub(super) const CALLBACK: &str = "http://127.0.0.1/callback";

/// A server and everything around it. Clones are the same.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) server: AuthorizationServer,
    pub(super) client: Arc<Client>,
    pub(super) user: Arc<User>,
    pub(super) verifier: Verifier,
    pub(super) cookie: Secret,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::with_format(TokenFormat::default())
    }

    pub(super) fn with_format(format: TokenFormat) -> Self {
        Self::in_world(World::new("", |_| tokens("a1", None)), format)
    }

    pub(super) fn in_world(world: World, format: TokenFormat) -> Self {
        let rules = Rules::of(Issuer::parse("https://as.test").unwrap());
        let server = AuthorizationServer::new(world.engine.clone(), rules, Arc::new(Backwards));
        Self::at(world, server, format)
    }

    /// With a user, a resource and a client at `server`.
    fn at(world: World, server: AuthorizationServer, format: TokenFormat) -> Self {
        let user = block_on(server.add_user(person("ada"), Some(Secret::new("correct horse")))).unwrap();
        let resource = Resource {
            url: MCP.to_owned(),
            name: None,
            scopes: BTreeMap::from([("read".to_owned(), String::new()), ("write".to_owned(), String::new())]),
            format,
            access_lifetime: None,
            introspectors: Vec::new(),
            tools: BTreeMap::new(),
            requires_proof: false,
            created_at: server.now(),
        };
        assert!(block_on(server.add_resource(&resource)).unwrap());
        let cookie = block_on(server.begin_session(&user, &["pwd"], &Source::default())).unwrap();
        let verifier = Verifier::generate(&*world.engine.ports().random);
        let client = add_client(&server, &json!({ "grant_types": ["authorization_code", "refresh_token"] }));
        Self { world, server, client: Arc::new(client), user: Arc::new(user), verifier, cookie }
    }

    /// Another user, resource and client in a sandbox of the same installation.
    pub(super) fn within(&self, sandbox: &Sandbox, format: TokenFormat) -> Self {
        Self::at(self.world.clone(), self.server_within(sandbox), format)
    }

    /// The same in the sandbox as it is now.
    pub(super) fn again_within(&self, around: &Self, sandbox: &Sandbox) -> Self {
        Self { server: around.server_within(sandbox), ..self.clone() }
    }

    fn server_within(&self, sandbox: &Sandbox) -> AuthorizationServer {
        let issuer = format!("https://as.test/s/{}", sandbox.name.as_str());
        self.server.of_sandbox(sandbox, Issuer::parse(&issuer).unwrap())
    }

    /// The same under other rules.
    pub(super) fn ruled(self, change: impl FnOnce(&mut Rules)) -> Self {
        let mut rules = self.server.rules().clone();
        change(&mut rules);
        let server = AuthorizationServer::new(self.world.engine.clone(), rules, Arc::new(Backwards));
        Self { server, ..self }
    }

    /// The same with another client on it.
    pub(super) fn with_client(self, client: Client) -> Self {
        Self { client: Arc::new(client), ..self }
    }

    /// The same with what others keep elsewhere.
    pub(super) fn calling(self, elsewhere: Arc<dyn Upstream>) -> Self {
        let engine = &self.world.engine;
        let catalogue = engine.ports().catalogue.clone();
        let engine = engine.reconfigured(catalogue, elsewhere, NetworkRules::default());
        let server = AuthorizationServer::new(engine, self.server.rules().clone(), Arc::new(Backwards));
        Self { server, ..self }
    }

    /// Another person, signed in.
    pub(super) fn another(&self, username: &str) -> Self {
        let user = block_on(self.server.add_user(person(username), None)).unwrap();
        let cookie = block_on(self.server.begin_session(&user, &["pwd"], &Source::default())).unwrap();
        Self { user: Arc::new(user), cookie, ..self.clone() }
    }

    /// The same for a client of this id.
    pub(super) fn of_client(&self, id: &str) -> Self {
        let client = Client { id: id.to_owned(), ..(*self.client).clone() };
        Self { client: Arc::new(client), ..self.clone() }
    }

    pub(super) fn signed_in(&self) -> SignedIn {
        block_on(self.server.session_of(&self.cookie)).unwrap().unwrap()
    }

    /// The query of an ordinary request, with some parameters set otherwise.
    pub(super) fn query(&self, others: &[(&str, &str)]) -> String {
        let mut parameters = Parameters::new();
        let challenge = self.verifier.challenge();
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", &self.client.id),
            ("redirect_uri", "http://127.0.0.1:5000/callback"),
            ("scope", "read write"),
            ("resource", MCP),
            ("state", "xyz"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]
        .iter()
        .chain(others)
        {
            parameters.set(name, value);
        }
        parameters.to_query()
    }

    pub(super) fn authorize(&self, others: &[(&str, &str)]) -> Authorization {
        let signed_in = self.signed_in();
        block_on(self.server.authorize(&self.query(others), Some(&signed_in), &Source::default())).unwrap()
    }

    pub(super) fn decide(&self, prompt: &ConsentPrompt, decision: ConsentDecision) -> Authorization {
        let (ticket, source) = (Secret::new(prompt.ticket.clone()), Source::default());
        block_on(self.server.decide_consent(&ticket, decision, &self.signed_in(), &source)).unwrap()
    }

    /// A code, with consent if it is asked for.
    pub(super) fn code(&self) -> Secret {
        let answer = match self.authorize(&[]) {
            Authorization::Consent(prompt) => self.decide(&prompt, ConsentDecision::Allow),
            other => other,
        };
        parameter(&answer, "code").expect("a code")
    }

    pub(super) fn redeem(&self, code: &Secret) -> Result<TokenAnswer, Refusal> {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", &self.client.id),
            ("code", code.expose()),
            ("redirect_uri", "http://127.0.0.1:5000/callback"),
            ("code_verifier", self.verifier.expose()),
        ])
    }

    pub(super) fn refresh(&self, token: &Secret) -> Result<TokenAnswer, Refusal> {
        self.refresh_from(token, "home")
    }

    pub(super) fn refresh_from(&self, token: &Secret, place: &str) -> Result<TokenAnswer, Refusal> {
        let source = Source { digest: place.to_owned(), ..Source::default() };
        self.token_from(
            &[
                ("grant_type", "refresh_token"),
                ("client_id", &self.client.id),
                ("refresh_token", token.expose()),
            ],
            &source,
        )
    }

    pub(super) fn token(&self, parameters: &[(&str, &str)]) -> Result<TokenAnswer, Refusal> {
        self.token_from(parameters, &Source::default())
    }

    fn token_from(&self, parameters: &[(&str, &str)], source: &Source) -> Result<TokenAnswer, Refusal> {
        let mut form = Parameters::new();
        for (name, value) in parameters {
            form.append(name, value);
        }
        let request = ClientRequest { parameters: &form, authorization: None, proofs: &[], source };
        match block_on(self.server.token(&request)) {
            Ok(answer) => Ok(answer),
            Err(IssueError::Refused(refusal)) => Err(refusal),
            Err(error) => panic!("{error:?}"),
        }
    }

    /// A first pair of tokens.
    pub(super) fn log_in(&self) -> TokenAnswer {
        self.redeem(&self.code()).unwrap()
    }

    /// Whether an access token is honoured.
    pub(super) fn is_good(&self, token: &Secret) -> bool {
        block_on(self.server.valid_access_token(token)).unwrap().is_some()
    }

    /// Everything an answer says. Only the signature or the sealing of its access token may differ from another's.
    pub(super) fn said(&self, answer: &TokenAnswer) -> (AccessToken, TokenAnswer) {
        let token = block_on(self.server.valid_access_token(&answer.access_token)).unwrap().unwrap();
        (token, TokenAnswer { access_token: Secret::new(""), ..answer.clone() })
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.world.clock.advance(Duration::from_secs(seconds));
    }
}

pub(super) fn add_client(server: &AuthorizationServer, metadata: &serde_json::Value) -> Client {
    let mut object = json!({
        "redirect_uris": [CALLBACK], "client_name": "Test", "token_endpoint_auth_method": "none",
    });
    for (name, value) in metadata.as_object().unwrap() {
        object[name] = value.clone();
    }
    let metadata = ClientMetadata::from_object(object.as_object().unwrap()).unwrap();
    block_on(server.add_client(NewClient { metadata, scope: None, rotates: true })).unwrap().0
}

pub(super) fn person(username: &str) -> User {
    User {
        name: Some("Ada Lovelace".to_owned()),
        email: Some(format!("{username}@test")),
        email_verified: true,
        ..User::called(username)
    }
}

/// A parameter of the address an answer leads to.
pub(super) fn parameter(answer: &Authorization, name: &str) -> Option<Secret> {
    let address = match answer {
        Authorization::Answer(address) => address,
        Authorization::Denied(denial) => &denial.address(None),
        other => panic!("no answer to the client: {other:?}"),
    };
    let url = url::Url::parse(address.expose()).unwrap();
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| Secret::new(value))
}

/// The refusal must be of this code.
#[track_caller]
pub(super) fn assert_refused<T: std::fmt::Debug>(outcome: Result<T, Refusal>, code: &ErrorCode) {
    match outcome {
        Err(refusal) => assert_eq!(&refusal.code, code, "{refusal:?}"),
        Ok(granted) => panic!("granted: {granted:?}"),
    }
}

/// Hashes by writing backwards.
#[derive(Debug)]
struct Backwards;

impl Passwords for Backwards {
    fn hash(&self, password: Secret) -> BoxFuture<'_, Result<String, Overloaded>> {
        Box::pin(async move { Ok(password.expose().chars().rev().collect()) })
    }

    fn verifies<'a>(
        &'a self,
        password: Secret,
        hash: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, Overloaded>> {
        Box::pin(async move { Ok(hash.is_some_and(|hash| hash.chars().rev().eq(password.expose().chars()))) })
    }
}
