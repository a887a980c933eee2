//! Whether the token and authorization endpoints of the providers in use can be reached: name, connection, TLS, HTTP.
//!
//! Sends a HEAD without credentials; whatever status comes back, the endpoint is there. What the clocks of the answers
//! say is for [`super::clock`].

use std::time::Duration;

use bursar_core::lifecycle::clock_skew;
use bursar_core::oauth::http_fields::date_of;
use bursar_core::oauth::url::EndpointUrl;
use bursar_core::ports::clock::Clock;
use bursar_core::ports::upstream::{Body, Request, SendCause, SendError, SendLimits, SendPhase, Upstream};
use bursar_core::provider::Provider;
use futures::future::{BoxFuture, join_all};
use http::{Method, StatusCode};
use jiff::SignedDuration;
use url::Url;

use super::finding::Finding;
use super::obstacle::Obstacle;

/// What the network told.
#[derive(Debug)]
pub(super) struct Reached {
    /// One finding for each provider whose endpoints all answer, one for each endpoint that does not.
    pub(super) findings: Vec<Finding>,
    /// How far the clocks of those that answered are ahead of ours.
    pub(super) skews: Vec<SignedDuration>,
}

/// Finds out what stands before an address that cannot be reached.
pub(super) type Look<'a> = dyn Fn(Url) -> BoxFuture<'a, Option<Obstacle>> + 'a;

/// Asks all endpoints at the same time; `look` is asked about those that do not answer.
pub(super) async fn check(
    upstream: &dyn Upstream,
    clock: &dyn Clock,
    providers: &[Provider],
    look: &Look<'_>,
) -> Reached {
    let answers = join_all(providers.iter().map(|provider| async move {
        let probes = endpoints(provider).into_iter().map(|(name, url)| async move {
            let answer = match probe(upstream, clock, provider, &url).await {
                Ok(answer) => Ok(answer),
                Err(error) if went_directly(&error) => Err((look(url.as_url().clone()).await, error)),
                Err(error) => Err((None, error)),
            };
            (name, url, answer)
        });
        join_all(probes).await
    }));
    let mut reached = Reached { findings: Vec::new(), skews: Vec::new() };
    for (provider, probes) in providers.iter().zip(answers.await) {
        let id = provider.id.as_str();
        let mut good = Vec::new();
        for (name, url, probe) in probes {
            match probe {
                Ok(Answer { status, skew }) => {
                    reached.skews.extend(skew);
                    good.push(format!("{name} ({}, HTTP {})", url.host(), status.as_u16()));
                }
                Err((Some(obstacle), error)) => {
                    reached.findings.push(obstructed(id, name, &url, &error, &obstacle));
                }
                Err((None, error)) => reached.findings.push(unreachable(id, name, &error)),
            }
        }
        if !good.is_empty() {
            reached.findings.push(Finding::ok(NAME, format!("{id} answers: {}", good.join(", "))));
        }
    }
    reached
}

