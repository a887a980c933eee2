//! Where a token may be sent: hosts are compared whole, with their ports, and only encrypted or loopback ones count.
//!
//! A helper is asked by programs that visit any host a repository or an image names. Nothing here is lenient.

use bursar_core::oauth::url::is_loopback;
use bursar_core::provider::Provider;
use url::Url;

/// The place a program is about to send a token to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// In lower case, IPv6 in brackets.
    host: String,
    port: u16,
    /// Whether the port is the scheme's own.
    usual_port: bool,
}

impl Place {
    /// The place of `protocol` and `host`, which may carry a port. `None`: no token may go there, or it is no place.
    ///
    /// Only `https` counts, and `http` to this machine.
    pub fn new(protocol: &str, host: &str) -> Option<Self> {
        let is_odd = |letter: char| {
            letter.is_whitespace()
                || letter.is_control()
                || matches!(letter, '/' | '\\' | '@' | '?' | '#' | '%')
        };
        if host.is_empty() || host.contains(is_odd) || !matches!(protocol, "https" | "http") {
            return None;
        }
        let url = Url::parse(&format!("{protocol}://{host}/")).ok()?;
        Self::of_url(&url).filter(|_| protocol == "https" || is_loopback(&url))
    }

    /// The place in a URL, or in a host without a scheme, which is meant as `https`.
    pub fn of_server(server: &str) -> Option<Self> {
        let (protocol, rest) = server.split_once("://").unwrap_or(("https", server));
        Self::new(protocol, rest.split('/').next().unwrap_or_default())
    }

    fn of_url(url: &Url) -> Option<Self> {
        let host = url.host_str()?.to_ascii_lowercase();
        Some(Self { host, port: url.port_or_known_default()?, usual_port: url.port().is_none() })
    }

    /// The host without its port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether one of the rules names this place: `host` at the usual port, `host:port`, or `*.host` for all below.
    pub fn is_one_of<'a>(&self, rules: impl IntoIterator<Item = &'a str>) -> bool {
        rules.into_iter().any(|rule| self.fits(rule))
    }

    fn fits(&self, rule: &str) -> bool {
        let (below, name) = match rule.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, rule),
        };
        let Some(named) = Self::new("https", name) else { return false };
        let same_port = if named.usual_port { self.usual_port } else { self.port == named.port };
        let same_host = if below {
            self.host.strip_suffix(&named.host).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        } else {
            self.host == named.host
        };
        same_port && same_host
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.host)?;
        if self.usual_port { Ok(()) } else { write!(formatter, ":{}", self.port) }
    }
}

/// The hosts a provider's tokens may be sent to, as rules for [`Place::is_one_of`]; its variables must be filled in.
///
/// An entry that names no API at all, as those made from an issuer's metadata, stands for the issuer's own host: it sees
/// the tokens anyway, and many issuers, Forgejo and Gitea among them, are the thing they guard.
pub fn hosts_of(provider: &Provider) -> Vec<String> {
    if !provider.api.hosts.is_empty() {
        return provider.api.hosts.clone();
    }
    let bases: Vec<String> = provider.api.base_urls.iter().filter_map(authority).collect();
    if !bases.is_empty() {
        return bases;
    }
    let own = [&provider.endpoints.issuer, &provider.endpoints.userinfo];
    own.into_iter().flatten().filter_map(authority).take(1).collect()
}

fn authority(endpoint: &bursar_core::provider::Endpoint) -> Option<String> {
    Place::of_url(endpoint.url().ok()?.as_url()).map(|place| place.to_string())
}

#[cfg(test)]
mod tests {
    use bursar_core::provider::{Endpoint, ProviderId};

    use super::*;

    #[test]
    fn tokens_go_to_encrypted_places_and_to_this_machine() {
        for (protocol, host) in [
            ("https", "github.com"),
            ("https", "GitHub.com:8443"),
            ("http", "localhost:3000"),
            ("http", "127.0.0.1:1"),
            ("http", "[::1]:5000"),
        ] {
            assert!(Place::new(protocol, host).is_some(), "{protocol} {host}");
        }
        for (protocol, host) in [
            ("http", "github.com"),
            ("ssh", "github.com"),
            ("HTTPS", "github.com"),
            ("https", ""),
            ("https", "github.com/evil"),
            ("https", "github.com@evil.example"),
            ("https", "evil.example?github.com"),
            ("https", "evil.example#github.com"),
            ("https", "evil.example\\github.com"),
            ("https", "github.com\n"),
            ("https", "git%68ub.com"),
            ("https", "github.com:99999"),
            ("http", "127.0.0.1.evil.example"),
        ] {
            assert_eq!(Place::new(protocol, host), None, "{protocol} {host}");
        }
    }

    #[test]
    fn rules_name_a_host_a_port_or_everything_below() {
        for (rule, host, fits) in [
            ("github.com", "github.com", true),
            ("github.com", "GITHUB.COM", true),
            ("github.com", "github.com:443", true),
            ("github.com", "github.com:8443", false),
            ("github.com:8443", "github.com:8443", true),
            ("github.com:8443", "github.com", false),
            ("github.com", "evilgithub.com", false),
            ("github.com", "github.com.evil.example", false),
            ("github.com", "api.github.com", false),
            ("*.googleapis.com", "storage.googleapis.com", true),
            ("*.googleapis.com", "a.b.googleapis.com", true),
            ("*.googleapis.com", "googleapis.com", false),
            ("*.googleapis.com", "evilgoogleapis.com", false),
            ("*.googleapis.com", ".googleapis.com", false),
            ("{host}", "host", false),
        ] {
            let place = Place::new("https", host);
            assert_eq!(place.is_some_and(|place| place.is_one_of([rule])), fits, "{rule} {host}");
        }
        let here = Place::new("http", "127.0.0.1:3000").unwrap();
        assert!(here.is_one_of(["127.0.0.1:3000"]));
        assert!(!here.is_one_of(["127.0.0.1"]), "another port of this machine is somebody else");
    }

    #[test]
    fn servers_may_come_as_urls_or_bare() {
        let place = |text| Place::of_server(text).map(|place| place.to_string());
        assert_eq!(place("ghcr.io").as_deref(), Some("ghcr.io"));
        assert_eq!(place("https://index.docker.io/v1/").as_deref(), Some("index.docker.io"));
        assert_eq!(place("localhost:5000").as_deref(), Some("localhost:5000"));
        assert_eq!(place("http://ghcr.io"), None);
        assert_eq!(place(""), None);
    }

    #[test]
    fn an_entry_without_an_api_stands_for_its_issuer() {
        let mut provider = Provider::new(ProviderId::parse("example").unwrap());
        assert_eq!(hosts_of(&provider), Vec::<String>::new());
        provider.endpoints.issuer = Some(Endpoint::parse("http://127.0.0.1:3000/realm").unwrap());
        assert_eq!(hosts_of(&provider), ["127.0.0.1:3000"]);
        provider.api.base_urls = vec![Endpoint::parse("https://api.example.com/v1").unwrap()];
        assert_eq!(hosts_of(&provider), ["api.example.com"]);
        provider.api.hosts = vec!["*.example.com".to_owned()];
        assert_eq!(hosts_of(&provider), ["*.example.com"]);
    }
}
