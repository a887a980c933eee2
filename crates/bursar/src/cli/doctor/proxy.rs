//! Which proxies are in effect, and who says so; never their passwords.

use bursar_core::oauth::url::masked;
use url::Url;

use super::finding::Finding;
use crate::config::Config;
use crate::config::environment::Environment;

/// Tells; a proxy is no fault. Whether it works shows when the endpoints are reached.
pub(super) fn check(environment: &Environment, config: &Config) -> Finding {
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

/// A proxy without its login. What cannot be read as a URL is not shown at all, for it may be a password.
fn shown(proxy: &str) -> String {
    let url = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    Url::parse(&url)
        .map_or_else(|_| "(unreadable)".to_owned(), |url| masked(&url).trim_end_matches('/').to_owned())
}

const NAME: &str = "proxy";

/// In the order in which the connection looks at them.
const VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::paths::Paths;

    fn told(pairs: &[(&str, &str)]) -> String {
        let pairs = pairs.iter().copied().chain([("BURSAR_HOME", "/there/is/nothing")]);
        let environment = Environment::from_pairs(pairs);
        let config = Config::load(&environment, &Paths::resolve(&environment).unwrap()).unwrap();
        check(&environment, &config).what
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
