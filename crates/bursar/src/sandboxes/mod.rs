//! Sandboxes as a server answers for them: one authorization server each, found by where a request goes, made when it is
//! asked for first, and let go when its sandbox is not what it was.
//!
//! Which sandboxes there are is decided by the engine; `address` says where each one is. What they answer is built by
//! `http`, just as for the server around them. What they do by themselves is in `looking_after`.

pub(crate) mod address;
mod looking_after;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::engine::sandboxes::Sandbox;
use bursar_core::engine::sandboxes::directory::Directory;
use bursar_core::ports::store::{SandboxId, StoreError};
use http::request::Parts;

use self::address::{foreign_host, issuer_of, named_by};
use crate::http::administration;
use crate::http::oauth::{Issuing, router};
use crate::http::pages::Look;

/// The authorization servers of an installation's sandboxes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SandboxServers {
    within: Arc<Within>,
}

#[derive(Debug)]
struct Within {
    /// The server around them.
    around: AuthorizationServer,
    look: Arc<Look>,
    directory: Directory,
    open: Mutex<HashMap<SandboxId, Open>>,
}

/// One sandbox's server with its routes.
#[derive(Clone, Debug)]
pub struct SandboxServer {
    /// Its routes, with all of the path in front of them.
    pub router: Router,
    /// The use cases.
    pub server: AuthorizationServer,
}

#[derive(Debug)]
struct Open {
    server: Arc<SandboxServer>,
    sandbox: Sandbox,
    last_used: Duration,
}

impl SandboxServers {
    /// Those of the installation that `around` is the server of, whose pages look like `look`.
    pub fn new(around: AuthorizationServer, look: Arc<Look>) -> Self {
        let directory = Directory::new(around.engine().clone());
        Self { within: Arc::new(Within { around, look, directory, open: Mutex::default() }) }
    }

    /// The server around them.
    pub fn around(&self) -> &AuthorizationServer {
        &self.within.around
    }

    /// Whether a request with this head can be for a sandbox at all, by the look of it.
    pub fn may_be_asked_for(&self, head: &Parts) -> bool {
        let issuer = &self.around().rules().issuer;
        foreign_host(head, issuer).is_some() || named_by(head.uri.path(), issuer).is_some()
    }

    /// The server that a request with this head is for; `None`: the one around them.
    ///
    /// # Errors
    /// The store does not say which sandboxes there are.
    pub async fn asked_for(&self, head: &Parts) -> Result<Option<Arc<SandboxServer>>, StoreError> {
        let Within { around, directory, .. } = &*self.within;
        let issuer = &around.rules().issuer;
        if let Some(host) = foreign_host(head, issuer)
            && let Some(found) = directory.at_host(host.as_str()).await?
        {
            return Ok(self.open(&found.document));
        }
        let Some(name) = named_by(head.uri.path(), issuer) else { return Ok(None) };
        // One that has a host of its own is nowhere else.
        let found = directory.named(name.as_str()).await?.filter(|found| found.document.host.is_none());
        Ok(found.and_then(|found| self.open(&found.document)))
    }

    /// The use cases of a sandbox; `None`: it cannot be reached as the server is now.
    pub fn of(&self, sandbox: &Sandbox) -> Option<AuthorizationServer> {
        let around = self.around();
        match issuer_of(&around.rules().issuer, sandbox.name.as_str(), sandbox.host.as_ref()) {
            Ok(issuer) => Some(around.of_sandbox(sandbox, issuer)),
            Err(error) => {
                tracing::warn!(sandbox = sandbox.name.as_str(), %error, "a sandbox has no usable address");
                None
            }
        }
    }

    fn open(&self, sandbox: &Sandbox) -> Option<Arc<SandboxServer>> {
        let now = self.around().engine().ports().clock.stopwatch();
        if let Some(open) = self.servers().get_mut(&sandbox.space).filter(|open| open.sandbox == *sandbox) {
            open.last_used = now;
            return Some(Arc::clone(&open.server));
        }
        let server = self.of(sandbox)?;
        let issuing = Issuing::new(server.clone(), Arc::clone(&self.within.look));
        let router = router(issuing).merge(administration::router(&server));
        let server = Arc::new(SandboxServer { router, server });
        let mut servers = self.servers();
        if servers.len() >= MOST_OPEN {
            let oldest = servers.iter().min_by_key(|(_, open)| open.last_used);
            if let Some(oldest) = oldest.map(|(space, _)| space.clone()) {
                servers.remove(&oldest);
            }
        }
        let open = Open { server: Arc::clone(&server), sandbox: sandbox.clone(), last_used: now };
        servers.insert(sandbox.space.clone(), open);
        Some(server)
    }

    /// No invariant spans two entries in a way that a panic could break.
    fn servers(&self) -> MutexGuard<'_, HashMap<SandboxId, Open>> {
        self.within.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each has routes and caches of some hundred kilobytes, and can be made again in a moment.
const MOST_OPEN: usize = 256;
