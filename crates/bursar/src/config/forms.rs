//! Readers of single values: proxies, sizes, times of day, addresses, hosts. Pure; each answers `None` for what is not of
//! its form, and the key's form has the words.

use std::net::{IpAddr, SocketAddr};

use bursar_core::lifecycle::reference::Nickname;
use bursar_core::oauth::url::is_loopback;
use bursar_core::provider::ProviderId;
use bursar_store::redis::RedisOptions;
use ipnet::IpNet;
use jiff::civil::Time;
use url::{Host, Url};

/// The empty text (no proxy at all), or a URL; `host:port` means HTTP.
pub(super) fn proxy(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    let url = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    Url::parse(&url).is_ok_and(|url| url.has_host() && schemes.contains(&url.scheme())).then_some(url)
}

/// A proxy without its login.
pub(super) fn masked(proxy: &str) -> String {
    let Ok(mut url) = Url::parse(proxy) else {
        return proxy.to_owned();
    };
    if url.password().is_some() || !url.username().is_empty() {
        // Neither fails for a URL with a host, which a proxy has.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        return format!("{url} (with a login)");
    }
    proxy.to_owned()
}

/// A number of bytes, with a unit or without; never nothing at all.
pub(super) fn size(text: &str) -> Option<u64> {
    let unit_at = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = (text[..unit_at].parse::<u64>().ok()?, text[unit_at..].trim_start());
    let factor = match unit {
        "" => 1,
        unit => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1,
    };
    number.checked_mul(factor).filter(|size| *size > 0)
}

/// A size as [`size`] reads it, in the largest unit that leaves no rest.
pub(super) fn write_size(size: u64) -> String {
    let binary = UNITS.iter().filter(|(name, _)| name.ends_with("iB"));
    let unit = binary.rev().find(|(_, factor)| size.is_multiple_of(*factor));
    unit.map_or_else(|| size.to_string(), |(name, factor)| format!("{}{name}", size / factor))
}

/// Hours and minutes of a day.
pub(super) fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if hour.len() > 2 || minute.len() != 2 || !digits(hour) || !digits(minute) {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

/// An address only this machine can reach: what listens there hands out what tokens buy.
pub(super) fn loopback(text: &str) -> Option<SocketAddr> {
    text.parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback())
}

/// An address, or a network by its first address and the length of what its addresses share.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let alone = || text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
    text.parse::<IpNet>().ok().map(|network| network.trunc()).or_else(alone)
}

/// A host name or address in lower case, with its port if it was written.
pub(super) fn host(text: &str) -> Option<String> {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    let port = port.map(str::parse::<u16>).transpose().ok()?;
    // The parser of URLs takes more for a name than DNS and its users do.
    let name = Host::parse(name).ok().filter(|_| !name.contains(['%', '*']))?.to_string();
    Some(port.map_or_else(|| name.clone(), |port| format!("{name}:{port}")))
}

/// `scheme://host[:port]` as browsers send it; web pages, and the pages of browser extensions and editors.
pub(super) fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(Url::has_host)?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none();
    let origin = match url.scheme() {
        "http" | "https" => url.origin().ascii_serialization(),
        scheme if scheme.ends_with("extension") || scheme.starts_with("vscode") => {
            text.trim_end_matches('/').to_owned()
        }
        _ => return None,
    };
    bare.then_some(origin)
}

/// Where tokens may be sent: encrypted, or not beyond this machine.
pub(super) fn upstream(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(Url::has_host)?;
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && !text.contains('\\');
    (safe && bare).then(|| text.to_owned())
}

/// A name that signs in, a mail address, or a domain as `@example.com`.
pub(super) fn user(text: &str) -> Option<String> {
    let is_user = match text.strip_prefix('@') {
        Some(domain) => !domain.is_empty() && !domain.contains('@'),
        None => !text.trim().is_empty(),
    };
    is_user.then(|| text.to_owned())
}

/// What stands in one line of a page or a token.
pub(super) fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= LONGEST_LINE && !text.contains(char::is_control)
}

/// What names of keys in Redis may begin with.
pub(super) fn prefix(text: &str) -> Option<String> {
    RedisOptions::allows_prefix(text).then(|| text.to_owned())
}

/// `PROVIDER:NICKNAME`.
pub(super) fn account(text: &str) -> Option<String> {
    let (provider, nickname) = text.split_once(':')?;
    (ProviderId::parse(provider).is_ok() && Nickname::parse(nickname).is_ok()).then(|| text.to_owned())
}

/// `NAME` or `NAME=VALUE`, neither of them empty.
pub(super) fn condition(text: &str) -> Option<String> {
    let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
    let nameable =
        !name.is_empty() && !name.contains(|character: char| character.is_whitespace() || character == '\0');
    (nameable && value != Some("")).then(|| text.to_owned())
}

