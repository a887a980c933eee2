//! The way to upstreams: certificates and proxies, by the same rules as all other calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::tasks::Tasks;
use bursar_core::provider::Provider;
use hyper_rustls::HttpsConnectorBuilder;
use url::Url;

use super::dialer::{Dialer, Road};
use super::limits::Limits;
use super::origin::Origin;
use super::pool::Pool;
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
    pub(super) fn way(&self, origin: Origin, url: &Url, provider: &Provider) -> Way {
        let own = self.by_provider.get(provider.id.as_str()).or(provider.proxy.as_ref());
        Way { origin, proxy: self.rules.choose(url, own.map(String::as_str)) }
    }

    /// A new pool of connections for one way.
    pub(super) fn pool(
        &self,
        way: &Way,
        limits: &Limits,
        clock: &Arc<dyn Clock>,
        tasks: &Arc<dyn Tasks>,
    ) -> Result<Pool, TargetError> {
        let is_encrypted = way.origin.is_encrypted();
        let mut tls = self.tls.config(is_encrypted).map_err(|detail| TargetError::Way { detail })?;
        // The connector says itself which versions it speaks.
        tls.alpn_protocols.clear();
        let road = Road::new(way.proxy.as_deref()).map_err(|detail| TargetError::Way { detail })?;
        let connector = || HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http();
        let any = connector().enable_http1().enable_http2().wrap_connector(road.clone());
        let first = connector().enable_http1().wrap_connector(road);
        let dialers =
            [any, first].map(|connector| Dialer::new(connector, limits.connect_time, clock.clone()));
        Ok(Pool::new(way.origin.clone(), dialers, limits, clock.clone(), tasks.clone()))
    }
}

/// How an upstream is reached.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) origin: Origin,
    proxy: Option<String>,
}

impl std::fmt::Debug for Way {
    /// Proxies may carry passwords.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Way").field("origin", &self.origin).finish_non_exhaustive()
    }
}
