//! Names to addresses, with the guard for strangers' URLs.
//!
//! The connector uses exactly the addresses this returns, so a name cannot point elsewhere between check and use.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::internet::Internet;
use super::progress::{Progress, ResolutionFailure, Stage};

/// Resolves for one call.
#[derive(Debug)]
pub(super) struct Resolver {
    progress: Arc<Progress>,
    internet: Internet,
    guarded: bool,
}

impl Resolver {
    /// `guarded`: only addresses of the public internet count.
    pub(super) fn new(progress: Arc<Progress>, internet: Internet, guarded: bool) -> Self {
        Self { progress, internet, guarded }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (progress, internet, guarded) = (Arc::clone(&self.progress), self.internet.clone(), self.guarded);
        Box::pin(async move {
            progress.reached(Stage::Resolving);
            let addresses = internet.addresses(name.as_str()).await.map_err(|error| {
                let detail = error.to_string();
                progress.resolution_failed(ResolutionFailure::Failed {
                    name: name.as_str().to_owned(),
                    detail: detail.clone(),
                });
                detail
            })?;
            let is_allowed = |address: &SocketAddr| !guarded || internet.is_public(address.ip());
            let allowed: Vec<SocketAddr> = addresses.into_iter().filter(is_allowed).collect();
            if allowed.is_empty() {
                progress.resolution_failed(ResolutionFailure::Forbidden);
                return Err("no address is allowed".into());
            }
            progress.reached(Stage::Connecting);
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
