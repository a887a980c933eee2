//! Outgoing HTTP on reqwest: one request, one connection, one answer.
//!
//! Connections are never reused: on a pooled connection that died unnoticed nobody can tell whether a request was
//! acted on, and a refresh token would count as spent for nothing. How errors are told apart: `upstream_http::failure`.

mod address_guard;
mod failure;
mod internet;
mod progress;
pub(crate) mod proxy;
mod resolver;
pub(crate) mod tls;

use std::sync::Arc;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::upstream::{
    Body, Request, Response, SendCause, SendError, SendLimits, SendPhase, Upstream, UrlOrigin,
};
use futures::future::{BoxFuture, Either, select};
use url::{Host, Url};
use zeroize::Zeroizing;

use self::failure::Call;
pub use self::internet::Internet;
use self::progress::{ConnectionWatch, Progress};
use self::proxy::ProxyRules;
use self::resolver::Resolver;
use self::tls::Tls;
use crate::config::environment::Environment;
use crate::config::meaning::NetworkConfig;

/// The real [`Upstream`].
#[derive(Debug)]
pub struct HttpUpstream {
    proxies: ProxyRules,
    tls: Tls,
    internet: Internet,
    clock: Arc<dyn Clock>,
}

impl HttpUpstream {
    /// Cheap: certificates are read when the first request needs them.
    pub fn new(environment: &Environment, network: &NetworkConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            proxies: ProxyRules::new(environment, network.proxy.clone()),
            tls: Tls::new(environment, network.ca_file.clone()),
            internet: Internet::of_system(),
            clock,
        }
    }

    /// The same in another internet than the system's.
    #[must_use]
    pub fn within(self, internet: Internet) -> Self {
        Self { internet, ..self }
    }

    async fn exchange(
        &self,
        request: Request,
        limits: &SendLimits,
        call: &Call,
    ) -> Result<Response, SendError> {
        let client = self.client(limits, call)?;
        let (parts, body) = request.into_parts();
        let mut outgoing = reqwest::Request::new(parts.method, call.url.clone());
        *outgoing.headers_mut() = parts.headers;
        if !body.expose().is_empty() {
            *outgoing.body_mut() = Some(body.expose().to_vec().into());
        }
        let mut answer = client.execute(outgoing).await.map_err(|error| call.failed(&error))?;
        call.check_proxy_answer(&answer)?;
        let mut bytes = Zeroizing::new(Vec::new());
        if answer.content_length().is_some_and(|length| length > limits.body as u64) {
            return Err(call.too_large(limits.body));
        }
        while let Some(chunk) = answer.chunk().await.map_err(|error| call.failed(&error))? {
            if bytes.len() + chunk.len() > limits.body {
                return Err(call.too_large(limits.body));
            }
            bytes.extend_from_slice(&chunk);
        }
        let mut response = Response::new(Body::new(std::mem::take(&mut *bytes)));
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }

    /// A client for one call. The costly part, the certificates, is shared; the rest takes microseconds and lets the
    /// resolver and the connector report to this call alone.
    fn client(&self, limits: &SendLimits, call: &Call) -> Result<reqwest::Client, SendError> {
        let guarded = limits.origin == UrlOrigin::Stranger;
        let proxy_is_https = call.proxy.as_ref().is_some_and(|proxy| proxy.starts_with("https:"));
        let certificates_matter = call.url.scheme() == "https" || proxy_is_https;
        let tls =
            self.tls.config(certificates_matter).map_err(|detail| call.before(SendCause::Tls, detail))?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .user_agent(concat!("bursar/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Resolver::new(Arc::clone(&call.progress), self.internet.clone(), guarded))
            .connector_layer(ConnectionWatch(Arc::clone(&call.progress)))
            .no_proxy();
        if let Some(proxy) = &call.proxy {
            // The proxy's URL may hold a password, and so may the error that repeats it.
            let unusable = || call.before(SendCause::Proxy, "the proxy's URL cannot be used".to_owned());
            // reqwest ignores a proxy of a kind it does not know, and would go past it.
            if !proxy::is_known(proxy) {
                return Err(unusable());
            }
            builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(|_| unusable())?);
        }
        builder.build().map_err(|error| call.before(SendCause::Tls, failure::words(&error)))
    }
}

impl Upstream for HttpUpstream {
    fn send(&self, request: Request, limits: SendLimits) -> BoxFuture<'_, Result<Response, SendError>> {
        Box::pin(async move {
            let call = self.call(&request, &limits)?;
            let exchange = std::pin::pin!(self.exchange(request, &limits, &call));
            match select(exchange, self.clock.sleep(limits.time)).await {
                Either::Left((result, _)) => result,
                Either::Right(_) => Err(call.timed_out(limits.time)),
            }
        })
    }
}

impl HttpUpstream {
    fn call(&self, request: &Request, limits: &SendLimits) -> Result<Call, SendError> {
        let refused = |host: String, cause, detail: &str| SendError {
            phase: SendPhase::BeforeRequest,
            cause,
            host,
            detail: detail.to_owned(),
        };
        let host = request.uri().host().unwrap_or_default().to_owned();
        let Ok(url) = Url::parse(&request.uri().to_string()) else {
            return Err(refused(host, SendCause::Connect, "not an absolute URL"));
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(host, SendCause::Connect, "neither http nor https"));
        }
        let stranger = limits.origin == UrlOrigin::Stranger;
        // A literal address never meets the resolver, so the guard looks at it here.
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        if stranger && literal.is_some_and(|address| !self.internet.is_public(address)) {
            return Err(refused(host, SendCause::Forbidden, "not an address of the public internet"));
        }
        // A proxy would resolve the name itself, behind the guard's back: strangers' URLs are always called directly.
        let proxy = if stranger { None } else { self.proxies.choose(&url, limits.proxy.as_deref()) };
        Ok(Call { url, host, proxy, progress: Arc::new(Progress::default()) })
    }
}