/// The endpoints that a login and a refresh need, each address once.
fn endpoints(provider: &Provider) -> Vec<(&'static str, EndpointUrl)> {
    let mut found: Vec<(&'static str, EndpointUrl)> = Vec::new();
    for (name, endpoint) in provider.endpoints.declared() {
        if !matches!(name, "token" | "refresh" | "authorize") {
            continue;
        }
        // An endpoint with an open variable cannot be asked; the account says so when it is refreshed.
        let Ok(url) = endpoint.url() else { continue };
        if !found.iter().any(|(_, known)| *known == url) {
            found.push((name, url));
        }
    }
    found
}

struct Answer {
    status: StatusCode,
    skew: Option<SignedDuration>,
}

async fn probe(
    upstream: &dyn Upstream,
    clock: &dyn Clock,
    provider: &Provider,
    url: &EndpointUrl,
) -> Result<Answer, SendError> {
    let mut request = Request::new(Body::default());
    *request.method_mut() = Method::HEAD;
    // Every URL is a URI, but for lengths no URL here has.
    if let Ok(uri) = url.as_str().parse() {
        *request.uri_mut() = uri;
    }
    let limits = SendLimits { time: LIMIT, proxy: provider.proxy.clone(), ..SendLimits::default() };
    let sent_at = clock.now();
    let response = upstream.send(request, limits).await?;
    let skew = date_of(&response).map(|date| clock_skew::learn(sent_at, clock.now(), date));
    Ok(Answer { status: response.status(), skew })
}

/// Whether a closer look, which knows no proxy, looks at what the call saw. A name that leads nowhere has nothing
/// behind it to look at.
fn went_directly(error: &SendError) -> bool {
    match error.cause {
        SendCause::Connect | SendCause::Tls | SendCause::Cut => true,
        SendCause::Timeout => error.phase == SendPhase::BeforeRequest,
        SendCause::Dns | SendCause::Proxy | SendCause::TooLarge | SendCause::Forbidden => false,
    }
}

/// An endpoint of which it is known what is in the way.
fn obstructed(
    provider: &str,
    name: &str,
    url: &EndpointUrl,
    error: &SendError,
    obstacle: &Obstacle,
) -> Finding {
    let place = match url.as_url().port_or_known_default() {
        Some(port) => format!("{}:{port}", url.host()),
        None => url.host().to_owned(),
    };
    let instead = "or set HTTPS_PROXY or `network.proxy`";
    let (because, remedy) = match obstacle {
        Obstacle::Refused(address) => (
            format!("{address} refuses connections at once"),
            format!(
                "nobody serves there at the moment, or a firewall rejects it: try from another network; if that \
                 works, have {place} allowed, {instead}"
            ),
        ),
        Obstacle::Silent(address) => (
            format!("nothing comes back from {address}, as when a firewall drops packets"),
            format!("have {place} allowed in the firewall, {instead}"),
        ),
        Obstacle::Unroutable(address) => (
            format!("there is no way to {address} from here"),
            format!("check the network and the VPN; behind a firewall, have {place} allowed, {instead}"),
        ),
        Obstacle::ForbiddenHere(address) => (
            format!("this computer's own firewall or sandbox forbids {address}"),
            format!("allow bursar to reach {place} in this computer's firewall or in the sandbox's rules"),
        ),
        Obstacle::Broken(address) => (
            format!("{address} takes connections and breaks them, as firewalls do that read host names"),
            format!("have {place} allowed in the firewall, {instead}; if it is down for all, wait"),
        ),
        Obstacle::SignedBy(issuer) => (
            format!("the certificate shown is signed by `{issuer}`"),
            format!(
                "check this computer's clock; if `{issuer}` is your company's or your antivirus', TLS is intercepted: \
                 name its certificate in `network.ca_file` or SSL_CERT_FILE; if you do not know it, do not log in \
                 over this network"
            ),
        ),
    };
    Finding::fail(
        NAME,
        format!("{provider}: the {name} endpoint cannot be reached: {error}; {because}"),
        remedy,
    )
}

fn unreachable(provider: &str, name: &str, error: &SendError) -> Finding {
    let what = format!("{provider}: the {name} endpoint cannot be reached: {error}");
    let remedy = match (error.cause, error.phase) {
        (SendCause::Dns, _) => {
            "check the network and the name server; behind a firewall, allow this host".to_owned()
        }
        (SendCause::Connect | SendCause::Forbidden, _) | (SendCause::Timeout, SendPhase::BeforeRequest) => {
            "check the network; behind a firewall, allow this host, or set HTTPS_PROXY or `network.proxy`"
                .to_owned()
        }
        (SendCause::Tls, _) => {
            "check this computer's clock; name a private or company CA in `network.ca_file` or SSL_CERT_FILE"
                .to_owned()
        }
        (SendCause::Proxy, _) => "check HTTPS_PROXY, NO_PROXY and `network.proxy`".to_owned(),
        (SendCause::Timeout | SendCause::Cut | SendCause::TooLarge, _) => {
            format!(
                "something answers in the way of HTTP: check for a proxy or a captive portal before {}",
                error.host
            )
        }
    };
    Finding::fail(NAME, what, remedy)
}

const NAME: &str = "endpoint";

/// A reachable server answers a HEAD within a second; all are asked together, so this is also the limit for all.
const LIMIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use bursar_core::memory::clock::ManualClock;
    use bursar_core::ports::upstream::Response;
    use bursar_core::provider::{Endpoint, ProviderId};
    use futures::FutureExt as _;
    use futures::future::BoxFuture;

    use super::super::finding::Verdict;
    use super::*;

    /// What a host answers.
    type Script = fn(&str) -> Result<Response, SendCause>;

    #[derive(Debug)]
    struct Scripted(Script);

    impl Upstream for Scripted {
        fn send(&self, request: Request, limits: SendLimits) -> BoxFuture<'_, Result<Response, SendError>> {
            assert_eq!(request.method(), Method::HEAD);
            assert!(request.headers().is_empty(), "nothing that could be a credential");
            assert!(limits.time <= Duration::from_secs(5));
            let host = request.uri().host().unwrap_or_default().to_owned();
            let answer = (self.0)(&host).map_err(|cause| {
                let phase = SendPhase::BeforeRequest;
                SendError { phase, cause, host, detail: "scripted".to_owned() }
            });
            std::future::ready(answer).boxed()
        }
    }

    fn provider(id: &str, token: &str, authorize: &str) -> Provider {
        let mut provider = Provider::new(ProviderId::parse(id).unwrap());
        provider.endpoints.token = Some(Endpoint::parse(token).unwrap());
        provider.endpoints.authorize = Some(Endpoint::parse(authorize).unwrap());
        provider
    }

    fn run(script: Script, providers: &[Provider]) -> Reached {
        looking(script, providers, None)
    }

    fn looking(script: Script, providers: &[Provider], found: Option<&Obstacle>) -> Reached {
        let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
        let look = |_: Url| std::future::ready(found.cloned()).boxed();
        futures::executor::block_on(check(&Scripted(script), &clock, providers, &look))
    }

    #[test]
    fn what_is_in_the_way_decides_the_remedy() {
        let address = "192.0.2.1:443".parse().unwrap();
        let table = [
            (Obstacle::Refused(address), "refuses connections", "try from another network"),
            (Obstacle::Silent(address), "nothing comes back", "have one.test:443 allowed"),
            (Obstacle::Unroutable(address), "no way to", "VPN"),
            (Obstacle::ForbiddenHere(address), "own firewall", "this computer's firewall"),
            (Obstacle::Broken(address), "breaks them", "have one.test:443 allowed"),
            (Obstacle::SignedBy("Acme CA".to_owned()), "signed by `Acme CA`", "network.ca_file"),
        ];
        let provider = [provider("acme", "https://one.test/t", "https://one.test/t")];
        for (obstacle, because, remedy) in table {
            let reached = looking(|_| Err(SendCause::Connect), &provider, Some(&obstacle));
            let [finding] = &*reached.findings else { panic!("{reached:?}") };
            assert!(finding.what.contains(because), "{finding:?}");
            assert!(finding.remedy.as_deref().unwrap().contains(remedy), "{finding:?}");
        }
        let proxied = looking(|_| Err(SendCause::Proxy), &provider, Some(&Obstacle::Silent(address)));
        assert!(!proxied.findings[0].what.contains("192.0.2.1"), "a look past the proxy would mislead");
    }

    #[test]
    fn any_status_counts_as_reachable_and_its_date_is_learned() {
        let reached = run(
            |_| {
                let answer =
                    http::Response::builder().status(405).header("date", "Thu, 01 Jan 2026 00:05:00 GMT");
                Ok(answer.body(Body::default()).unwrap())
            },
            &[provider("acme", "https://token.test/t", "https://login.test/a")],
        );
        assert_eq!(reached.skews, [SignedDuration::from_secs(300); 2]);
        assert_eq!(
            reached.findings,
            [Finding::ok(
                "endpoint",
                "acme answers: authorize (login.test, HTTP 405), token (token.test, HTTP 405)"
            )]
        );
    }

    #[test]
    fn every_cause_has_its_remedy_and_no_answer_hides_another() {
        let causes: [(Script, &str); 5] = [
            (|_| Err(SendCause::Dns), "name server"),
            (|_| Err(SendCause::Connect), "firewall"),
            (|_| Err(SendCause::Timeout), "firewall"),
            (|_| Err(SendCause::Tls), "network.ca_file"),
            (|_| Err(SendCause::Proxy), "HTTPS_PROXY"),
        ];
        for (script, remedy) in causes {
            let reached = run(script, &[provider("acme", "https://one.test/t", "https://one.test/t")]);
            assert_eq!(reached.findings.len(), 1, "one address is asked once");
            let finding = &reached.findings[0];
            assert_eq!(finding.verdict, Verdict::Fail);
            assert!(finding.remedy.as_deref().unwrap().contains(remedy), "{finding:?}");
        }
        let reached = run(
            |host| if host == "up.test" { Ok(Response::default()) } else { Err(SendCause::Dns) },
            &[provider("acme", "https://up.test/", "https://down.test/")],
        );
        let verdicts: Vec<_> = reached.findings.iter().map(|finding| finding.verdict).collect();
        assert_eq!(verdicts, [Verdict::Fail, Verdict::Ok]);
    }
}
