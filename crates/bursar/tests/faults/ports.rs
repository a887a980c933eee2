//! Ports for one process: a key that is simply there, a lock in memory, and the real HTTP with a shorter breath.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::config::environment::Environment;
use bursar::config::meaning::NetworkConfig;
use bursar::system::SystemClock;
use bursar::upstream_http::HttpUpstream;
use bursar_core::memory::clock::ManualClock;
use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::key_source::{CreatedKey, KeyError, KeySources, MasterKey};
use bursar_core::ports::refresh_lock::{LockError, RefreshLock, RefreshPermit};
use bursar_core::ports::store::Space;
use bursar_core::ports::upstream::{Request, Response, SendError, SendLimits, Upstream};
use futures::future::{BoxFuture, Either, select};
use http::uri::{Authority, Scheme};
use tokio::sync::OwnedMutexGuard;

/// Always the same key.
#[derive(Debug)]
pub(super) struct FixedKey;

impl KeySources for FixedKey {
    fn existing<'a>(&'a self, _recorded: &'a str) -> BoxFuture<'a, Result<MasterKey, KeyError>> {
        Box::pin(async { Ok(MasterKey::new([7; 32])) })
    }

    fn create(&self) -> BoxFuture<'_, Result<CreatedKey, KeyError>> {
        Box::pin(async { Ok(CreatedKey { key: MasterKey::new([7; 32]), recorded: "fixed".into() }) })
    }
}

/// One refresher at a time in this process; waits by the test's clock.
#[derive(Debug)]
pub(super) struct InProcessLock {
    clock: ManualClock,
    accounts: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl InProcessLock {
    pub(super) fn new(clock: ManualClock) -> Self {
        Self { clock, accounts: Mutex::default() }
    }
}

impl RefreshLock for InProcessLock {
    fn acquire<'a>(
        &'a self,
        _space: &'a Space,
        account: &'a str,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Option<Box<dyn RefreshPermit>>, LockError>> {
        let lock = Arc::clone(self.accounts.lock().unwrap().entry(account.to_owned()).or_default());
        Box::pin(async move {
            let locked = std::pin::pin!(lock.lock_owned());
            Ok(match select(locked, self.clock.sleep(wait)).await {
                Either::Left((guard, _)) => Some(Box::new(Held(guard)) as Box<dyn RefreshPermit>),
                Either::Right(_) => None,
            })
        })
    }
}

#[derive(Debug)]
struct Held(#[expect(dead_code, reason = "dropping it is what it is for")] OwnedMutexGuard<()>);

impl RefreshPermit for Held {
    fn remaining(&self) -> Option<Duration> {
        None
    }
}

/// The real HTTP, with a time limit of its own, and sent somewhere else when the network is to fail.
#[derive(Debug)]
pub(super) struct Wayward {
    real: HttpUpstream,
    way: Mutex<Way>,
}

/// How calls travel.
#[derive(Clone, Debug, Default)]
struct Way {
    patience: Option<Duration>,
    detour: Option<(Scheme, Authority)>,
}

impl Wayward {
    pub(super) fn new() -> Self {
        let real =
            HttpUpstream::new(&Environment::default(), &NetworkConfig::default(), Arc::new(SystemClock));
        Self { real, way: Mutex::default() }
    }

    /// From now on no call takes longer.
    pub(super) fn give_up_after(&self, patience: Duration) {
        self.way.lock().unwrap().patience = Some(patience);
    }

    /// From now on every call goes to this scheme and authority, whatever its URL says; `None` ends that.
    pub(super) fn detour(&self, to: Option<(Scheme, Authority)>) {
        self.way.lock().unwrap().detour = to;
    }
}

impl Upstream for Wayward {
    fn send(
        &self,
        mut request: Request,
        mut limits: SendLimits,
    ) -> BoxFuture<'_, Result<Response, SendError>> {
        let way = self.way.lock().unwrap().clone();
        if let Some(patience) = way.patience {
            limits.time = limits.time.min(patience);
        }
        if let Some((scheme, authority)) = way.detour {
            let mut parts = request.uri().clone().into_parts();
            (parts.scheme, parts.authority) = (Some(scheme), Some(authority));
            *request.uri_mut() = parts.try_into().unwrap();
        }
        self.real.send(request, limits)
    }
}
