//! Where a route leads for the account it means: everything that can be worked out before a request comes.

use std::sync::Arc;

use bursar_core::lifecycle::account::{Account, Generation};
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::oauth::url::EndpointUrl;
use bursar_core::provider::{Api, Provider};
use bursar_core::secret::Secret;
use http::header::LOCATION;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::Shared;
use super::bound::Nonce;
use super::hosts::HostPattern;
use super::injection::Injection;
use super::origin::Origin;
use super::path::ROOT;
use super::pool::Pool;
use super::route::Route;
use super::way_out::Way;

/// A route's destination, ready for requests.
#[derive(Debug)]
pub(super) struct Target {
    /// Whose token is sent.
    pub(super) reference: AccountReference,
    /// Which change of that account's tokens it was made for.
    pub(super) generation: Generation,
    /// How the token is carried.
    pub(super) injection: Injection,
    /// Connections to it.
    pub(super) pool: Pool,
    way: Way,
    /// Before every path; empty, or without a slash at its end.
    pub(super) prefix: String,
    /// What it wants to see in proofs, whichever token they go with.
    pub(super) nonce: Arc<Nonce>,
    /// Headers the provider always wants.
    fixed: Vec<(HeaderName, HeaderValue)>,
}

impl Target {
    /// Works out where `route` leads for `account`. `before` lends its connections, and what the upstream said last, if it leads
    /// the same way.
    pub(super) fn new(
        route: &Route,
        account: &Account,
        provider: &Provider,
        shared: &Shared,
        before: Option<&Self>,
    ) -> Result<Self, TargetError> {
        let upstream = match &route.upstream {
            Some(upstream) => upstream.clone(),
            None => first_base(provider)?,
        };
        let url = upstream.as_url();
        let port = url.port_or_known_default().unwrap_or_default();
        if !allowed(&provider.api, &route.hosts).any(|pattern| pattern.fits(upstream.host(), port)) {
            return Err(TargetError::Forbidden { host: upstream.host().to_owned() });
        }
        let unusable = || TargetError::NoUpstream { provider: provider.display_name().to_owned() };
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let origin = Origin::new(url.scheme() == "https", authority).ok_or_else(unusable)?;
        let way = shared.way_out.way(origin, url, provider);
        let (pool, nonce) = match before {
            Some(before) if before.way == way => (before.pool.clone(), Arc::clone(&before.nonce)),
            _ => (shared.way_out.pool(&way, &shared.limits, &shared.clock, &shared.tasks)?, Arc::default()),
        };
        Ok(Self {
            reference: account.reference.clone(),
            generation: account.generation,
            injection: route.injection(&provider.api)?,
            pool,
            way,
            prefix: url.path().trim_end_matches('/').to_owned(),
            nonce,
            fixed: fixed_headers(&provider.api)?,
        })
    }

    /// The whole address of a request there.
    pub(super) fn absolute(&self, address: &Uri) -> String {
        self.way.origin.absolute(address).to_string()
    }

    /// The upstream's name, for messages.
    pub(super) fn host(&self) -> &str {
        self.way.origin.name()
    }

    /// Path and query of one request; `None`: the text cannot stand in a request line. Scheme and host are the route's own,
    /// whatever is written here: the allow-list holds for every request.
    pub(super) fn address(&self, path: &str, query: Option<&str>, token: &Secret) -> Option<Uri> {
        let query = self.injection.query(query, token);
        let text = match query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        Some(PathAndQuery::from_maybe_shared(bytes_of(text)).ok()?.into())
    }

    /// Puts the provider's own headers and the token into a request; `None`: the token fits no header.
    pub(super) fn equip(&self, headers: &mut HeaderMap, token: &Secret) -> Option<()> {
        for (name, value) in &self.fixed {
            headers.insert(name, value.clone());
        }
        self.injection.set_header(headers, token)
    }

    /// Makes a redirect inside the route lead through the route again. One that leads elsewhere stays, made absolute so
    /// that nobody looks for it here.
    pub(super) fn bend_location(&self, route: &str, headers: &mut HeaderMap) {
        let Some(location) = headers.get(LOCATION).and_then(|value| value.to_str().ok()) else { return };
        let here = self.way.origin.to_string();
        let path = match location.strip_prefix(&here) {
            Some("") => "/",
            Some(rest) if rest.starts_with(['/', '?', '#']) => rest,
            None if location.starts_with('/') && !location.starts_with("//") => location,
            Some(_) | None => return,
        };
        let bent = match path.strip_prefix(&self.prefix) {
            Some(rest) if rest.is_empty() || rest.starts_with(['/', '?', '#']) => {
                format!("{ROOT}{route}{rest}")
            }
            _ => format!("{here}{path}"),
        };
        if let Ok(value) = HeaderValue::from_str(&bent) {
            headers.insert(LOCATION, value);
        }
    }
}

fn bytes_of(text: String) -> hyper::body::Bytes {
    text.into()
}

fn first_base(provider: &Provider) -> Result<EndpointUrl, TargetError> {
    let unknown = || TargetError::NoUpstream { provider: provider.display_name().to_owned() };
    let base = provider.api.base_urls.first().ok_or_else(unknown)?;
    base.url().map_err(|_| unknown())
}

/// The hosts the account's token may be sent to.
fn allowed<'a>(api: &'a Api, besides: &'a [HostPattern]) -> impl Iterator<Item = HostPattern> + 'a {
    let bases = api.base_urls.iter().filter(|_| api.hosts.is_empty()).filter_map(|base| {
        let url = base.url().ok()?;
        let port = url.as_url().port_or_known_default()?;
        Some(HostPattern::new(&format!("{}:{port}", url.host())))
    });
    let hosts = api.hosts.iter().map(|host| HostPattern::new(host));
    bases.chain(hosts).chain(besides.iter().cloned())
}

fn fixed_headers(api: &Api) -> Result<Vec<(HeaderName, HeaderValue)>, TargetError> {
    let mut fixed = Vec::new();
    for (name, value) in &api.extra_headers {
        let unusable = || TargetError::Header { name: name.clone() };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?;
        fixed.push((name, HeaderValue::from_str(value).map_err(|_| unusable())?));
    }
    Ok(fixed)
}

/// Why a route leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(super) enum TargetError {
    /// Neither route nor provider say where the API is.
    #[error("the entry of {provider} tells no address of its API")]
    NoUpstream {
        /// The provider.
        provider: String,
    },
    /// The token may not be sent there.
    #[error("the account's token may not be sent to {host}")]
    Forbidden {
        /// The host.
        host: String,
    },
    /// The provider's entry names a header that is none.
    #[error("the provider's entry has an unusable header `{name}`")]
    Header {
        /// As written.
        name: String,
    },
    /// The way there cannot be prepared.
    #[error("the way to the upstream cannot be prepared: {detail}")]
    Way {
        /// What is wrong with it.
        detail: String,
    },
}

impl TargetError {
    /// What to do.
    pub(super) fn hint(&self, route: &str) -> String {
        match self {
            Self::NoUpstream { .. } => format!("say `gateway.routes.{route}.upstream`"),
            Self::Forbidden { host } => {
                format!("if the provider's API is there, add \"{host}\" to `gateway.routes.{route}.hosts`")
            }
            Self::Header { .. } => "correct the provider's entry; see docs/providers.md".to_owned(),
            Self::Way { .. } => {
                "check `network.ca_file`, `network.proxy` and HTTPS_PROXY; `bursar doctor` tests them"
                    .to_owned()
            }
        }
    }
}
