//! Who is called under guard, and what a server elsewhere may not name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::*;
use crate::engine::NetworkRules;
use crate::engine::test_world::{World, tokens};
use crate::ports::upstream::{SendCause, SendError, SendPhase, Upstream};

const RESOURCE: &str = "https://mcp.example.com/mcp";
const INSERTED: &str = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";
const ISSUER: &str = "https://login.example.net";

/// Everybody's servers; private ones answer only who is not kept from calling them.
#[derive(Clone, Debug, Default)]
struct Web {
    pages: BTreeMap<String, Page>,
    calls: Arc<Mutex<Vec<(String, UrlOrigin)>>>,
}

#[derive(Clone, Debug)]
struct Page {
    status: u16,
    fields: Vec<(&'static str, String)>,
    body: String,
}

impl Web {
    /// A resource that says this of itself, where it is usual.
    fn of_resource(challenge: &str, metadata: &Value) -> Self {
        let mut web = Self::default();
        web.put(RESOURCE, 401, &[("www-authenticate", challenge)], "");
        web.put(INSERTED, 200, &[], &metadata.to_string());
        web
    }

    fn put(&mut self, address: &str, status: u16, fields: &[(&'static str, &str)], body: &str) {
        let fields = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.pages.insert(address.to_owned(), Page { status, fields, body: body.to_owned() });
    }

    /// An authorization server, with other members beside the usual ones.
    fn server(&mut self, issuer: &str, others: &Value) {
        let mut document = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"), "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
        });
        for (name, value) in others.as_object().unwrap() {
            document[name] = value.clone();
        }
        let place = format!("{issuer}/.well-known/oauth-authorization-server");
        self.put(&place, 200, &[], &document.to_string());
    }

    fn found(&self, url: &str, known: Known<'_>) -> Result<Discovered, DiscoveryError> {
        let world = World::new("", |_| tokens("a1", None));
        let catalogue = world.engine.ports().catalogue.clone();
        let web: Arc<dyn Upstream> = Arc::new(self.clone());
        let engine = world.engine.reconfigured(catalogue, web, NetworkRules::default());
        block_on(engine.discover_target(url, known))
    }

    /// Where it was called without guard, by host.
    fn unguarded_hosts(&self) -> Vec<String> {
        let calls = self.calls.lock().unwrap();
        let calls = calls.iter().filter(|(_, origin)| *origin == UrlOrigin::Configured);
        let mut hosts: Vec<String> = calls
            .map(|(url, _)| url::Url::parse(url).unwrap().host_str().unwrap_or_default().to_owned())
            .collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }
}

impl Upstream for Web {
    fn send(&self, request: Request, limits: SendLimits) -> BoxFuture<'_, Result<Response, SendError>> {
        let address = request.uri().to_string();
        self.calls.lock().unwrap().push((address.clone(), limits.origin));
        let is_inside = ["169.254.", "10.0.", "127.0.", "localhost", "internal."]
            .iter()
            .any(|inside| request.uri().host().unwrap_or_default().starts_with(inside));
        let outcome = if is_inside && limits.origin == UrlOrigin::Stranger {
            let host = request.uri().host().unwrap_or_default().to_owned();
            let (phase, cause) = (SendPhase::BeforeRequest, SendCause::Forbidden);
            Err(SendError { phase, cause, host, detail: "test".to_owned() })
        } else {
            let missing = Page { status: 404, fields: Vec::new(), body: String::new() };
            let Page { status, fields, body } = self.pages.get(&address).unwrap_or(&missing);
            let response = http::Response::builder().status(*status);
            let response =
                fields.iter().fold(response, |response, (name, value)| response.header(*name, value));
            Ok(response.body(Body::new(body.clone())).unwrap())
        };
        Box::pin(async move { outcome })
    }
}

fn metadata(issuer: &str) -> Value {
    json!({ "resource": RESOURCE, "authorization_servers": [issuer] })
}

#[test]
fn only_the_host_that_was_typed_is_called_without_guard() {
    let mut web =
        Web::of_resource("Bearer resource_metadata=\"https://docs.example.org/mcp.json\"", &metadata(ISSUER));
    web.put("https://docs.example.org/mcp.json", 200, &[], &metadata(ISSUER).to_string());
    web.server(ISSUER, &json!({}));
    let found = web.found(RESOURCE, Known::default()).unwrap();
    assert_eq!(web.unguarded_hosts(), ["mcp.example.com"]);
    assert!(found.provider.guarded, "tokens too are asked for under guard");
    // Whoever names the issuer vouches for it.
    let web = Web { calls: Arc::default(), ..web };
    let issuer = Issuer::parse(ISSUER).unwrap();
    let found = web.found(RESOURCE, Known { issuer: Some(&issuer), ..Known::default() }).unwrap();
    assert_eq!(web.unguarded_hosts(), ["login.example.net", "mcp.example.com"]);
    assert!(!found.provider.guarded);
}

