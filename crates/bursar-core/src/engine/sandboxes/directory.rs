//! Finds sandboxes by name and by host, for every request: most of it is remembered, and forgotten when somebody changes a
//! sandbox anywhere.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::records::{SANDBOX, SANDBOX_HOST, Sandbox, SandboxHost};
use crate::engine::Engine;
use crate::engine::following::{Following, Remembered};
use crate::ports::document::{self, Stored};
use crate::ports::store::{Change, Space, StoreError};

/// What one process knows of sandboxes.
pub struct Directory {
    engine: Engine,
    following: Following,
    known: RwLock<Known>,
}

type Found = Option<Arc<Stored<Sandbox>>>;

#[derive(Default)]
struct Known {
    by_name: HashMap<String, Found>,
    /// Names by host; `None`: nobody's.
    by_host: HashMap<String, Option<String>>,
    /// Counts how often everything was forgotten: what was read before is not kept after.
    forgotten: u64,
}

impl Directory {
    /// Of the installation that `engine` is of; empty at first.
    pub fn new(engine: Engine) -> Self {
        let (store, clock) = (engine.ports.store.clone(), engine.ports.clock.clone());
        Self { engine, following: Following::new(store, Space::System, clock), known: RwLock::default() }
    }

    /// The sandbox of this name as it is now; `None`: there is none, or its time is over.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn named(&self, name: &str) -> Result<Found, StoreError> {
        self.following.catch_up(self).await?;
        let (kept, forgotten) = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            (known.by_name.get(name).cloned(), known.forgotten)
        };
        let found = if let Some(found) = kept {
            found
        } else {
            let store = &*self.engine.ports.store;
            let read = document::get::<Sandbox>(store, &Space::System, name).await?.value.map(Arc::new);
            self.keep(forgotten, |known| {
                known.by_name.insert(name.to_owned(), read.clone());
            });
            read
        };
        let now = self.engine.now();
        Ok(found.filter(|sandbox| !sandbox.document.has_ended(now)))
    }

    /// The sandbox that is reached by this host.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn at_host(&self, host: &str) -> Result<Found, StoreError> {
        if self.is_nobodys(host) {
            return Ok(None);
        }
        self.following.catch_up(self).await?;
        let (kept, forgotten) = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            (known.by_host.get(host).cloned(), known.forgotten)
        };
        let name = if let Some(name) = kept {
            name
        } else {
            let store = &*self.engine.ports.store;
            let claim = document::get::<SandboxHost>(store, &Space::System, host).await?.value;
            let name = claim.map(|claim| String::from(claim.document.sandbox));
            self.keep(forgotten, |known| {
                known.by_host.insert(host.to_owned(), name.clone());
            });
            name
        };
        let Some(name) = name else { return Ok(None) };
        let found = self.named(&name).await?;
        Ok(found.filter(|sandbox| sandbox.document.host.as_ref().is_some_and(|own| own.as_str() == host)))
    }

    /// Whether a host was found to be nobody's a moment ago. Where a proxy names every request by a host of its own, all of
    /// them ask, and none should have to look for changes.
    fn is_nobodys(&self, host: &str) -> bool {
        let known = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.by_host.get(host) == Some(&None)
        };
        known && self.following.looked_ago().is_some_and(|ago| ago < MOMENT)
    }

    fn keep(&self, forgotten: u64, keep: impl FnOnce(&mut Known)) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.forgotten != forgotten {
            return;
        }
        // Whoever asks for names that nobody has must not fill the memory with them.
        if known.by_name.len() + known.by_host.len() >= MOST_KEPT {
            known.by_name.clear();
            known.by_host.clear();
        }
        keep(&mut known);
    }
}

impl Remembered for Directory {
    async fn changed(&self, changes: &[Change]) -> Result<(), StoreError> {
        if changes.iter().any(|change| [SANDBOX.name, SANDBOX_HOST.name].contains(&change.kind.as_str())) {
            self.start_anew().await?;
        }
        Ok(())
    }

    async fn start_anew(&self) -> Result<(), StoreError> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Known { forgotten: known.forgotten + 1, ..Known::default() };
        Ok(())
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Directory")
    }
}

/// A new sandbox's host is known everywhere after this, and after the store has told of it.
const MOMENT: Duration = Duration::from_millis(100);
const MOST_KEPT: usize = 10_000;
