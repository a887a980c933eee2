//! Names of hosts, as allow-lists write them.

/// One entry of an allow-list: `host`, `host:port`, or `*.domain` for every host below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostPattern {
    host: String,
    port: Option<u16>,
}

impl HostPattern {
    /// Reads an entry; case does not matter.
    pub(super) fn new(text: &str) -> Self {
        let (host, port) = split(text);
        Self { host: host.to_ascii_lowercase(), port }
    }

    /// Whether `host` on `port` is meant; an entry without a port means every port.
    pub(super) fn fits(&self, host: &str, port: u16) -> bool {
        let host = host.to_ascii_lowercase();
        let same = match self.host.strip_prefix('*') {
            // `*.example.com` means no bare `example.com`, and no `evilexample.com`.
            Some(domain) => domain.starts_with('.') && host.len() > domain.len() && host.ends_with(domain),
            None => self.host == host,
        };
        same && self.port.is_none_or(|own| own == port)
    }
}

/// Host and port of an authority; an IPv6 address keeps its brackets.
pub(super) fn split(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (authority, None),
        },
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_mean_hosts_ports_and_everything_below_a_domain() {
        for (pattern, host, port, fits) in [
            ("api.github.com", "api.github.com", 443, true),
            ("API.github.com", "api.GitHub.com", 443, true),
            ("api.github.com", "api.github.com", 8443, true),
            ("api.github.com:443", "api.github.com", 443, true),
            ("api.github.com:443", "api.github.com", 8443, false),
            ("api.github.com", "github.com", 443, false),
            ("*.github.com", "api.github.com", 443, true),
            ("*.github.com", "a.b.github.com", 443, true),
            ("*.github.com", "github.com", 443, false),
            ("*.github.com", "evilgithub.com", 443, false),
            ("*", "anything.test", 443, false),
            ("[::1]", "[::1]", 80, true),
            ("[::1]:8080", "[::1]", 80, false),
            ("127.0.0.1:8080", "127.0.0.1", 8080, true),
        ] {
            assert_eq!(HostPattern::new(pattern).fits(host, port), fits, "{pattern} {host}:{port}");
        }
    }
}
