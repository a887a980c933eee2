//! Names to addresses by the operating system, with the guard for strangers' URLs.
//!
//! The connector uses exactly the addresses this returns, so a name cannot point elsewhere between check and use.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address_guard::is_public;
use super::progress::{Progress, ResolutionFailure, Stage};

/// Resolves for one call.
#[derive(Debug)]
pub(super) struct Resolver {
    progress: Arc<Progress>,
    guarded: bool,
}

impl Resolver {
    /// `guarded`: only addresses of the public internet count.
    pub(super) fn new(progress: Arc<Progress>, guarded: bool) -> Self {
        Self { progress, guarded }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (progress, guarded) = (Arc::clone(&self.progress), self.guarded);
        Box::pin(async move {
            progress.reached(Stage::Resolving);
            // Port 0: the connector fills in the URL's.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let addresses = found.and_then(|found| {
                let all: Vec<SocketAddr> = found.collect();
                if all.is_empty() { Err(io::Error::other("the name has no address")) } else { Ok(all) }
            });
            let addresses = addresses.map_err(|error| {
                let detail = error.to_string();
                progress.resolution_failed(ResolutionFailure::Failed {
                    name: name.as_str().to_owned(),
                    detail: detail.clone(),
                });
                detail
            })?;
            let allowed: Vec<SocketAddr> =
                addresses.into_iter().filter(|address| !guarded || is_public(address.ip())).collect();
            if allowed.is_empty() {
                progress.resolution_failed(ResolutionFailure::Forbidden);
                return Err("no address is allowed".into());
            }
            progress.reached(Stage::Connecting);
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
