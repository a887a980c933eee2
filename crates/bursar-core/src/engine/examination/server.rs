//! What the authorization server says about itself (RFC 8414, RFC 9207 §3).

use http::header::ACCESS_CONTROL_REQUEST_METHOD;
use http::header::{ACCESS_CONTROL_REQUEST_HEADERS, ORIGIN};
use serde_json::Value;

use super::Examination;
use super::checks::{
    ENDPOINTS, ISSUER_ANNOUNCED, ISSUER_NAME, PKCE_ANNOUNCED, SERVER_BROWSERS, SERVER_METADATA,
    SERVER_METADATA_PLACE, Stage,
};
use super::described::Described;
use super::resource::readable_by_pages;
use super::sending::{FOREIGN_ORIGIN, json_of, shortened};
use crate::oauth::metadata::well_known_urls;
use crate::oauth::pkce::Challenge;
use crate::oauth::url::{EndpointUrl, Issuer};
use crate::ports::upstream::{Body, Response};

impl Examination<'_> {
    pub(super) async fn examine_server(&mut self) {
        let Some(issuer) = self.named_issuer() else {
            return self.skip_rest("nobody says who issues the tokens");
        };
        let mut found: Option<(EndpointUrl, Response)> = None;
        let places = well_known_urls(&issuer);
        for place in &places {
            let Ok(answer) = self.tools.get(place.as_url()).await else { continue };
            if answer.status().is_success() && json_of(&answer).is_object() {
                found = Some((place.clone(), answer));
                break;
            }
        }
        let Some((place, answer)) = found else {
            self.broken(&SERVER_METADATA, format!("no document of {issuer} at any of its well-known places"));
            return self.skip_rest("there is no metadata of the authorization server");
        };
        self.holds(&SERVER_METADATA, format!("found at {place}"));
        let is_first = places.first() == Some(&place);
        let what = match (is_first, places.first()) {
            (false, Some(first)) => format!("nothing at {first}; it is at {place} alone"),
            _ => format!("found at {place}"),
        };
        self.judge(&SERVER_METADATA_PLACE, is_first, what);
        let server = Described { issuer: issuer.to_string(), document: json_of(&answer) };
        self.read_server_metadata(&server);
        self.examine_browsers(&server, &answer).await;
        self.server = Some(server);
    }

    /// The issuer of the resource; the URL itself if that is one; its host, as MCP had it in 2025-03-26.
    fn named_issuer(&self) -> Option<Issuer> {
        if let Some(resource) = &self.resource {
            return resource.issuers.iter().find_map(|issuer| Issuer::parse(issuer).ok());
        }
        if self.reasons.contains_key(&Stage::Resource) && self.outcomes.is_empty() {
            return Issuer::parse(&self.written).ok();
        }
        Issuer::parse(&self.url.as_url().origin().ascii_serialization()).ok()
    }

    fn skip_rest(&mut self, reason: &str) {
        for stage in [Stage::Server, Stage::Client, Stage::Authorization, Stage::Token, Stage::SignIn] {
            self.skip(stage, reason);
        }
    }

    fn read_server_metadata(&mut self, server: &Described) {
        let name = server.document["issuer"].as_str().unwrap_or_default();
        let what = format!("`issuer` is `{}`, asked was `{}`", shortened(name), server.issuer);
        self.judge(&ISSUER_NAME, name == server.issuer, what);
        let bad: Vec<&str> = ["authorization_endpoint", "token_endpoint"]
            .into_iter()
            .filter(|name| server.endpoint(name).is_none())
            .collect();
        let what = match bad.as_slice() {
            [] => "authorization and token endpoint are named and encrypted".to_owned(),
            bad => format!("missing, or neither https nor on this machine: {}", bad.join(", ")),
        };
        self.judge(&ENDPOINTS, bad.is_empty(), what);
        let methods = &server.document["code_challenge_methods_supported"];
        let has_pkce = server.lists("code_challenge_methods_supported", Challenge::METHOD);
        let what = match methods {
            Value::Null => "`code_challenge_methods_supported` is missing".to_owned(),
            methods => format!("`code_challenge_methods_supported` is {}", shortened(&methods.to_string())),
        };
        self.judge(&PKCE_ANNOUNCED, has_pkce, what);
        let says = server.says(ISSUER_PARAMETER);
        let what = format!("`{ISSUER_PARAMETER}` is {}", if says { "true" } else { "not true" });
        self.judge(&ISSUER_ANNOUNCED, says, what);
    }

    /// The metadata must be readable, and the endpoints callable, by a page of another origin.
    async fn examine_browsers(&mut self, server: &Described, metadata: &Response) {
        let mut closed = Vec::new();
        if !readable_by_pages(metadata).0 {
            closed.push("metadata");
        }
        for name in ["token_endpoint", "registration_endpoint"] {
            let Some(endpoint) = server.endpoint(name) else { continue };
            let request = http::Request::options(endpoint.as_str())
                .header(ORIGIN, FOREIGN_ORIGIN)
                .header(ACCESS_CONTROL_REQUEST_METHOD, "POST")
                .header(ACCESS_CONTROL_REQUEST_HEADERS, "content-type")
                .body(Body::default());
            let answer = self.tools.send(endpoint.as_url(), request).await;
            let is_open =
                answer.is_ok_and(|answer| answer.status().is_success() && readable_by_pages(&answer).0);
            if !is_open {
                closed.push(name);
            }
        }
        let what = match closed.as_slice() {
            [] => "pages of other origins may call it".to_owned(),
            closed => format!("closed to pages of other origins: {}", closed.join(", ")),
        };
        self.judge(&SERVER_BROWSERS, closed.is_empty(), what);
    }
}

pub(super) const ISSUER_PARAMETER: &str = "authorization_response_iss_parameter_supported";
