//! A received request, read completely, with its parameters.

use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use serde_json::Value;
use url::form_urlencoded;

/// Requests of clients are small; more than this is a mistake of the test.
const BODY_LIMIT: usize = 1024 * 1024;

/// A request whose body has arrived.
#[derive(Debug)]
pub(crate) struct Request {
    head: Parts,
    body: Bytes,
}

impl Request {
    /// Reads the body; `None` when the sender broke off.
    pub(crate) async fn read(request: hyper::Request<Incoming>) -> Option<Self> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, BODY_LIMIT).collect().await.ok()?.to_bytes();
        Some(Self { head, body })
    }

    pub(crate) fn method(&self) -> &str {
        self.head.method.as_str()
    }

    pub(crate) fn path(&self) -> &str {
        self.head.uri.path()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// The credentials after `scheme` in the `Authorization` header; schemes are case-insensitive (RFC 9110 §11.1).
    pub(crate) fn authorization(&self, scheme: &str) -> Option<&str> {
        let (found, credentials) = self.header("authorization")?.split_once(' ')?;
        found.eq_ignore_ascii_case(scheme).then(|| credentials.trim())
    }

    pub(crate) fn query(&self) -> Parameters {
        Parameters::parse(self.head.uri.query().unwrap_or_default().as_bytes())
    }

    pub(crate) fn is_json(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("application/json"))
    }

    pub(crate) fn is_form(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
    }

    /// The body as JSON, whatever it says it is.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The parameters of the body, by its content type.
    pub(crate) fn form(&self) -> Parameters {
        if self.is_form() {
            return Parameters::parse(&self.body);
        }
        if self.is_json()
            && let Some(Value::Object(members)) = self.json()
        {
            let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            return Parameters {
                pairs: members.into_iter().map(|(name, value)| (name, text(value))).collect(),
            };
        }
        Parameters::default()
    }
}

/// Named values in the order they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self { pairs: form_urlencoded::parse(text).into_owned().collect() }
    }

    /// The first value of this name; an empty one counts as missing (RFC 6749 §3.1).
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let value = self.pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }

    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// A parameter that came twice, which RFC 6749 §3.1 forbids; `resource` may be repeated (RFC 8707 §2).
    pub(crate) fn repeated(&self) -> Option<&str> {
        let names: Vec<&str> = self.pairs.iter().map(|(name, _)| name.as_str()).collect();
        (0..names.len())
            .find(|&index| names[index] != "resource" && names[..index].contains(&names[index]))
            .map(|index| names[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_parameters_are_found_except_resource() {
        assert_eq!(Parameters::parse(b"a=1&b=2&a=3").repeated(), Some("a"));
        assert_eq!(Parameters::parse(b"resource=1&resource=2").repeated(), None);
    }

    #[test]
    fn an_empty_value_is_a_missing_one() {
        let parameters = Parameters::parse(b"scope=&state=x+y%26z");
        assert_eq!(parameters.value("scope"), None);
        assert_eq!(parameters.value("state"), Some("x y&z"));
    }
}
