//! The MCP server itself: how it says no, and what it says about itself (RFC 6750 §3, RFC 9728).

use http::StatusCode;
use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CONTENT_TYPE, ORIGIN, WWW_AUTHENTICATE,
};
use serde_json::Value;
use url::Url;

use super::checks::{
    CHALLENGE, CHALLENGE_METADATA, RESOURCE_BROWSERS, RESOURCE_ISSUERS, RESOURCE_METADATA,
    RESOURCE_METADATA_PLACE, RESOURCE_NAME, Stage,
};
use super::sending::{FOREIGN_ORIGIN, json_of, shortened};
use super::{Examination, ResourceFound};
use crate::oauth::challenge::ResourceHint;
use crate::oauth::metadata;
use crate::oauth::protected_resource::{ResourceMetadata, ResourceMetadataError, well_known_urls};
use crate::oauth::scope::Scope;
use crate::oauth::url::{EndpointUrl, Issuer};
use crate::ports::upstream::{Body, Response};

impl Examination<'_> {
    pub(super) async fn examine_resource(&mut self) {
        let greeted = match self.greet(&self.url.as_url().clone(), None).await {
            Ok(answer) => answer,
            Err(why) => return self.broken(&CHALLENGE, format!("it cannot be asked: {why}")),
        };
        let is_guarded = greeted.status() == StatusCode::UNAUTHORIZED;
        if !is_guarded && self.is_issuer().await {
            self.skip(Stage::Resource, "the URL is an authorization server's; name an MCP server to try it");
            return;
        }
        let hint = ResourceHint::of(&greeted);
        let words = format!("without a token it answers HTTP {}", greeted.status().as_u16());
        match (is_guarded, &hint) {
            (true, Some(_)) => self.holds(&CHALLENGE, words + " and a challenge"),
            (true, None) if greeted.headers().contains_key(WWW_AUTHENTICATE) => {
                self.broken(&CHALLENGE, words + ", but its challenge is not `Bearer`");
            }
            (true, None) => self.broken(&CHALLENGE, words + " without `WWW-Authenticate`"),
            (false, _) => self.broken(&CHALLENGE, words),
        }
        let hint = hint.unwrap_or_default();
        if is_guarded {
            let named = hint.resource_metadata.as_deref();
            let what = named.map_or("the challenge does not say where the metadata is".to_owned(), shortened);
            self.judge(&CHALLENGE_METADATA, named.is_some(), what);
        }
        self.examine_resource_metadata(&hint).await;
    }

    /// What MCP clients begin with, with or without a token.
    pub(super) async fn greet(&self, url: &Url, token: Option<&str>) -> Result<Response, String> {
        let mut request = http::Request::post(url.as_str())
            .header(ACCEPT, "application/json, text/event-stream")
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        self.tools.send(url, request.body(Body::new(GREETING))).await
    }

    async fn is_issuer(&self) -> bool {
        let Ok(issuer) = Issuer::parse(&self.written) else { return false };
        for url in metadata::well_known_urls(&issuer) {
            let found = self.tools.get(url.as_url()).await;
            if found.is_ok_and(|found| found.status().is_success() && json_of(&found)["issuer"].is_string()) {
                return true;
            }
        }
        false
    }

    async fn examine_resource_metadata(&mut self, hint: &ResourceHint) {
        let named = hint.resource_metadata.as_deref().and_then(|named| EndpointUrl::parse(named).ok());
        let usual = well_known_urls(&self.url);
        let mut found: Option<(EndpointUrl, Response)> = None;
        let mut is_at_usual_place = false;
        for place in named.into_iter().chain(usual.iter().cloned()) {
            let Ok(answer) = self.tools.get(place.as_url()).await else { continue };
            let is_document = answer.status().is_success() && json_of(&answer).is_object();
            is_at_usual_place |= is_document && usual.contains(&place);
            if is_document && found.is_none() {
                found = Some((place, answer));
            }
        }
        let Some((place, answer)) = found else {
            let tried = usual.iter().map(EndpointUrl::as_str).collect::<Vec<_>>().join(", ");
            self.broken(&RESOURCE_METADATA, format!("no document at {}", shortened(&tried)));
            let reason = "there is no resource metadata";
            self.skip(Stage::Resource, reason);
            return;
        };
        self.holds(&RESOURCE_METADATA, format!("found at {place}"));
        let what = if is_at_usual_place {
            "found at the well-known place".to_owned()
        } else {
            format!("nothing at {}", usual.first().map(ToString::to_string).unwrap_or_default())
        };
        self.judge(&RESOURCE_METADATA_PLACE, is_at_usual_place, what);
        self.read_resource_metadata(&json_of(&answer), answer.body().expose(), hint);
        let (readable, what) = readable_by_pages(&answer);
        self.judge(&RESOURCE_BROWSERS, readable, what);
    }

    fn read_resource_metadata(&mut self, document: &Value, text: &[u8], hint: &ResourceHint) {
        let name = document["resource"].as_str();
        let shown =
            name.map_or("no `resource`".to_owned(), |name| format!("`resource` is {}", shortened(name)));
        let is_ours = !matches!(
            ResourceMetadata::read(text, &self.url),
            Err(ResourceMetadataError::OtherResource { .. } | ResourceMetadataError::NotMetadata)
        );
        self.judge(&RESOURCE_NAME, is_ours, shown);
        let issuers: Vec<String> = document["authorization_servers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|issuer| issuer.as_str().map(str::to_owned))
            .collect();
        let are_issuers = !issuers.is_empty() && issuers.iter().all(|issuer| Issuer::parse(issuer).is_ok());
        let what = match are_issuers {
            true => shortened(&issuers.join(", ")),
            false if issuers.is_empty() => "`authorization_servers` is missing or empty".to_owned(),
            false => format!("no issuer that a token may be asked from: {}", shortened(&issuers.join(", "))),
        };
        self.judge(&RESOURCE_ISSUERS, are_issuers, what);
        let words = |list: &Value| {
            let words = list.as_array().into_iter().flatten().filter_map(Value::as_str);
            Scope::from_answer(&words.collect::<Vec<_>>().join(" "))
        };
        let scope = hint.scope.clone().unwrap_or_else(|| words(&document["scopes_supported"]));
        // Tokens for what somebody else's document names are nothing to ask for; the URL itself is what clients mean.
        let indicator = name.filter(|_| is_ours).unwrap_or(&self.written).to_owned();
        self.resource = Some(ResourceFound { indicator: Some(indicator), issuers, scope });
    }
}

/// Whether a page of any origin may read the answer, and in words.
pub(super) fn readable_by_pages(answer: &Response) -> (bool, String) {
    let allowed = answer.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN).and_then(|value| value.to_str().ok());
    match allowed {
        Some(allowed @ ("*" | FOREIGN_ORIGIN)) => (true, format!("`Access-Control-Allow-Origin: {allowed}`")),
        Some(other) => (false, format!("`Access-Control-Allow-Origin: {}`", shortened(other))),
        None => (false, format!("no `Access-Control-Allow-Origin` for `{ORIGIN}: {FOREIGN_ORIGIN}`")),
    }
}

const GREETING: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bursar-doctor","version":"0"}}}"#;
