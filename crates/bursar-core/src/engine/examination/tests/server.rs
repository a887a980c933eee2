//! An authorization server and an MCP server in one function, right in everything but the fault that is planted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CACHE_CONTROL, LOCATION, WWW_AUTHENTICATE};
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use crate::oauth::pkce::Verifier;
use crate::ports::clock::Clock;
use crate::ports::upstream::{
    Body, Request, Response, SendCause, SendError, SendLimits, SendPhase, Upstream,
};

pub(super) const ISSUER: &str = "https://as.example/tenant";
pub(super) const RESOURCE: &str = "https://as.example/mcp";
pub(super) const REDIRECT: &str = "http://127.0.0.1:4711/callback";

/// What is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NoChallenge,
    OtherResource,
    MetadataAppendedOnly,
    IssuerWithSlash,
    PkceNotAnnounced,
    IssuerNotAnnounced,
    IssuerNotSent,
    ClosedToBrowsers,
    NoRegistration,
    RegistrationForgetsRedirects,
    RegistersAnything,
    FixedPort,
    PortRegistered,
    LocalhostRefused,
    DocumentsUnseen,
    PrefixRedirect,
    OpenRedirector,
    PkceOptional,
    PlainAccepted,
    DeadClientUnnamed,
    NoAudience,
    TokenInAddress,
    NoRefreshTokens,
    RefreshTooEarly,
    RefreshForgetsResource,
    OldRefreshTokens,
    VerifierIgnored,
    CodesAgain,
}

/// The server.
#[derive(Debug)]
pub(super) struct Server {
    fault: Option<Fault>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counter: u32,
    /// Redirects by client.
    clients: BTreeMap<String, String>,
    /// Challenge and redirect by code.
    codes: BTreeMap<String, (String, String)>,
    spent: BTreeSet<String>,
    /// The live refresh token, and those before it.
    refresh: Option<String>,
    former: Vec<String>,
    access: BTreeSet<String>,
}

type Pairs = BTreeMap<String, String>;

impl Server {
    pub(super) fn new(fault: Option<Fault>) -> Self {
        Self { fault, state: Mutex::default() }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Goes through the sign-in page, and agrees; the query that the client is given.
    pub(super) fn person_agrees(&self, url: &Url) -> String {
        let asked: Pairs = url.query_pairs().into_owned().collect();
        let mut state = self.state.lock().unwrap();
        state.counter += 1;
        let code = format!("code-{}", state.counter);
        let bound = (asked["code_challenge"].clone(), asked["redirect_uri"].clone());
        state.codes.insert(code.clone(), bound);
        let mut answer = url::form_urlencoded::Serializer::new(String::new());
        answer.append_pair("code", &code).append_pair("state", &asked["state"]);
        if !self.has(Fault::IssuerNotSent) {
            answer.append_pair("iss", ISSUER);
        }
        answer.finish()
    }

    fn answer(&self, request: &Request) -> Response {
        let url = Url::parse(&request.uri().to_string()).unwrap();
        let query: Pairs = url.query_pairs().into_owned().collect();
        let form: Pairs = url::form_urlencoded::parse(request.body().expose()).into_owned().collect();
        let is_post = request.method() == http::Method::POST;
        let mut response = match url.path() {
            "/mcp" => self.resource(request, &query),
            "/.well-known/oauth-protected-resource/mcp" => {
                let name = if self.has(Fault::OtherResource) { "https://as.example/other" } else { RESOURCE };
                answered(
                    200,
                    &json!({ "resource": name, "authorization_servers": [ISSUER], "scopes_supported": ["read"] }),
                )
            }
            "/.well-known/oauth-authorization-server/tenant" if self.has(Fault::MetadataAppendedOnly) => {
                empty(404)
            }
            "/.well-known/oauth-authorization-server/tenant" | "/tenant/.well-known/openid-configuration" => {
                self.metadata()
            }
            "/register" if is_post => self.register(request),
            "/authorize" => self.authorize(&query),
            "/token" if is_post => self.token(&form),
            "/token" if request.method() == http::Method::OPTIONS => empty(204),
            "/register" => empty(204),
            _ => empty(404),
        };
        if !(self.has(Fault::ClosedToBrowsers) && url.path() == "/token") {
            response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, "*".parse().unwrap());
        }
        response
    }

