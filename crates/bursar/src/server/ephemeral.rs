//! What a server without files has instead of them: a key that nobody keeps, and locks that end with the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::key_source::{CreatedKey, KeyError, KeySources, MasterKey};
use bursar_core::ports::random::Random;
use bursar_core::ports::refresh_lock::{LockError, RefreshLock, RefreshPermit};
use bursar_core::ports::store::Space;
use futures::future::{BoxFuture, Either, select};
use tokio::sync::OwnedMutexGuard;

/// One random key for as long as the process lives.
#[derive(Debug)]
pub(crate) struct ThrowAwayKey(MasterKey);

impl ThrowAwayKey {
    pub(crate) fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(MasterKey::new(bytes))
    }
}

impl KeySources for ThrowAwayKey {
    fn existing<'a>(&'a self, _recorded: &'a str) -> BoxFuture<'a, Result<MasterKey, KeyError>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn create(&self) -> BoxFuture<'_, Result<CreatedKey, KeyError>> {
        Box::pin(async { Ok(CreatedKey { key: self.0.clone(), recorded: "memory".to_owned() }) })
    }
}

/// Whose turn it is to refresh one account.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// One refresher at a time in this process.
#[derive(Debug)]
pub(crate) struct InProcessLock {
    clock: Arc<dyn Clock>,
    accounts: Mutex<HashMap<(Space, String), Turn>>,
}

impl InProcessLock {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, accounts: Mutex::default() }
    }
}

impl RefreshLock for InProcessLock {
    fn acquire<'a>(
        &'a self,
        space: &'a Space,
        account: &'a str,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Option<Box<dyn RefreshPermit>>, LockError>> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = Arc::clone(accounts.entry((space.clone(), account.to_owned())).or_default());
        drop(accounts);
        Box::pin(async move {
            let locked = std::pin::pin!(lock.lock_owned());
            Ok(match select(locked, self.clock.sleep(wait)).await {
                Either::Left((guard, _)) => Some(Box::new(Held { _guard: guard }) as Box<dyn RefreshPermit>),
                Either::Right(_) => None,
            })
        })
    }
}

#[derive(Debug)]
struct Held {
    _guard: OwnedMutexGuard<()>,
}

impl RefreshPermit for Held {
    fn remaining(&self) -> Option<Duration> {
        None
    }
}
