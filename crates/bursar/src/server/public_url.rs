//! The address under which everybody knows this server, which is also its issuer (RFC 8414 §2).
//!
//! It comes from the operator alone: what a request claims about it, in `Host` or anywhere else, is never believed.

use std::fmt;
use std::net::SocketAddr;

use bursar_core::oauth::url::is_loopback;
use url::Url;

use crate::config::meaning::ServerConfig;

/// `https`, or `http` on this machine; no user, query or fragment; no slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    /// Behind the origin; empty or starting with a slash.
    path_at: usize,
}

/// It cannot be a public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a public URL is an `https` URL, or an `http` URL of this machine, without user name, query and fragment"
)]
pub struct NotPublicUrl;

impl PublicUrl {
    /// Reads what an operator wrote.
    ///
    /// # Errors
    /// It is not of the form RFC 8414 §2 gives to issuers, with plain HTTP for this machine alone.
    pub fn parse(text: &str) -> Result<Self, NotPublicUrl> {
        let url = Url::parse(text).map_err(|_| NotPublicUrl)?;
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && !text.contains(['\\', '%', '@'])
            && !url.path().contains("//");
        if !is_safe || !is_bare {
            return Err(NotPublicUrl);
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        let path_at = url.origin().ascii_serialization().len();
        Ok(Self { text, path_at })
    }

    /// What a server is known by on its own machine.
    pub fn of_this_machine(address: SocketAddr, is_https: bool) -> Self {
        let text = format!("{}://localhost:{}", if is_https { "https" } else { "http" }, address.port());
        Self { path_at: text.len(), text }
    }

    /// What a server is known by that was told nothing else than its configuration.
    pub fn configured(server: &ServerConfig) -> Self {
        let here = || {
            let first = server.listen.first().copied();
            let address = first.unwrap_or(SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT)));
            Self::of_this_machine(address, server.tls_certificate.is_some())
        };
        server.public_url.clone().unwrap_or_else(here)
    }

    /// All of it: the issuer.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.text[..self.path_at]
    }

    /// What stands after the origin; empty for most servers.
    pub fn path(&self) -> &str {
        &self.text[self.path_at..]
    }

    /// Whether people reach the server by HTTPS, be it through a proxy.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }
}

/// Where a server listens that nobody has told otherwise.
const DEFAULT_PORT: u16 = 8790;

impl fmt::Display for PublicUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_urls_are_encrypted_or_near_and_bare() {
        for (text, expected, path) in [
            ("https://auth.example.com", "https://auth.example.com", ""),
            ("https://Auth.Example.com:443/", "https://auth.example.com", ""),
            ("https://example.com/auth/", "https://example.com/auth", "/auth"),
            ("http://localhost:8790", "http://localhost:8790", ""),
            ("http://127.0.0.1:8790/", "http://127.0.0.1:8790", ""),
            ("http://[::1]:1/a/b", "http://[::1]:1/a/b", "/a/b"),
        ] {
            let url = PublicUrl::parse(text).unwrap();
            assert_eq!((url.as_str(), url.path()), (expected, path), "{text}");
            assert_eq!(url.is_https(), text.starts_with("https"), "{text}");
        }
        for text in [
            "http://auth.example.com",
            "http://localhost.example.com",
            "ftp://localhost",
            "https://ada@example.com",
            "https://example.com/?a",
            "https://example.com/#a",
            "https://example.com//a",
            "https://example.com\\@evil.example",
            "auth.example.com",
            "",
        ] {
            assert_eq!(PublicUrl::parse(text), Err(NotPublicUrl), "{text}");
        }
        let here = PublicUrl::of_this_machine("[::1]:8790".parse().unwrap(), true);
        assert_eq!(PublicUrl::parse(here.as_str()), Ok(here));
    }
}
