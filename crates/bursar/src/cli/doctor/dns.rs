//! Whether names lead to addresses: a name that does not exist is another matter than a name server that is silent.

use std::collections::BTreeSet;
use std::io;
use std::net::ToSocketAddrs as _;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::provider::Provider;
use futures::future::join_all;
use url::Host;

use super::aside::aside;
use super::finding::Finding;

/// Looks up every host of the endpoints; nothing if there is no name among them.
pub(super) async fn check(clock: &dyn Clock, providers: &[Provider]) -> Vec<Finding> {
    let names = names(providers);
    let looked_up = join_all(names.iter().map(|name| async move {
        let asked = name.clone();
        aside(clock, LIMIT, move || (&*asked, 443).to_socket_addrs().map(drop)).await
    }));
    let answers = looked_up.await.into_iter().map(|answer| match answer {
        Some(Ok(())) => Lookup::Found,
        Some(Err(error)) => judge(&error),
        None => Lookup::Silent,
    });
    told(&names.iter().map(String::as_str).zip(answers).collect::<Vec<_>>())
}

/// What came of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lookup {
    Found,
    /// The name server says that there is no such name, or no address for it.
    Unknown,
    /// No name server gave an answer.
    Silent,
}

fn names(providers: &[Provider]) -> BTreeSet<String> {
    let endpoints = providers.iter().flat_map(|provider| provider.endpoints.declared());
    let urls = endpoints.filter_map(|(_, endpoint)| endpoint.url().ok());
    let hosts = urls.filter_map(|url| match url.as_url().host() {
        Some(Host::Domain(name)) => Some(name.to_owned()),
        _ => None,
    });
    hosts.collect()
}

/// The system gives the difference in words only: those of glibc, musl and macOS for "try again" (`EAI_AGAIN`).
fn judge(error: &io::Error) -> Lookup {
    let words = error.to_string();
    let again = ["Temporary failure", "Try again", "temporary failure"];
    if again.iter().any(|again| words.contains(again)) { Lookup::Silent } else { Lookup::Unknown }
}

fn told(answers: &[(&str, Lookup)]) -> Vec<Finding> {
    let with = |wanted| -> Vec<&str> {
        answers.iter().filter(|(_, lookup)| *lookup == wanted).map(|(name, _)| *name).collect()
    };
    let (found, unknown, silent) = (with(Lookup::Found), with(Lookup::Unknown), with(Lookup::Silent));
    let mut findings = Vec::new();
    if !silent.is_empty() {
        findings.push(Finding::fail(
            NAME,
            format!("no name server answers for {}", silent.join(", ")),
            "check the network and its name server, on Linux with `resolvectl status` or in /etc/resolv.conf; behind a \
             proxy that resolves names itself, set HTTPS_PROXY or `network.proxy`",
        ));
    }
    for name in unknown {
        findings.push(Finding::fail(
            NAME,
            format!("the name server answers, but knows no address of {name}"),
            "check how it is written in the provider's entry; a name of a company network needs its VPN and its name \
             server; a filter may hide it: have it allowed",
        ));
    }
    match found.as_slice() {
        [] => {}
        [name] => findings.push(Finding::ok(NAME, format!("{name} leads to an address"))),
        names => findings.push(Finding::ok(NAME, format!("{} names lead to addresses", names.len()))),
    }
    findings
}

const NAME: &str = "dns";

/// Resolvers give a name server 5 s before they ask the next one; all names are looked up together.
const LIMIT: Duration = Duration::from_secs(6);

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_silent_name_server_is_another_matter_than_an_unknown_name() {
        for (words, lookup) in [
            ("failed to lookup address information: Temporary failure in name resolution", Lookup::Silent),
            ("failed to lookup address information: Try again", Lookup::Silent),
            ("failed to lookup address information: Name or service not known", Lookup::Unknown),
            ("failed to lookup address information: Name does not resolve", Lookup::Unknown),
            ("nodename nor servname provided, or not known", Lookup::Unknown),
            ("No such host is known. (os error 11001)", Lookup::Unknown),
        ] {
            assert_eq!(judge(&io::Error::other(words)), lookup, "{words}");
        }
        let findings = told(&[
            ("a.test", Lookup::Found),
            ("b.test", Lookup::Unknown),
            ("c.test", Lookup::Silent),
            ("d.test", Lookup::Silent),
        ]);
        let shown: Vec<_> = findings.iter().map(|finding| (finding.verdict, finding.what.as_str())).collect();
        assert_eq!(
            shown,
            [
                (Verdict::Fail, "no name server answers for c.test, d.test"),
                (Verdict::Fail, "the name server answers, but knows no address of b.test"),
                (Verdict::Ok, "a.test leads to an address"),
            ]
        );
        assert_eq!(told(&[]), []);
    }
}
