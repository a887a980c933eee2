//! The URL of a store on a server: which kind of server it means, and what of it may be shown.
//!
//! What the rest of it says is for the store to read; nothing here connects.

use std::fmt;

use bursar_core::secret::Secret;

/// A kind of server that can keep records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreServer {
    /// `PostgreSQL`.
    Postgres,
    /// Redis, one server or a cluster.
    Redis,
}

/// A URL of a known scheme. It may hold a password, so it is shown masked only.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl {
    server: StoreServer,
    text: Secret,
}

impl StoreUrl {
    /// Of a known scheme; `None` for any other.
    pub fn parse(text: &str) -> Option<Self> {
        let (_, server) = SCHEMES.iter().find(|(scheme, _)| text.starts_with(scheme))?;
        Some(Self { server: *server, text: Secret::new(text) })
    }

    /// The kind of server.
    pub fn server(&self) -> StoreServer {
        self.server
    }

    /// As it was written.
    pub fn expose(&self) -> &Secret {
        &self.text
    }

    /// Whether a password stands in it. In doubt one does.
    pub fn has_password(&self) -> bool {
        self.addresses().any(|address| !address.password.is_empty())
            || self.addresses().any(|address| masked_query(address.rest).is_some())
    }

    /// The same with this password for every address in it.
    pub fn with_password(&self, password: &Secret) -> Secret {
        let password = percent_encoded(password.expose());
        let addresses = self.addresses().map(|Address { scheme, user, rest, .. }| {
            if scheme.contains("unix") {
                let mark = if rest.contains('?') { '&' } else { '?' };
                format!("{scheme}{rest}{mark}pass={password}")
            } else {
                format!("{scheme}{user}:{password}@{rest}")
            }
        });
        Secret::new(addresses.collect::<Vec<_>>().join(","))
    }

    fn addresses(&self) -> impl Iterator<Item = Address<'_>> {
        split(self.text.expose(), self.server).into_iter().map(Address::of)
    }
}

impl fmt::Display for StoreUrl {
    /// With every password masked.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, address) in self.addresses().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            let password = if address.password.is_empty() { "" } else { MASK };
            let at = if address.has_login { "@" } else { "" };
            let rest = masked_query(address.rest);
            let rest = rest.as_deref().unwrap_or(address.rest);
            write!(formatter, "{comma}{}{}{password}{at}{rest}", address.scheme, address.user)?;
        }
        Ok(())
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StoreUrl({self})")
    }
}

/// The parts of one address, as they are written.
struct Address<'a> {
    /// With its `://`.
    scheme: &'a str,
    user: &'a str,
    /// With its `:`.
    password: &'a str,
    has_login: bool,
    /// Host, path and query.
    rest: &'a str,
}

impl<'a> Address<'a> {
    fn of(text: &'a str) -> Self {
        let (scheme, rest) = text.split_at(text.find("://").map_or(0, |at| at + 3));
        // The last one: a password in which somebody forgot to encode a character must not be taken for a host.
        let Some((login, rest)) = rest.rsplit_once('@') else {
            return Self { scheme, user: "", password: "", has_login: false, rest };
        };
        let (user, password) = login.split_at(login.find(':').unwrap_or(login.len()));
        Self { scheme, user, password, has_login: true, rest }
    }
}

/// Addresses of a cluster, each a whole URL; for other servers a comma is a part of the one URL.
fn split(text: &str, server: StoreServer) -> Vec<&str> {
    if server == StoreServer::Postgres {
        return vec![text];
    }
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let mut commas = rest.match_indices(',').map(|(at, _)| at);
        let comma = commas.find(|at| rest[at + 1..].trim_start().starts_with("redis"));
        let (first, others) = comma.map_or((rest, ""), |at| (&rest[..at], rest[at + 1..].trim_start()));
        found.push(first.trim_end());
        rest = others;
    }
    found
}

/// `None`: no password is in it.
fn masked_query(rest: &str) -> Option<String> {
    let (before, query) = rest.split_once('?')?;
    let is_password = |pair: &&str| PASSWORDS.iter().any(|name| pair.starts_with(name));
    query.split('&').find(is_password)?;
    let pairs = query.split('&').map(|pair| match PASSWORDS.iter().find(|name| pair.starts_with(**name)) {
        Some(name) => format!("{name}***"),
        None => pair.to_owned(),
    });
    Some(format!("{before}?{}", pairs.collect::<Vec<_>>().join("&")))
}

