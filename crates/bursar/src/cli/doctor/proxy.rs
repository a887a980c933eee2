//! Which proxies are in effect, and who says so; never their passwords.

use bursar_core::oauth::url::masked;
use url::Url;

use super::finding::Finding;
use crate::config::Config;
use crate::config::environment::Environment;

/// What is in effect, and what contradicts itself. Whether the proxies are there is for [`super::proxy_connection`].
pub(super) fn check(environment: &Environment, config: &Config) -> Vec<Finding> {
    let mut findings = vec![in_effect(environment, config)];
    findings.extend(
        settings(environment, config).into_iter().filter_map(|(origin, proxy)| unusable(&origin, &proxy)),
    );
    if config.network.proxy.is_none() {
        findings.extend(PAIRS.iter().filter_map(|pair| contradiction(environment, *pair)));
        findings.extend(half_set(environment));
    }
    findings
}

/// Every proxy that calls would go through, with who says so.
pub(super) fn settings(environment: &Environment, config: &Config) -> Vec<(String, String)> {
    let named = |proxy: &Option<String>| proxy.clone().filter(|proxy| !proxy.is_empty());
    let mut settings = Vec::new();
    if config.network.proxy.is_some() {
        settings.extend(named(&config.network.proxy).map(|proxy| ("network.proxy".to_owned(), proxy)));
    } else {
        let set = |name: &&str| Some(((*name).to_owned(), environment.text(name)?.to_owned()));
        settings.extend(VARIABLES.iter().filter_map(set));
    }
    for (provider, own) in &config.providers {
        settings.extend(named(&own.proxy).map(|proxy| (format!("providers.{provider}.proxy"), proxy)));
    }
    settings
}

/// A proxy is no fault.
fn in_effect(environment: &Environment, config: &Config) -> Finding {
    let mut sayings = Vec::new();
    match config.network.proxy.as_deref() {
        Some("") => {
            return Finding::ok(NAME, "no proxy: `network.proxy` is empty, which overrides the environment");
        }
        Some(proxy) => sayings.push(format!("network.proxy = {}", shown(proxy))),
        None => sayings.extend(
            VARIABLES.iter().filter_map(|name| Some(format!("{name}={}", shown(environment.text(name)?)))),
        ),
    }
    for (provider, settings) in &config.providers {
        match settings.proxy.as_deref() {
            Some("") => sayings.push(format!("none for {provider}")),
            Some(proxy) => sayings.push(format!("{} for {provider}", shown(proxy))),
            None => {}
        }
    }
    if sayings.is_empty() {
        return Finding::ok(NAME, "no proxy is set");
    }
    let exceptions = EXCEPTIONS.iter().find_map(|name| Some((name, environment.text(name)?)));
    sayings.extend(exceptions.map(|(name, hosts)| format!("except {name}={hosts}")));
    Finding::ok(NAME, format!("proxies in effect: {}", sayings.join(", ")))
}

/// A proxy nobody could speak to.
fn unusable(origin: &str, proxy: &str) -> Option<Finding> {
    let known = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    match parsed(proxy).filter(Url::has_host) {
        Some(url) if known.contains(&url.scheme()) => None,
        Some(url) => Some(Finding::fail(
            NAME,
            format!("{origin} names a proxy of the kind `{}`, which does not exist", url.scheme()),
            format!("begin {origin} with one of {}", known.map(|kind| format!("{kind}://")).join(", ")),
        )),
        None => Some(Finding::fail(
            NAME,
            format!("{origin} cannot be read as the URL of a proxy"),
            format!("write it as http://HOST:PORT; encode special letters of a password in {origin} as %XX"),
        )),
    }
}

/// Both cases of one variable with different texts: other tools look at the other one.
fn contradiction(environment: &Environment, (upper, lower): (&str, &str)) -> Option<Finding> {
    let (first, second) = (environment.text(upper)?, environment.text(lower)?);
    (first != second).then(|| {
        Finding::warn(
            NAME,
            format!(
                "{upper} and {lower} say different things; bursar goes by {upper}, other tools by {lower}"
            ),
            format!("set both to the same, or `unset {lower}`"),
        )
    })
}

