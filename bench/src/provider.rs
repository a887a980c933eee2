//! The provider everybody logs in at, and the browser that agrees to everything.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bursar_core::oauth::url::Issuer;
use bursar_core::provider::ProviderId;
use misbehaving_provider::{Behaviour, MisbehavingProvider, RegisteredClient};
use url::Url;

/// The client of this program. It has a secret, because oidc-agent always sends one.
pub(crate) const CLIENT: &str = "bench";
/// Its secret, which protects nothing.
pub(crate) const SECRET: &str = "the-secret-of-the-bench";

/// Starts it on a free port. Access tokens live for a day, so that nothing is refreshed while it is timed.
pub(crate) async fn start() -> MisbehavingProvider {
    let mut behaviour = Behaviour::default();
    behaviour.token.access_lifetime = Duration::from_hours(24);
    let client = RegisteredClient { secret: Some(SECRET.to_owned()), ..RegisteredClient::public(CLIENT) };
    behaviour.clients.push(client);
    MisbehavingProvider::start(behaviour).await
}

/// The whole name of the account that logged in there as `nickname`.
pub(crate) fn account(provider: &MisbehavingProvider, nickname: &str) -> Result<String> {
    Ok(format!("{}:{nickname}", ProviderId::of_issuer(&Issuer::parse(&provider.issuer())?)))
}

/// Opens an address and follows redirects, until `last` is reached or a page comes; tells where that was.
pub(crate) fn visit(address: &str, last: impl Fn(&Url) -> bool) -> Result<Url> {
    let mut url = Url::parse(address)?;
    while !last(&url) {
        let answer = exchange(&url, "GET", "", "")?;
        let head = answer.split("\r\n\r\n").next().unwrap_or_default();
        let location = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("location").then(|| value.trim())
        });
        let Some(location) = location else { break };
        url = url.join(location)?;
    }
    Ok(url)
}

/// Sends one request over plain HTTP and returns the whole answer, head and body.
pub(crate) fn exchange(url: &Url, method: &str, fields: &str, body: &str) -> Result<String> {
    let addresses = url.socket_addrs(|| None)?;
    let mut connection =
        TcpStream::connect(addresses.as_slice()).with_context(|| format!("no connection to {url}"))?;
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    write!(
        connection,
        "{method} {}{query} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n{fields}\r\n{body}",
        url.path(),
        body.len(),
    )?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
