//! The way to upstreams: certificates, proxies and pools of connections, by the same rules as all other calls.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::tasks::Tasks;
use bursar_core::provider::Provider;
use futures::future::BoxFuture;
use hyper::rt::Executor;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioTimer;
use url::Url;

use super::dialer::{Dialer, Road};
use super::limits::Limits;
use super::outgoing::Outgoing;
use super::target::TargetError;
use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::meaning::NetworkConfig;
use crate::upstream_http::proxy::ProxyRules;
use crate::upstream_http::tls::Tls;

/// What leads out, shared by all routes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WayOut {
    tls: Arc<Tls>,
    rules: Arc<ProxyRules>,
    by_provider: BTreeMap<String, String>,
}

impl WayOut {
    /// As configuration and environment say.
    pub fn of(environment: &Environment, config: &Config) -> Self {
        let proxies = config.providers.iter().filter_map(|(name, provider)| {
            let known = config.catalogue.find(name).ok().flatten();
            Some((known.map_or_else(|| name.clone(), |known| known.id.to_string()), provider.proxy.clone()?))
        });
        Self::new(environment, &config.network, proxies.collect())
    }

    /// The same from its parts; `by_provider` are proxies of single providers, the empty text for none at all.
    pub fn new(
        environment: &Environment,
        network: &NetworkConfig,
        by_provider: BTreeMap<String, String>,
    ) -> Self {
        Self {
            tls: Arc::new(Tls::new(environment, network.ca_file.clone())),
            rules: Arc::new(ProxyRules::new(environment, network.proxy.clone())),
            by_provider,
        }
    }

    /// Which way an upstream of `provider` is reached.
    pub(super) fn way(&self, url: &Url, provider: &Provider) -> Way {
        let own = self.by_provider.get(provider.id.as_str()).or(provider.proxy.as_ref());
        Way { encrypted: url.scheme() == "https", proxy: self.rules.choose(url, own.map(String::as_str)) }
    }

    /// New pools of connections for one way.
    pub(super) fn pools(
        &self,
        way: &Way,
        limits: &Limits,
        clock: &Arc<dyn Clock>,
        tasks: &Arc<dyn Tasks>,
    ) -> Result<Pools, TargetError> {
        let mut tls = self.tls.config(way.encrypted).map_err(|detail| TargetError::Way { detail })?;
        // The connector says itself which versions it speaks.
        tls.alpn_protocols.clear();
        let road = Road::new(way.proxy.as_deref()).map_err(|detail| TargetError::Way { detail })?;
        let connector = || HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http();
        let any = connector().enable_http1().enable_http2().wrap_connector(road.clone());
        let first = connector().enable_http1().wrap_connector(road);
        let pool = |connector| {
            Client::builder(OnTasks(Arc::clone(tasks)))
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(POOL_IDLE)
                .pool_max_idle_per_host((limits.exchanges / 4).max(1))
                .http2_initial_stream_window_size(STREAM_WINDOW)
                .http2_initial_connection_window_size(CONNECTION_WINDOW)
                .http2_keep_alive_interval(PING_INTERVAL)
                .http2_keep_alive_timeout(PING_TIMEOUT)
                .build(Dialer::new(connector, limits.connect_time, Arc::clone(clock)))
        };
        Ok(Pools { any: pool(any), upgradable: pool(first) })
    }
}

/// How an upstream is reached.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Way {
    encrypted: bool,
    proxy: Option<String>,
}

impl std::fmt::Debug for Way {
    /// Proxies may carry passwords.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Way").field("encrypted", &self.encrypted).finish_non_exhaustive()
    }
}

/// Connections with an upstream, kept for the next request.
#[derive(Clone, Debug)]
pub(super) struct Pools {
    /// Of the best version the upstream speaks.
    pub(super) any: Pool,
    /// HTTP/1.1 only: no other version can be upgraded this way (RFC 9113 §8.6).
    pub(super) upgradable: Pool,
}

/// One pool.
pub(super) type Pool = Client<Dialer, Outgoing>;

/// Runs a pool's connections as tasks of the program.
#[derive(Clone, Debug)]
struct OnTasks(Arc<dyn Tasks>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for OnTasks {
    fn execute(&self, future: F) {
        let task: BoxFuture<'static, ()> = Box::pin(future);
        self.0.spawn(task);
    }
}

/// Load balancers close idle connections after a minute, nginx after 75 s: ours are gone before, so that a request is
/// hardly ever sent on one that is just being closed, which nobody could repeat safely.
const POOL_IDLE: Duration = Duration::from_secs(30);
/// What one slow reader can make us hold.
const STREAM_WINDOW: u32 = 256 * 1024;
/// The largest there is (RFC 9113 §6.9.1). All callers of an upstream share it, and what slow readers leave lying counts:
/// as many of them as there may be requests under way do not fill it.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
/// HTTP/2 puts all requests on one connection; one that died unnoticed would hold all of them.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