/// Names in pages are far shorter; addresses that name an application may be as long.
const LONGEST_LINE: usize = 200;
/// Those of the decimal and of the binary kind, each in rising order.
const UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_either_kind_or_none() {
        let table = [
            ("10MiB", Some(10 << 20)),
            ("1 GiB", Some(1 << 30)),
            ("5mb", Some(5_000_000)),
            ("4096", Some(4096)),
            ("7B", Some(7)),
            ("0", None),
            ("", None),
            ("MiB", None),
            ("1.5MiB", None),
            ("-1", None),
            ("10 parsecs", None),
            ("99999999999GiB", None),
        ];
        for (text, expected) in table {
            assert_eq!(size(text), expected, "{text:?}");
        }
        for (size, expected) in
            [(10 << 20, "10MiB"), (1 << 30, "1GiB"), (1536, "1536"), (512 << 10, "512KiB")]
        {
            assert_eq!(write_size(size), expected);
        }
    }

    #[test]
    fn a_time_of_day_has_hours_and_minutes() {
        let good = [("03:30", (3, 30)), ("3:30", (3, 30)), ("23:59", (23, 59)), ("00:00", (0, 0))];
        for (text, (hour, minute)) in good {
            assert_eq!(time_of_day(text), Some(jiff::civil::time(hour, minute, 0, 0)), "{text}");
        }
        for bad in ["", "24:00", "03:60", "3", "3:5", "03:30:00", "+3:30", ":30", "half past three", "003:30"]
        {
            assert_eq!(time_of_day(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_addresses_of_this_machine_are_listened_to() {
        for good in ["127.0.0.1:8791", "127.9.9.9:1", "[::1]:8791", "127.0.0.1:0"] {
            assert!(loopback(good).is_some(), "{good}");
        }
        for bad in ["0.0.0.0:8791", "[::]:8791", "192.168.1.2:80", "8791", "127.0.0.1", "localhost:8791", ""]
        {
            assert!(loopback(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn networks_are_written_with_a_length_or_are_one_address() {
        for (text, expected) in [
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("10.1.2.3/8", Some("10.0.0.0/8")),
            ("10.1.2.3", Some("10.1.2.3/32")),
            ("::ffff:10.1.2.3", Some("10.1.2.3/32")),
            ("fd00::/16", Some("fd00::/16")),
            ("::1", Some("::1/128")),
            ("10.0.0.0/33", None),
            ("10.0.0.0/", None),
            ("proxy", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(network(text).map(|network| network.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn upstreams_are_encrypted_or_near() {
        for good in [
            "https://api.example.com",
            "https://api.example.com/v1/",
            "http://127.0.0.1:8080/x",
            "http://localhost:1",
        ] {
            assert!(upstream(good).is_some(), "{good}");
        }
        for bad in [
            "http://api.example.com",
            "ftp://api.example.com",
            "https://ada:hunter2@api.example.com",
            "https://api.example.com/?a=b",
            "https://api.example.com/#a",
            "https://api.example.com\\@evil.example",
            "api.example.com",
            "",
        ] {
            assert!(upstream(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn hosts_and_origins_are_brought_into_one_form() {
        let hosts = [
            ("Dev.Box", Some("dev.box")),
            ("dev.box:8791", Some("dev.box:8791")),
            ("[::1]:80", Some("[::1]:80")),
            ("dev.box:", None),
            ("dev.box:99999", None),
            ("https://dev.box", None),
            ("dev.box/path", None),
            ("*", None),
            ("", None),
        ];
        for (text, expected) in hosts {
            assert_eq!(host(text).as_deref(), expected, "{text}");
        }
        let origins = [
            ("https://App.Example.com", Some("https://app.example.com")),
            ("https://app.example.com:443/", Some("https://app.example.com")),
            ("http://localhost:3000", Some("http://localhost:3000")),
            ("chrome-extension://abcdef", Some("chrome-extension://abcdef")),
            ("null", None),
            ("*", None),
            ("https://app.example.com/page", None),
            ("file:///page.html", None),
            ("app.example.com", None),
        ];
        for (text, expected) in origins {
            assert_eq!(origin(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn users_are_names_addresses_or_domains() {
        for (text, good) in [
            ("ada", true),
            ("ada@example.com", true),
            ("@example.com", true),
            ("@", false),
            ("@a@b", false),
            ("", false),
            (" ", false),
        ] {
            assert_eq!(user(text).is_some(), good, "{text:?}");
        }
    }

    #[test]
    fn a_line_can_be_shown() {
        for (text, good) in [("Acme", true), ("Acme Ltd. \u{2013} Ærø", true), ("", false), ("  ", false)] {
            assert_eq!(is_line(text), good, "{text:?}");
        }
        assert!(is_line(&"é".repeat(200)) && !is_line(&"é".repeat(201)) && !is_line("a\nb"));
    }

    #[test]
    fn references_and_conditions_are_whole() {
        for (text, good) in [
            ("google:work", true),
            ("google", false),
            ("google:", false),
            ("google:a b", false),
            (":work", false),
        ] {
            assert_eq!(account(text).is_some(), good, "{text}");
        }
        for (text, good) in [
            ("CI", true),
            ("CI=true", true),
            ("A=b=c", true),
            ("", false),
            ("=x", false),
            ("CI=", false),
            ("A B", false),
        ] {
            assert_eq!(condition(text).is_some(), good, "{text}");
        }
    }
}