/// A proxy for plain HTTP only: every provider is reached by HTTPS, which then goes past it.
fn half_set(environment: &Environment) -> Option<Finding> {
    let set = |names: &[&'static str]| names.iter().copied().find(|name| environment.text(name).is_some());
    let plain = set(&["HTTP_PROXY", "http_proxy"])?;
    if set(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]).is_some() {
        return None;
    }
    let what = format!("{plain} is set, but HTTPS_PROXY is not: providers are called directly");
    Some(Finding::warn(
        NAME,
        what,
        format!("if only the proxy leads outside, run `export HTTPS_PROXY=\"${plain}\"`"),
    ))
}

/// A proxy without its login. What cannot be read as a URL is not shown at all, for it may be a password.
fn shown(proxy: &str) -> String {
    parsed(proxy)
        .map_or_else(|| "(unreadable)".to_owned(), |url| masked(&url).trim_end_matches('/').to_owned())
}

/// `proxy:3128` means HTTP, as in every other tool.
pub(super) fn parsed(proxy: &str) -> Option<Url> {
    let url = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    Url::parse(&url).ok()
}

const NAME: &str = "proxy";

/// In the order in which the connection looks at them.
const VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

const PAIRS: [(&str, &str); 4] = [
    ("HTTPS_PROXY", "https_proxy"),
    ("HTTP_PROXY", "http_proxy"),
    ("ALL_PROXY", "all_proxy"),
    ("NO_PROXY", "no_proxy"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::paths::Paths;

    fn told(pairs: &[(&str, &str)]) -> String {
        checked(pairs).remove(0).what
    }

    fn checked(pairs: &[(&str, &str)]) -> Vec<Finding> {
        let pairs = pairs.iter().copied().chain([("BURSAR_HOME", "/there/is/nothing")]);
        let environment = Environment::from_pairs(pairs);
        let config = Config::load(&environment, &Paths::resolve(&environment).unwrap()).unwrap();
        check(&environment, &config)
    }

    #[test]
    fn contradictions_and_halves_are_told() {
        let one = "http://one.test:1";
        let table = [
            (&[("HTTPS_PROXY", one), ("https_proxy", "http://two.test:2")][..], Some("say different things")),
            (&[("HTTPS_PROXY", one), ("https_proxy", one)], None),
            (&[("HTTPS_PROXY", one), ("NO_PROXY", "a"), ("no_proxy", "b")], Some("NO_PROXY and no_proxy")),
            (&[("http_proxy", one)], Some("HTTPS_PROXY is not")),
            (&[("http_proxy", one), ("ALL_PROXY", one)], None),
            (&[("https_proxy", "ftp://one.test")], Some("of the kind `ftp`")),
        ];
        for (pairs, words) in table {
            let findings = checked(pairs).split_off(1);
            assert_eq!(findings.len(), usize::from(words.is_some()), "{findings:?}");
            for (finding, words) in findings.iter().zip(words) {
                assert!(finding.what.contains(words) && finding.remedy.is_some(), "{finding:?}");
            }
        }
        let secret = checked(&[("HTTPS_PROXY", "http://ada:hunter2@bad host:x")]);
        assert!(secret[1].what.contains("cannot be read"), "{secret:?}");
        assert!(!format!("{secret:?}").contains("hunter2"), "{secret:?}");
        let overridden = [("BURSAR_NETWORK_PROXY", one), ("HTTPS_PROXY", "a"), ("https_proxy", "b")];
        assert_eq!(checked(&overridden).len(), 1, "what is not looked at cannot contradict");
    }

    #[test]
    fn proxies_are_shown_with_their_origin_and_without_logins() {
        let told_all = told(&[
            ("HTTPS_PROXY", "http://ada:hunter2@proxy.test:3128"),
            ("all_proxy", "proxy.test:1"),
            ("NO_PROXY", "localhost,.test"),
        ]);
        assert!(!told_all.contains("hunter2"), "{told_all}");
        assert!(told_all.contains("proxy.test:3128"), "{told_all}");
        assert!(
            told_all.ends_with("all_proxy=http://proxy.test:1, except NO_PROXY=localhost,.test"),
            "{told_all}"
        );
    }

    #[test]
    fn the_configuration_overrides_the_environment() {
        let environment = ("HTTPS_PROXY", "http://one.test:1");
        assert_eq!(
            told(&[environment, ("BURSAR_NETWORK_PROXY", "http://two.test:2")]),
            "proxies in effect: network.proxy = http://two.test:2"
        );
        assert!(told(&[environment, ("BURSAR_NETWORK_PROXY", "")]).starts_with("no proxy"));
        assert_eq!(told(&[]), "no proxy is set");
    }
}