    fn resource(&self, request: &Request, query: &Pairs) -> Response {
        let field = request.headers().get(AUTHORIZATION).and_then(|field| field.to_str().ok());
        let in_address = query.get("access_token").filter(|_| self.has(Fault::TokenInAddress));
        let token = field.and_then(|field| field.strip_prefix("Bearer ")).or(in_address.map(String::as_str));
        if token.is_some_and(|token| self.state.lock().unwrap().access.contains(token)) {
            return answered(200, &json!({ "jsonrpc": "2.0" }));
        }
        let mut refusal = empty(401);
        if !self.has(Fault::NoChallenge) {
            let challenge =
                r#"Bearer resource_metadata="https://as.example/.well-known/oauth-protected-resource/mcp""#;
            refusal.headers_mut().insert(WWW_AUTHENTICATE, challenge.parse().unwrap());
        }
        refusal
    }

    fn metadata(&self) -> Response {
        let mut document = json!({
            "issuer": if self.has(Fault::IssuerWithSlash) { "https://as.example/tenant/" } else { ISSUER },
            "authorization_endpoint": "https://as.example/authorize",
            "token_endpoint": "https://as.example/token",
            "registration_endpoint": "https://as.example/register",
            "scopes_supported": ["read", "offline_access"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        let members = document.as_object_mut().unwrap();
        match self.fault {
            Some(Fault::PkceNotAnnounced) => drop(members.remove("code_challenge_methods_supported")),
            Some(Fault::IssuerNotAnnounced) => {
                members.remove("authorization_response_iss_parameter_supported");
            }
            Some(Fault::DocumentsUnseen) => {
                members.insert("client_id_metadata_document_supported".to_owned(), json!(true));
            }
            Some(Fault::NoRegistration) => drop(members.remove("registration_endpoint")),
            _ => {}
        }
        answered(200, &document)
    }

    fn register(&self, request: &Request) -> Response {
        let mut client: Value = serde_json::from_slice(request.body().expose()).unwrap();
        let redirect = client["redirect_uris"][0].as_str().unwrap_or_default().to_owned();
        let is_here = redirect.starts_with("http://127.0.0.1")
            || (redirect.starts_with("http://localhost") && !self.has(Fault::LocalhostRefused));
        let has_port = Url::parse(&redirect).is_ok_and(|redirect| redirect.port().is_some());
        if (!is_here && !self.has(Fault::RegistersAnything))
            || (!has_port && redirect.contains("127.0.0.1") && self.has(Fault::PortRegistered))
        {
            return refused(400, "invalid_redirect_uri");
        }
        let clients = &mut self.state.lock().unwrap().clients;
        let id = if clients.is_empty() { "client".to_owned() } else { format!("client-{}", clients.len()) };
        client["client_id"] = json!(id);
        clients.insert(id, redirect);
        if self.has(Fault::RegistrationForgetsRedirects) {
            client.as_object_mut().unwrap().remove("redirect_uris");
        }
        answered(201, &client)
    }

    fn authorize(&self, asked: &Pairs) -> Response {
        let given = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
        let redirect = given("redirect_uri");
        let without_port = |uri: &str| {
            Url::parse(uri).map(|mut uri| {
                let _ = uri.set_port(None);
                uri.to_string()
            })
        };
        let registered = self.state.lock().unwrap().clients.get(given("client_id")).cloned();
        if registered.is_none() && self.has(Fault::OpenRedirector) {
            return self.back(redirect, "unauthorized_client", given("state"));
        }
        if given("client_id").starts_with("https:") && self.has(Fault::DocumentsUnseen) {
            return empty(200);
        }
        let is_known = registered.is_some_and(|registered| match self.fault {
            Some(Fault::FixedPort) => redirect == registered,
            Some(Fault::PrefixRedirect) if redirect.starts_with(&registered) => true,
            _ => without_port(redirect) == without_port(&registered),
        });
        if !is_known {
            return empty(400);
        }
        if given("response_type") != "code" {
            return self.back(redirect, "unsupported_response_type", given("state"));
        }
        let lacks_proof = !asked.contains_key("code_challenge") && !self.has(Fault::PkceOptional);
        let is_plain = given("code_challenge_method") == "plain" && !self.has(Fault::PlainAccepted);
        if lacks_proof || is_plain {
            return self.back(redirect, "invalid_request", given("state"));
        }
        empty(200)
    }

    fn back(&self, redirect: &str, error: &str, state: &str) -> Response {
        let mut place = Url::parse(redirect).unwrap();
        place.query_pairs_mut().append_pair("error", error).append_pair("state", state);
        if !self.has(Fault::IssuerNotSent) {
            place.query_pairs_mut().append_pair("iss", ISSUER);
        }
        let mut response = empty(302);
        response.headers_mut().insert(LOCATION, place.as_str().parse().unwrap());
        response
    }

    fn token(&self, form: &Pairs) -> Response {
        let given = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if given("client_id") != "client" {
            let code = if self.has(Fault::DeadClientUnnamed) { "invalid_request" } else { "invalid_client" };
            return refused(401, code);
        }
        let is_granted = match given("grant_type") {
            "authorization_code" => self.is_code_good(given("code"), given("code_verifier")),
            _ => self.is_refresh_good(given("refresh_token")),
        };
        if !is_granted {
            return refused(400, "invalid_grant");
        }
        let mut state = self.state.lock().unwrap();
        state.counter += 1;
        let is_forgetful = self.has(Fault::RefreshForgetsResource) && !form.contains_key("resource");
        let audience = if self.has(Fault::NoAudience) || is_forgetful { ISSUER } else { RESOURCE };
        let claims = URL_SAFE_NO_PAD.encode(json!({ "aud": audience, "n": state.counter }).to_string());
        let access = format!("e30.{claims}.c2lnbmF0dXJl");
        state.access.insert(access.clone());
        let refresh = format!("refresh-{}", state.counter);
        let before = state.refresh.replace(refresh.clone());
        state.former.extend(before);
        let mut answer = json!({ "access_token": access, "token_type": "Bearer", "scope": "read" });
        if !self.has(Fault::NoRefreshTokens) {
            answer["refresh_token"] = json!(refresh);
        }
        answered(200, &answer)
    }

    fn is_code_good(&self, code: &str, verifier: &str) -> bool {
        let mut state = self.state.lock().unwrap();
        let Some((challenge, _)) = state.codes.get(code) else { return false };
        let is_proven = Verifier::parse(verifier)
            .is_ok_and(|verifier| verifier.challenge().as_str() == challenge.as_str());
        if !is_proven && !self.has(Fault::VerifierIgnored) {
            return false;
        }
        state.spent.insert(code.to_owned()) || self.has(Fault::CodesAgain)
    }

    fn is_refresh_good(&self, token: &str) -> bool {
        let state = self.state.lock().unwrap();
        if self.has(Fault::RefreshTooEarly) && state.former.is_empty() {
            return false;
        }
        let is_old = state.former.iter().any(|former| former == token);
        state.refresh.as_deref() == Some(token) || (is_old && self.has(Fault::OldRefreshTokens))
    }
}

impl Upstream for Server {
    fn send(&self, request: Request, _limits: SendLimits) -> BoxFuture<'_, Result<Response, SendError>> {
        let answer = if request.uri().host() == Some("as.example") {
            Ok(self.answer(&request))
        } else {
            Err(SendError {
                phase: SendPhase::BeforeRequest,
                cause: SendCause::Dns,
                host: "nobody.example".to_owned(),
                detail: "there is no such host".to_owned(),
            })
        };
        async move { answer }.boxed()
    }
}

fn answered(status: u16, body: &Value) -> Response {
    let builder = http::Response::builder().status(status).header(CACHE_CONTROL, "no-store");
    builder.body(Body::new(body.to_string())).unwrap()
}

fn refused(status: u16, code: &str) -> Response {
    answered(status, &json!({ "error": code }))
}

fn empty(status: u16) -> Response {
    http::Response::builder().status(status).body(Body::default()).unwrap()
}

/// A clock that waits for nobody.
#[derive(Debug)]
pub(super) struct Hasty;

impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn stopwatch(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<'static, ()> {
        async {}.boxed()
    }
}
