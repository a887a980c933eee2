//! From the URL somebody wrote to the server, the database and how to speak with it.
//!
//! A URL carries a password, so no error of this file repeats any part of it.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use bursar_core::ports::store::StoreError;
use bursar_core::secret::Secret;
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};

use super::tls::{Roots, Trust};

/// Where the server is, and whom to believe there.
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) trust: Trust,
}

/// Reads a `postgres://` URL.
pub(super) fn parse(url: &Secret) -> Result<Address, StoreError> {
    let url = url.expose();
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(unreadable());
    }
    // A password may contain a question mark.
    let host = url.find('@').unwrap_or(0);
    let (base, query) = match url[host..].find('?') {
        Some(mark) => (&url[..host + mark], &url[host + mark + 1..]),
        None => (url, ""),
    };
    let mut mode = SslMode::Prefer;
    let mut wanted: fn(Roots) -> Trust = |_| Trust::Anybody;
    let mut roots = Roots::System;
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (name, value) {
            ("sslmode", "disable") => mode = SslMode::Disable,
            ("sslmode", "allow" | "prefer") => mode = SslMode::Prefer,
            ("sslmode", "require") => mode = SslMode::Require,
            ("sslmode", "verify-ca") => (mode, wanted) = (SslMode::Require, Trust::Authority),
            ("sslmode", "verify-full") => (mode, wanted) = (SslMode::Require, Trust::Name),
            ("sslmode", _) => {
                return Err(refused(
                    "`sslmode` is none of disable, prefer, require, verify-ca and verify-full",
                ));
            }
            ("sslrootcert", "system") => roots = Roots::System,
            ("sslrootcert", _) => roots = Roots::File(path(value)),
            _ => rest.push(pair),
        }
    }
    let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    let mut config = Config::from_str(&plain).map_err(|_| unreadable())?;
    if config.get_hosts().is_empty() {
        return Err(unreadable());
    }
    config.ssl_mode(mode);
    complete(&mut config);
    Ok(Address { config, trust: wanted(roots) })
}

fn complete(config: &mut Config) {
    // Of several hosts the one that can be written to, also after a failover.
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    if config.get_application_name().is_none() {
        config.application_name("bursar");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    // Whoever hears nothing from the other side gives up, instead of holding a connection into nowhere.
    config.keepalives_idle(SILENCE).keepalives_interval(SILENCE).keepalives_retries(2);
    config.tcp_user_timeout(SILENCE * 2);
}

fn path(value: &str) -> PathBuf {
    let decoded = url::form_urlencoded::parse(value.as_bytes()).next();
    PathBuf::from(decoded.map_or_else(String::new, |(path, _)| path.into_owned()))
}

fn unreadable() -> StoreError {
    refused(
        "its URL cannot be read: it looks like postgres://user:password@host:5432/database?sslmode=verify-full, \
         with special characters in the password written as %40 for `@`, %2F for `/`, %3F for `?`",
    )
}

fn refused(detail: &str) -> StoreError {
    StoreError::Refused(detail.to_owned())
}

/// A server in reach accepts within milliseconds; with several hosts each one gets this long.
const CONNECT: Duration = Duration::from_secs(2);

/// Shorter than the limit of a single answer, so that a cut network is noticed about when an answer is given up.
const SILENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Address, StoreError> {
        parse(&Secret::new(url))
    }

    #[test]
    fn sslmode_says_whether_and_whom_to_believe() {
        let file = Roots::File(PathBuf::from("/etc/root ca.pem"));
        for (query, mode, trust) in [
            ("", SslMode::Prefer, Trust::Anybody),
            ("?sslmode=disable", SslMode::Disable, Trust::Anybody),
            ("?sslmode=require", SslMode::Require, Trust::Anybody),
            ("?sslmode=verify-ca", SslMode::Require, Trust::Authority(Roots::System)),
            ("?sslmode=verify-full&application_name=x", SslMode::Require, Trust::Name(Roots::System)),
            (
                "?application_name=x&sslrootcert=%2Fetc%2Froot+ca.pem&sslmode=verify-full",
                SslMode::Require,
                Trust::Name(file),
            ),
        ] {
            let address = read(&format!("postgres://u:p@db.example/bursar{query}")).unwrap();
            assert_eq!((address.config.get_ssl_mode(), address.trust), (mode, trust), "{query}");
            assert_eq!(address.config.get_dbname(), Some("bursar"));
        }
    }

    #[test]
    fn several_hosts_and_sockets_are_understood() {
        let address = read("postgresql://u@one:5432,two:5433/db").unwrap();
        assert_eq!(address.config.get_hosts().len(), 2);
        assert_eq!(address.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(read("postgres:///db?host=/run/postgresql").unwrap().config.get_hosts().len(), 1);
    }

    #[test]
    fn errors_show_nothing_of_the_url() {
        for url in [
            "",
            "mysql://u:hunter2@host/db",
            "postgres://u:hunter2",
            "postgres://u:p@host/db?hun=ter2",
            "postgres://u:hunter2@host:port/db",
            "postgres://u:p%ZZhunter2@host/db?hunter2=1",
            "postgres://u:p@host/db?sslmode=hunter2",
        ] {
            let Err(error) = read(url) else { panic!("`{url}` was taken") };
            let text = format!("{error} {error:?}");
            assert!(!text.contains("hun") && !text.contains("ter2"), "{text}");
        }
    }
}