fn percent_encoded(password: &str) -> String {
    let bytes = password.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    });
    bytes.collect()
}

const SCHEMES: [(&str, StoreServer); 5] = [
    ("postgres://", StoreServer::Postgres),
    ("postgresql://", StoreServer::Postgres),
    ("redis://", StoreServer::Redis),
    ("rediss://", StoreServer::Redis),
    ("redis+unix://", StoreServer::Redis),
];
const MASK: &str = ":***";
/// Names of passwords among the parameters of a URL.
const PASSWORDS: [&str; 2] = ["pass=", "password="];

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> StoreUrl {
        StoreUrl::parse(text).unwrap()
    }

    #[test]
    fn only_known_schemes_are_taken() {
        for (text, server) in [
            ("postgres://localhost/bursar", StoreServer::Postgres),
            ("postgresql:///bursar?host=/run/postgresql", StoreServer::Postgres),
            ("redis://localhost", StoreServer::Redis),
            ("rediss://a:1,rediss://b:2", StoreServer::Redis),
            ("redis+unix:///run/redis.sock", StoreServer::Redis),
        ] {
            assert_eq!(url(text).server(), server, "{text}");
        }
        for text in
            ["mysql://localhost/bursar", "sqlite:bursar.db", "localhost:5432", "/run/redis.sock", "http://h"]
        {
            assert_eq!(StoreUrl::parse(text), None, "{text}");
        }
    }

    #[test]
    fn passwords_are_found_and_never_shown() {
        for (text, shown) in [
            (
                "postgres://u:geheim@db.example:5432/bursar?sslmode=require",
                "postgres://u:***@db.example:5432/bursar?sslmode=require",
            ),
            ("postgres://u:ge@heim@db/bursar", "postgres://u:***@db/bursar"),
            ("postgres://u:ge/he?im@db/bursar", "postgres://u:***@db/bursar"),
            ("postgres://u@/bursar?host=/run&password=geheim", "postgres://u@/bursar?host=/run&password=***"),
            ("redis://:geheim@localhost/0", "redis://:***@localhost/0"),
            ("redis://u:geheim@a:1, redis://u:ge,heim@b:2", "redis://u:***@a:1,redis://u:***@b:2"),
            (
                "redis+unix:///run/redis.sock?user=u&pass=geheim&db=1",
                "redis+unix:///run/redis.sock?user=u&pass=***&db=1",
            ),
        ] {
            let url = url(text);
            assert_eq!(url.to_string(), shown);
            assert!(url.has_password(), "{text}");
            assert!(!format!("{url:?}").contains("heim"), "{url:?}");
        }
        for text in [
            "postgres://u@db:5432/bursar?sslmode=verify-full",
            "redis://a:1,redis://b:2",
            "redis+unix:///run/s?db=2",
        ] {
            let url = url(text);
            assert!(!url.has_password(), "{text}");
            assert_eq!(url.to_string(), text);
        }
    }

    #[test]
    fn a_password_goes_where_its_server_looks_for_it() {
        let password = Secret::new("p@ss/w:rd %");
        for (text, whole) in [
            ("postgres://u@db:5432/bursar", "postgres://u:p%40ss%2Fw%3Ard%20%25@db:5432/bursar"),
            ("postgres://u@/bursar?host=/run", "postgres://u:p%40ss%2Fw%3Ard%20%25@/bursar?host=/run"),
            ("redis://localhost:6379/1", "redis://:p%40ss%2Fw%3Ard%20%25@localhost:6379/1"),
            (
                "redis://u@a,redis://u@b",
                "redis://u:p%40ss%2Fw%3Ard%20%25@a,redis://u:p%40ss%2Fw%3Ard%20%25@b",
            ),
            ("redis+unix:///run/s?db=2", "redis+unix:///run/s?db=2&pass=p%40ss%2Fw%3Ard%20%25"),
        ] {
            assert_eq!(url(text).with_password(&password), Secret::new(whole), "{text}");
        }
    }
}
