//! How the examination calls: bounded in time and size, guarded where a stranger named the address.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, LOCATION, ORIGIN};
use serde_json::Value;
use url::Url;

use crate::oauth::url::{EndpointUrl, is_loopback};
use crate::ports::clock::Clock;
use crate::ports::random::Random;
use crate::ports::upstream::{Body, Request, Response, SendLimits, Upstream, UrlOrigin};

/// What the examination works with.
#[derive(Clone, Debug)]
pub struct Tools<'a> {
    /// Outgoing HTTP.
    pub upstream: &'a dyn Upstream,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Randomness.
    pub random: &'a dyn Random,
    /// What the person named; set by the examination.
    pub url: Option<EndpointUrl>,
}

impl Tools<'_> {
    /// Sends a request; `Err` says in words why there is no answer.
    pub(super) async fn send(
        &self,
        url: &Url,
        request: Result<Request, http::Error>,
    ) -> Result<Response, String> {
        let request = request.map_err(|error| error.to_string())?;
        let limits = SendLimits { time: LONGEST_CALL, origin: self.origin(url), ..SendLimits::default() };
        self.upstream.send(request, limits).await.map_err(|error| error.to_string())
    }

    /// A look, as a page of another origin would take it.
    pub(super) async fn get(&self, url: &Url) -> Result<Response, String> {
        let request = http::Request::get(url.as_str())
            .header(ACCEPT, "application/json")
            .header(ORIGIN, FOREIGN_ORIGIN)
            .body(Body::default());
        self.send(url, request).await
    }

    /// A page, as a browser asks for it.
    pub(super) async fn open(&self, url: &Url) -> Result<Response, String> {
        self.send(url, http::Request::get(url.as_str()).header(ACCEPT, "text/html").body(Body::default()))
            .await
    }

    /// A form, as a program sends it: with an `Origin`, some servers refuse clients that registered none.
    pub(super) async fn post(&self, url: &Url, pairs: &[(&str, &str)]) -> Result<Response, String> {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = http::Request::post(url.as_str())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::new(form));
        self.send(url, request).await
    }

    /// Everything a resource names is a stranger's idea, unless it is on the host the person named.
    fn origin(&self, called: &Url) -> UrlOrigin {
        let Some(named) = self.url.as_ref().map(EndpointUrl::as_url) else { return UrlOrigin::Stranger };
        let is_near = is_loopback(named) && is_loopback(called);
        if is_near || named.host() == called.host() { UrlOrigin::Configured } else { UrlOrigin::Stranger }
    }
}

/// What an authorization endpoint does with a request.
#[derive(Debug)]
pub(super) enum Shown {
    /// It sends the browser back with these parameters.
    Back(Vec<(String, String)>),
    /// It goes on: a page, or a redirect to a page of its own.
    On,
    /// It says no by itself.
    Refused(u16),
}

impl Shown {
    pub(super) fn of(response: &Response, redirect_uri: &str) -> Self {
        let status = response.status().as_u16();
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let Some(location) = location.filter(|_| (300..400).contains(&status)) else {
            return if status < 400 { Self::On } else { Self::Refused(status) };
        };
        let (place, answer) = location.split_once(['?', '#']).unwrap_or((location, ""));
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(answer.as_bytes()).into_owned().collect();
        let target = redirect_uri.split(['?', '#']).next().unwrap_or_default();
        match place == target {
            true => Self::Back(pairs),
            // A page of its own that tells of an error.
            false if pairs.iter().any(|(name, _)| name == "error") => Self::Refused(status),
            false => Self::On,
        }
    }

    /// The error it says no with; empty for a page.
    pub(super) fn refusal(&self) -> Option<&str> {
        match self {
            Self::Back(pairs) => value(pairs, "error"),
            Self::On => None,
            Self::Refused(_) => Some(""),
        }
    }

    /// For people.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Back(pairs) => match value(pairs, "error") {
                Some(error) => format!("it sends the browser back with `{}`", shortened(error)),
                None => "it sends the browser back without an error".to_owned(),
            },
            Self::On => "it goes on to sign-in".to_owned(),
            Self::Refused(status) => format!("it refuses with HTTP {status}"),
        }
    }
}

/// The value of the parameter called `name`.
pub(super) fn value<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The JSON of an answer; null if it is none.
pub(super) fn json_of(response: &Response) -> Value {
    serde_json::from_slice(response.body().expose()).unwrap_or(Value::Null)
}

/// Status and error code of an answer, for people.
pub(super) fn told(response: &Response) -> String {
    match json_of(response)["error"].as_str() {
        Some(error) => format!("HTTP {} `{}`", response.status().as_u16(), shortened(error)),
        None => format!("HTTP {} without an error code", response.status().as_u16()),
    }
}

/// A stranger's words: one line of a terminal, and nothing that moves its cursor.
pub(super) fn shortened(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(SHOWN).collect()
}

/// Slow servers answer within ten seconds.
const LONGEST_CALL: Duration = Duration::from_secs(20);
/// An origin that is nobody's, as every page is to a server that does not know it.
pub(super) const FOREIGN_ORIGIN: &str = "https://inspector.invalid";
/// Enough to recognise a URL by.
const SHOWN: usize = 160;