#[test]
fn metadata_that_points_inside_is_passed_by() {
    for inside in [
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/mcp.json",
        "https://internal.example.com/mcp.json",
        "http://127.0.0.1:8080/mcp.json",
        "http://localhost/mcp.json",
    ] {
        let mut web = Web::of_resource(&format!("Bearer resource_metadata=\"{inside}\""), &metadata(ISSUER));
        web.put(inside, 200, &[], &metadata("https://evil.example").to_string());
        web.server(ISSUER, &json!({}));
        let found = web.found(RESOURCE, Known::default()).unwrap();
        assert_eq!(found.server.issuer.as_str(), ISSUER, "{inside}");
        assert_eq!(web.unguarded_hosts(), ["mcp.example.com"], "{inside}");
    }
    // Neither is what is not encrypted, nor what is no URL at all, called at all.
    for nonsense in ["http://mcp.example.com/mcp.json", "file:///etc/passwd", "//internal.example.com/"] {
        let mut web =
            Web::of_resource(&format!("Bearer resource_metadata=\"{nonsense}\""), &metadata(ISSUER));
        web.server(ISSUER, &json!({}));
        web.found(RESOURCE, Known::default()).unwrap();
        let calls = web.calls.lock().unwrap().clone();
        assert!(calls.iter().all(|(url, _)| url.starts_with("https://")), "{calls:?}");
    }
}

#[test]
fn an_authorization_server_inside_is_not_reached_from_outside() {
    for inside in ["https://169.254.169.254", "https://10.0.0.1", "http://127.0.0.1:8080", "http://localhost"]
    {
        let mut web = Web::of_resource("Bearer", &metadata(inside));
        web.server(inside, &json!({}));
        let refused = web.found(RESOURCE, Known::default()).unwrap_err();
        let DiscoveryError::Unreachable { issuer, cause } = &refused else { panic!("{refused:?}") };
        assert_eq!(issuer, inside);
        assert!(cause.to_string().contains("not allowed"), "{refused}");
        assert_eq!(web.unguarded_hosts(), ["mcp.example.com"]);
    }
}

#[test]
fn a_server_elsewhere_names_no_endpoint_here() {
    for endpoint in ["token_endpoint", "registration_endpoint", "userinfo_endpoint", "jwks_uri"] {
        let mut web = Web::of_resource("Bearer", &metadata(ISSUER));
        web.server(ISSUER, &json!({ endpoint: "http://127.0.0.1:8790/v1/users" }));
        let refused = web.found(RESOURCE, Known::default()).unwrap_err();
        let DiscoveryError::PointsHere { endpoint: named, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(named, endpoint);
    }
}

#[test]
fn nobody_is_sent_on() {
    // The resource's metadata, and that of the server, are where they are asked for, or nowhere.
    let away = [("location", "https://169.254.169.254/")];
    let mut web = Web::of_resource("Bearer", &metadata(ISSUER));
    web.put(INSERTED, 302, &away, "");
    assert!(matches!(web.found(RESOURCE, Known::default()), Err(DiscoveryError::Silent { .. })));
    let mut web = Web::of_resource("Bearer", &metadata(ISSUER));
    web.put(&format!("{ISSUER}/.well-known/oauth-authorization-server"), 307, &away, "");
    assert!(matches!(web.found(RESOURCE, Known::default()), Err(DiscoveryError::NoMetadata { .. })));
    let calls = web.calls.lock().unwrap().clone();
    assert!(calls.iter().all(|(url, _)| !url.contains("169.254")), "{calls:?}");
}

#[test]
fn what_is_on_this_machine_may_name_others_on_it() {
    let (resource, issuer) = ("http://127.0.0.1:3000/mcp", "http://localhost:8790");
    let mut web = Web::default();
    web.put(resource, 401, &[("www-authenticate", "Bearer")], "");
    let said = json!({ "resource": resource, "authorization_servers": [issuer] }).to_string();
    web.put("http://127.0.0.1:3000/.well-known/oauth-protected-resource/mcp", 200, &[], &said);
    web.server(issuer, &json!({}));
    let found = web.found(resource, Known::default()).unwrap();
    assert_eq!(found.server.issuer.as_str(), issuer);
    assert!(!found.provider.guarded);
    // But what it names elsewhere is a stranger's idea all the same.
    let said = json!({ "resource": resource, "authorization_servers": [ISSUER] }).to_string();
    let mut web = Web { calls: Arc::default(), ..web };
    web.put("http://127.0.0.1:3000/.well-known/oauth-protected-resource/mcp", 200, &[], &said);
    web.server(ISSUER, &json!({}));
    assert!(web.found(resource, Known::default()).unwrap().provider.guarded);
    assert_eq!(web.unguarded_hosts(), ["127.0.0.1"]);
}

#[test]
fn a_host_that_publishes_nothing_is_believed_only_if_somebody_vouches_for_it() {
    let mut web = Web::default();
    web.put(RESOURCE, 401, &[("www-authenticate", "Bearer")], "");
    assert!(matches!(web.found(RESOURCE, Known::default()), Err(DiscoveryError::Silent { .. })));

    let vouched = Known { has_pkce: true, ..Known::default() };
    let found = web.found(RESOURCE, vouched).unwrap();
    let at = |url: &Option<EndpointUrl>| url.as_ref().unwrap().to_string();
    assert_eq!(found.server.issuer.as_str().trim_end_matches('/'), "https://mcp.example.com");
    assert_eq!(at(&found.server.authorization_endpoint), "https://mcp.example.com/authorize");
    assert_eq!(at(&found.server.token_endpoint), "https://mcp.example.com/token");
    assert_eq!(at(&found.server.registration_endpoint), "https://mcp.example.com/register");
    assert_eq!(found.resource.unwrap().indicator, None);

    // What wants no token is no resource, and a wrong address stays one.
    let vouched = Known { has_pkce: true, ..Known::default() };
    assert!(matches!(Web::default().found(RESOURCE, vouched), Err(DiscoveryError::NoMetadata { .. })));
}
