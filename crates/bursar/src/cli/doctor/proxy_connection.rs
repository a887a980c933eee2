//! Whether the proxies in effect are there at all. Whether they let calls through shows when endpoints are reached.

use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use futures::future::join_all;

use super::aside::aside;
use super::finding::Finding;
use super::proxy::parsed;

/// Connects to each; nothing without proxies. `settings` from [`super::proxy::settings`].
pub(super) async fn check(clock: &dyn Clock, settings: Vec<(String, String)>) -> Vec<Finding> {
    let mut places: Vec<(String, String, u16)> = Vec::new();
    for (origin, proxy) in settings {
        let Some((host, port)) = place(&proxy) else { continue };
        if !places.iter().any(|(_, known, known_port)| (known, *known_port) == (&host, port)) {
            places.push((origin, host, port));
        }
    }
    let answers = join_all(places.into_iter().map(|(origin, host, port)| async move {
        let asked = host.clone();
        let answer = aside(clock, LIMIT, move || connect(&asked, port)).await.unwrap_or(Answer::Silent);
        told(&origin, &format!("{host}:{port}"), answer)
    }));
    answers.await
}

/// Host and port; curl's port for proxies that name none is 1080.
fn place(proxy: &str) -> Option<(String, u16)> {
    let url = parsed(proxy)?;
    let default = match url.scheme() {
        "http" => 80,
        "https" => 443,
        _ => 1080,
    };
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some((host, url.port().unwrap_or(default)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    There,
    NoName,
    Refused,
    Silent,
}

fn connect(host: &str, port: u16) -> Answer {
    let Ok(addresses) = (host, port).to_socket_addrs() else { return Answer::NoName };
    let mut worst = Answer::NoName;
    for address in addresses.take(ADDRESSES) {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return Answer::There,
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => worst = Answer::Refused,
            Err(_) => worst = Answer::Silent,
        }
    }
    worst
}

fn told(origin: &str, place: &str, answer: Answer) -> Finding {
    let (because, remedy) = match answer {
        Answer::There => return Finding::ok(NAME, format!("the proxy {place} ({origin}) takes connections")),
        Answer::NoName => {
            ("its name leads to no address", "a proxy of a company network needs that network or its VPN")
        }
        Answer::Refused => ("it refuses connections", "start the proxy, or see whether the port is right"),
        Answer::Silent => ("nothing comes back from it", "connect to the network the proxy belongs to"),
    };
    let what = format!("the proxy {place} ({origin}) cannot be reached: {because}");
    Finding::fail(NAME, what, format!("{remedy}; to do without, change or remove {origin}"))
}

const NAME: &str = "proxy_connection";

const PATIENCE: Duration = Duration::from_secs(2);
const ADDRESSES: usize = 2;

/// A slow name server and two addresses.
const LIMIT: Duration = Duration::from_secs(6);

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_proxys_place_is_read_without_its_login() {
        for (proxy, expected) in [
            ("http://ada:hunter2@proxy.test:3128", Some(("proxy.test", 3128))),
            ("proxy.test", Some(("proxy.test", 80))),
            ("https://proxy.test", Some(("proxy.test", 443))),
            ("socks5h://[::1]", Some(("::1", 1080))),
            ("http://", None),
        ] {
            let found = place(proxy);
            assert_eq!(found.as_ref().map(|(host, port)| (host.as_str(), *port)), expected, "{proxy}");
        }
    }

    #[test]
    fn every_answer_but_one_has_a_remedy_that_names_the_setting() {
        for answer in [Answer::NoName, Answer::Refused, Answer::Silent] {
            let finding = told("HTTPS_PROXY", "proxy.test:1", answer);
            assert_eq!(finding.verdict, Verdict::Fail);
            assert!(finding.remedy.unwrap().ends_with("change or remove HTTPS_PROXY"));
        }
        assert_eq!(told("HTTPS_PROXY", "proxy.test:1", Answer::There).verdict, Verdict::Ok);
    }
}
