//! A home with everything that clients need: two of them, a user who has agreed, resources, and logins.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use bursar::passwords::Argon2Passwords;
use bursar::wiring::Seams;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::issuer::administration::clients::NewClient;
use bursar_core::engine::issuer::authorize::{Authorization, ConsentDecision, SignedIn};
use bursar_core::engine::issuer::exchange::Source;
use bursar_core::engine::issuer::records::resource::{Resource, TokenFormat};
use bursar_core::engine::issuer::records::user::User;
use bursar_core::engine::issuer::rules::Rules;
use bursar_core::engine::issuer::token::ClientRequest;
use bursar_core::oauth::form::Parameters;
use bursar_core::oauth::jose::Algorithm;
use bursar_core::oauth::pkce::Verifier;
use bursar_core::oauth::server::client_metadata::ClientMetadata;
use bursar_core::oauth::url::Issuer;
use bursar_core::secret::Secret;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use url::Url;

use crate::home::Home;

/// A home, and what is in it.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) home: Home,
    /// The confidential client: id and secret.
    pub(super) service: (String, String),
    /// The public client.
    pub(super) app: String,
    /// One for each login.
    pub(super) refresh_tokens: Vec<String>,
}

impl Ground {
    /// A new home with so many logins.
    pub(super) fn new(runtime: &Runtime, logins: usize) -> Result<Self> {
        Self::at(runtime, Home::new()?, logins)
    }

    /// The same in this home.
    pub(super) fn at(runtime: &Runtime, home: Home, logins: usize) -> Result<Self> {
        runtime.block_on(Self::fill(home, logins))
    }

    async fn fill(home: Home, logins: usize) -> Result<Self> {
        let wired = home.wired(Seams::default())?;
        wired.engine.create_vault().await?;
        wired.engine.unlock().await?;
        let passwords = Argon2Passwords::new(Arc::clone(&wired.engine.ports().random));
        let rules = Rules::of(Issuer::parse(ISSUER)?);
        let server = AuthorizationServer::new(wired.engine.clone(), rules, Arc::new(passwords));
        for (url, format) in [(SIGNED, TokenFormat::Jwt(Algorithm::EdDsa)), (OPAQUE, TokenFormat::Opaque)] {
            server.add_resource(&resource(url, format, server.now())).await?;
        }
        // Made before anything is timed.
        server.published_keys().await?;
        let service = json!({
            "client_name": "Service", "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "client_secret_basic",
        });
        let (service, secret) = server.add_client(new_client(&service)?).await?;
        let secret = secret.context("a confidential client has a secret")?.expose().to_owned();
        let app = json!({
            "client_name": "App", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let (app, _) = server.add_client(new_client(&app)?).await?;
        let user = server.add_user(User::called("ada"), None).await?;
        let cookie = server.begin_session(&user, &["pwd"], &Source::default()).await?;
        let signed_in = server.session_of(&cookie).await?.context("nobody is signed in")?;
        let verifier = Verifier::generate(&*wired.engine.ports().random);
        let mut refresh_tokens = Vec::new();
        for _ in 0..logins {
            refresh_tokens.push(log_in(&server, &app.id, &signed_in, &verifier).await?);
        }
        Ok(Self { home, service: (service.id, secret), app: app.id, refresh_tokens })
    }

    /// The confidential client, as it proves itself.
    pub(super) fn service(&self) -> (&str, &str) {
        (&self.service.0, &self.service.1)
    }
}

/// The refresh token of a new login of this client, whose user agrees to everything.
pub(crate) async fn log_in(
    server: &AuthorizationServer,
    app: &str,
    signed_in: &SignedIn,
    verifier: &Verifier,
) -> Result<String> {
    let challenge = verifier.challenge();
    let query = form(&[
        ("response_type", "code"),
        ("client_id", app),
        ("redirect_uri", CALLBACK),
        ("scope", SCOPE),
        ("resource", SIGNED),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ]);
    let source = Source::default();
    let answer = match server.authorize(&query.to_query(), Some(signed_in), &source).await? {
        Authorization::Consent(prompt) => {
            let ticket = Secret::new(prompt.ticket.clone());
            server.decide_consent(&ticket, ConsentDecision::Allow, signed_in, &source).await?
        }
        other => other,
    };
    let Authorization::Answer(address) = answer else { bail!("no code: {answer:?}") };
    let address = Url::parse(address.expose())?;
    let code = address.query_pairs().find(|(name, _)| name == "code").context("no code")?.1;
    let parameters = form(&[
        ("grant_type", "authorization_code"),
        ("client_id", app),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", verifier.expose()),
    ]);
    let request =
        ClientRequest { parameters: &parameters, authorization: None, proofs: &[], source: &source };
    let token = server.token(&request).await?.refresh_token.context("no refresh token")?;
    Ok(token.expose().to_owned())
}

/// A form with these fields.
pub(crate) fn form(pairs: &[(&str, &str)]) -> Parameters {
    let mut form = Parameters::new();
    for (name, value) in pairs {
        form.append(name, value);
    }
    form
}

/// A client with this metadata.
pub(crate) fn new_client(metadata: &Value) -> Result<NewClient> {
    let metadata = metadata.as_object().context("metadata is an object")?;
    Ok(NewClient { metadata: ClientMetadata::from_object(metadata)?, scope: None, rotates: true })
}

/// A resource at this address.
pub(crate) fn resource(url: &str, format: TokenFormat, now: Timestamp) -> Resource {
    Resource {
        url: url.to_owned(),
        name: None,
        scopes: BTreeMap::from([(SCOPE.to_owned(), String::new())]),
        format,
        // Nothing ends while it is asked about.
        access_lifetime: Some(SignedDuration::from_hours(12)),
        tools: BTreeMap::new(),
        introspectors: Vec::new(),
        requires_proof: false,
        created_at: now,
    }
}

/// What the server is called, wherever it listens.
pub(crate) const ISSUER: &str = "http://localhost:8790";
/// Takes tokens signed with `EdDSA`.
pub(crate) const SIGNED: &str = "https://signed.example/";
/// Takes opaque ones.
pub(super) const OPAQUE: &str = "https://opaque.example/";
/// What is asked for.
pub(crate) const SCOPE: &str = "read";
/// The path of the token endpoint.
pub(super) const TOKEN: &str = "/oauth/token";
/// The path of the introspection endpoint.
pub(super) const INTROSPECTION: &str = "/oauth/introspect";
/// Where clients are called back.
pub(crate) const CALLBACK: &str = "http://127.0.0.1/callback";
