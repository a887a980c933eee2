//! Where sandboxes are: beneath the server's own address at `/s/NAME`, or at a host of their own.

use bursar_core::engine::sandboxes::{HostName, SandboxName};
use bursar_core::oauth::server::server_metadata::WellKnownRequest;
use bursar_core::oauth::url::Issuer;
use http::header::HOST;
use http::request::Parts;

/// The issuer of the sandbox of this name, beneath or beside that of the server around it.
///
/// # Errors
/// The server is reached by plain HTTP on this machine, and the host is another one; or the host is the server's own.
pub(crate) fn issuer_of(
    around: &Issuer,
    name: &str,
    host: Option<&HostName>,
) -> Result<Issuer, SandboxAddressError> {
    let Some(host) = host else {
        let text = format!("{}{PREFIX}{name}", around.as_str().trim_end_matches('/'));
        return Issuer::parse(&text).map_err(|_| SandboxAddressError::Host);
    };
    let mut url = around.as_url().clone();
    if host.as_str() == around.host() {
        return Err(SandboxAddressError::ServersOwn);
    }
    url.set_host(Some(host.as_str())).map_err(|_| SandboxAddressError::Host)?;
    Issuer::parse(url.as_str().trim_end_matches('/')).map_err(|_| SandboxAddressError::Host)
}

/// Why a sandbox cannot be where it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SandboxAddressError {
    /// Nothing would be encrypted.
    #[error("the host cannot be reached by https at the server's public URL")]
    Host,
    /// The server is there already.
    #[error("the host is the server's own")]
    ServersOwn,
}

/// The name that a path of the server known as `around` begins with, wherever well-known places insert it (RFC 8414 §3.1,
/// RFC 9728 §3.1).
pub(super) fn named_by(path: &str, around: &Issuer) -> Option<SandboxName> {
    let path = WellKnownRequest::of_path(path).map_or(path, |request| request.path);
    let beneath = path.strip_prefix(around.as_url().path().trim_end_matches('/'))?;
    let name = beneath.strip_prefix(PREFIX)?.split('/').next()?;
    SandboxName::parse(name).ok()
}

/// The host that a request names, if it is not that of the server known as `around`.
///
/// The name only chooses whose address was meant; everything a sandbox says of itself comes from its record.
pub(super) fn foreign_host(head: &Parts, around: &Issuer) -> Option<HostName> {
    let named = match head.uri.host() {
        Some(host) => host,
        None => without_port(head.headers.get(HOST)?.to_str().ok()?),
    };
    if named.eq_ignore_ascii_case(around.host()) {
        return None;
    }
    HostName::parse(named).ok()
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

const PREFIX: &str = "/s/";

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str) -> Issuer {
        Issuer::parse(text).unwrap()
    }

    #[test]
    fn sandboxes_are_found_in_paths_whatever_is_inserted() {
        let (root, beneath) = (issuer("https://as.test"), issuer("https://as.test/auth"));
        for (path, at_root, at_path) in [
            ("/s/dev", Some("dev"), None),
            ("/s/dev/oauth/token", Some("dev"), None),
            ("/s/dev/.well-known/openid-configuration", Some("dev"), None),
            ("/.well-known/oauth-authorization-server/s/dev", Some("dev"), None),
            ("/.well-known/openid-configuration/auth/s/dev", None, Some("dev")),
            ("/.well-known/oauth-protected-resource/s/dev/api", Some("dev"), None),
            ("/auth/s/dev/v1/users", None, Some("dev")),
            ("/s/", None, None),
            ("/s/default", None, None),
            ("/s/D%65v/oauth/token", None, None),
            ("/sdev", None, None),
            ("/oauth/s/dev", None, None),
        ] {
            let found = |around| named_by(path, around).map(String::from);
            assert_eq!(found(&root).as_deref(), at_root, "{path}");
            assert_eq!(found(&beneath).as_deref(), at_path, "{path}");
        }
    }

    #[test]
    fn a_host_takes_the_place_of_the_servers_and_stays_as_safe() {
        let host = |name| HostName::parse(name).unwrap();
        for (around, own, expected) in [
            ("https://as.test/auth", None, Some("https://as.test/auth/s/dev")),
            ("https://as.test:8443", Some("dev.test"), Some("https://dev.test:8443")),
            ("https://as.test/auth", Some("dev.test"), Some("https://dev.test/auth")),
            ("http://localhost:8790", Some("127.0.0.1"), Some("http://127.0.0.1:8790")),
            ("http://localhost:8790", Some("dev.test"), None),
            ("https://as.test", Some("as.test"), None),
        ] {
            let found = issuer_of(&issuer(around), "dev", own.map(host).as_ref());
            assert_eq!(found.ok().as_ref().map(Issuer::as_str), expected, "{around} {own:?}");
        }
    }

    #[test]
    fn only_another_host_than_the_servers_is_looked_at() {
        let around = issuer("https://as.test:8443");
        for (named, expected) in [
            ("as.test:8443", None),
            ("AS.test", None),
            ("dev.test:8443", Some("dev.test")),
            ("Dev.Test", Some("dev.test")),
            ("[::1]:8443", Some("[::1]")),
            ("a b", None),
        ] {
            let (head, ()) = http::Request::get("/").header(HOST, named).body(()).unwrap().into_parts();
            let found = foreign_host(&head, &around).map(String::from);
            assert_eq!(found.as_deref(), expected, "{named}");
        }
    }
}
