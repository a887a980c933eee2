//! Which proxy a call goes through.
//!
//! The call's own wish comes first, then the configuration, then the variables every tool understands (`HTTPS_PROXY`,
//! `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in both cases).

use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

use crate::config::environment::Environment;

/// What configuration and environment say about proxies.
pub(crate) struct ProxyRules {
    configured: Option<String>,
    http: Option<String>,
    https: Option<String>,
    exceptions: String,
}

impl ProxyRules {
    pub(crate) fn new(environment: &Environment, configured: Option<String>) -> Self {
        let either = |upper: &str, lower: &str| environment.text(upper).or_else(|| environment.text(lower));
        let all = either("ALL_PROXY", "all_proxy");
        Self {
            configured,
            http: either("HTTP_PROXY", "http_proxy").or(all).map(with_scheme),
            https: either("HTTPS_PROXY", "https_proxy").or(all).map(with_scheme),
            exceptions: either("NO_PROXY", "no_proxy").unwrap_or_default().to_owned(),
        }
    }

    /// The proxy's URL, if there is one. `wish` is the call's own and knows no exceptions.
    pub(crate) fn choose(&self, url: &Url, wish: Option<&str>) -> Option<String> {
        if let Some(wish) = wish {
            return Some(wish).filter(|wish| !wish.is_empty()).map(with_scheme);
        }
        // A proxy elsewhere cannot reach this machine's loopback, whatever the environment says.
        if is_loopback(url) {
            return None;
        }
        let proxy = match (&self.configured, url.scheme()) {
            (Some(configured), _) if configured.is_empty() => return None,
            (Some(configured), _) => with_scheme(configured),
            (None, "https") => self.https.clone()?,
            (None, _) => self.http.clone()?,
        };
        let uri = url.as_str().parse().ok()?;
        let rules = Matcher::builder().all("http://any.invalid").no(self.exceptions.as_str()).build();
        rules.intercept(&uri).map(|_| proxy)
    }
}

impl std::fmt::Debug for ProxyRules {
    /// Proxies may carry passwords.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ProxyRules").field("exceptions", &self.exceptions).finish_non_exhaustive()
    }
}

/// `proxy:3128` means HTTP, as in every other tool.
fn with_scheme(proxy: &str) -> String {
    if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") }
}

/// Whether the proxy's URL makes sense and is of a kind we can speak to.
pub(super) fn is_known(proxy: &str) -> bool {
    Url::parse(proxy).is_ok_and(|proxy| {
        proxy.has_host()
            && matches!(proxy.scheme(), "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h")
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wish_then_configuration_then_environment() {
        let pairs = [
            ("https_proxy", "secure:1"),
            ("HTTP_PROXY", "http://plain:2"),
            ("ALL_PROXY", "socks5h://all:3"),
            ("NO_PROXY", "direct.test,10.0.0.0/8"),
        ];
        let environment = ProxyRules::new(&Environment::from_pairs(pairs), None);
        let only_all = ProxyRules::new(&Environment::from_pairs([pairs[2]]), None);
        let configured = ProxyRules::new(&Environment::from_pairs(pairs), Some("http://own:4".to_owned()));
        let switched_off = ProxyRules::new(&Environment::from_pairs(pairs), Some(String::new()));
        let table = [
            (&environment, "https://a.test/", None, Some("http://secure:1")),
            (&environment, "http://a.test/", None, Some("http://plain:2")),
            (&environment, "https://direct.test/", None, None),
            (&environment, "https://sub.direct.test/", None, None),
            (&environment, "https://10.1.2.3/", None, None),
            (&environment, "https://localhost/", None, None),
            (&environment, "http://127.0.0.1:8080/", None, None),
            (&environment, "http://[::1]/", None, None),
            (&environment, "https://a.test/", Some(""), None),
            (&environment, "https://direct.test/", Some("wish:5"), Some("http://wish:5")),
            (&environment, "http://127.0.0.1/", Some("http://wish:5"), Some("http://wish:5")),
            (&only_all, "https://a.test/", None, Some("socks5h://all:3")),
            (&configured, "https://a.test/", None, Some("http://own:4")),
            (&configured, "https://direct.test/", None, None),
            (&switched_off, "https://a.test/", None, None),
        ];
        for (rules, url, wish, expected) in table {
            assert_eq!(rules.choose(&Url::parse(url).unwrap(), wish).as_deref(), expected, "{url} {wish:?}");
        }
    }

    #[test]
    fn debug_output_never_shows_a_proxys_password() {
        let environment = Environment::from_pairs([("ALL_PROXY", "http://ada:hunter2@proxy:1")]);
        assert!(!format!("{:?}", ProxyRules::new(&environment, None)).contains("hunter2"));
    }
}
