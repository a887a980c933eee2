//! The server behind an upstream's URL (RFC 9110 §4.3.1): where connections lead, and how requests name it.

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// Of its root.
    uri: Uri,
    host: HeaderValue,
}

impl Origin {
    /// `authority` is host and port; `None`: it cannot stand in a URI.
    pub(super) fn new(is_encrypted: bool, authority: &str) -> Option<Self> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(if is_encrypted { Scheme::HTTPS } else { Scheme::HTTP });
        parts.authority = Some(authority.parse().ok()?);
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
        Some(Self { uri: Uri::from_parts(parts).ok()?, host: HeaderValue::from_str(authority).ok()? })
    }

    /// Its name or address.
    pub(super) fn name(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }

    /// Where connections lead.
    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// What HTTP/1.1 calls it (RFC 9112 §3.2).
    pub(super) fn host(&self) -> HeaderValue {
        self.host.clone()
    }

    /// Path and query alone.
    pub(super) fn relative(uri: &Uri) -> Uri {
        uri.path_and_query().cloned().map(Uri::from).unwrap_or_default()
    }

    /// Path and query of `uri`, there.
    pub(super) fn absolute(&self, uri: &Uri) -> Uri {
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = uri.path_and_query().cloned().or(parts.path_and_query);
        // All parts are there, so this cannot fail.
        Uri::from_parts(parts).unwrap_or_else(|_| self.uri.clone())
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (scheme, authority) = (self.uri.scheme_str(), self.uri.authority());
        let authority = authority.map(http::uri::Authority::as_str);
        write!(formatter, "{}://{}", scheme.unwrap_or_default(), authority.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_named_without_its_usual_port_and_requests_keep_their_path() {
        for (is_encrypted, authority, name, text) in [
            (true, "api.test", "api.test", "https://api.test"),
            (false, "127.0.0.1:8080", "127.0.0.1", "http://127.0.0.1:8080"),
            (true, "[::1]:8443", "[::1]", "https://[::1]:8443"),
        ] {
            let origin = Origin::new(is_encrypted, authority).unwrap();
            assert_eq!((origin.name(), origin.to_string()), (name, text.to_owned()));
            assert_eq!(origin.host(), authority);
            assert_eq!(origin.is_encrypted(), is_encrypted);
            let absolute = origin.absolute(&Uri::from_static("/a/b?c=1"));
            assert_eq!(absolute.to_string(), format!("{text}/a/b?c=1"));
            assert_eq!(Origin::relative(&absolute), "/a/b?c=1");
        }
        assert_eq!(Origin::new(true, "a b"), None);
    }
}
