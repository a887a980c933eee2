//! The accounts of sandboxes: each sandbox that has some is looked at when its next account falls due, and all of them are
//! looked through twice a minute for new ones.
//!
//! Together they have one crew, beside that of the installation's own accounts: no tenant keeps those waiting.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::crew::Crew;
use super::watchman::Jump;
use super::{Keeper, LONGEST_NAP, TROUBLE};
use crate::engine::sandboxes::Sandboxes;
use crate::engine::vault::VaultError;
use crate::lifecycle::account::Account;
use crate::ports::document::Document as _;
use crate::ports::store::{SandboxId, Space, StoreError};

/// The keepers of sandboxes.
#[derive(Debug)]
pub(super) struct Tenants {
    pub(super) crew: Arc<Crew>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    keepers: HashMap<SandboxId, Tenant>,
    /// By the stopwatch: when all sandboxes are looked through again.
    next_walk: Duration,
}

#[derive(Clone, Debug)]
struct Tenant {
    keeper: Keeper,
    /// By the stopwatch.
    next_look: Duration,
}

impl Default for Tenants {
    fn default() -> Self {
        Self { crew: Arc::new(Crew::shared(MOST_FOR_ONE)), known: Mutex::default() }
    }
}

impl Tenants {
    /// Everything is tried again at the next look.
    pub(super) fn wake(&self) {
        self.known().keepers.values().for_each(|tenant| tenant.keeper.wake());
        self.crew.look_again();
    }

    /// Whose time has come.
    fn due(&self, stopwatch: Duration) -> Vec<(SandboxId, Keeper)> {
        let known = self.known();
        let is_due = |tenant: &Tenant| tenant.next_look <= stopwatch || tenant.keeper.state().is_stirred;
        let due = known.keepers.iter().filter(|(_, tenant)| is_due(tenant));
        due.map(|(space, tenant)| (space.clone(), tenant.keeper.clone())).collect()
    }

    /// No invariant spans two entries in a way that a panic could break.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper {
    /// Starts what is due in sandboxes, and tells how long nothing will be.
    pub(super) async fn round_of_tenants(&self, jump: Option<Jump>) -> Result<Duration, StoreError> {
        let (tenants, clock) = (&*self.tenants, &*self.engine.ports.clock);
        let now = clock.stopwatch();
        if jump.is_some() || tenants.known().next_walk <= now {
            self.look_through_sandboxes().await?;
            tenants.known().next_walk = now + LONGEST_NAP;
        }
        let whose = if jump.is_some() { Duration::MAX } else { now };
        for (space, keeper) in tenants.due(whose) {
            let looked = match keeper.engine.sandbox_now().await {
                Err(VaultError::SandboxEnded { .. }) => {
                    tenants.known().keepers.remove(&space);
                    continue;
                }
                _ => keeper.round(jump).await,
            };
            // What is wrong in one sandbox keeps no other waiting.
            let pause = looked.unwrap_or_else(|error| {
                tracing::warn!(space = space.as_str(), %error, "the schedule of a sandbox cannot be read");
                TROUBLE
            });
            if let Some(tenant) = tenants.known().keepers.get_mut(&space) {
                tenant.next_look = now + pause;
            }
        }
        let known = tenants.known();
        let looks = known.keepers.values().map(|tenant| tenant.next_look);
        let next = looks.chain([known.next_walk]).min().unwrap_or(Duration::MAX);
        Ok(next.saturating_sub(clock.stopwatch()))
    }

    /// Finds sandboxes that have come, and lets go of those that have gone or have no account that can be renewed.
    async fn look_through_sandboxes(&self) -> Result<(), StoreError> {
        let (engine, tenants) = (&self.engine, &*self.tenants);
        let mut walk = Sandboxes::new(engine.clone()).walk();
        let mut found = HashSet::new();
        while let Some(sandbox) = walk.next().await? {
            let space = Space::Sandbox(sandbox.space.clone());
            let due = engine.ports.store.due(&space, Account::KIND, Timestamp::MAX, 1).await?.value;
            if due.records.is_empty() {
                continue;
            }
            let (engine, nightly) = (engine.in_sandbox(&sandbox), self.nightly.clone());
            let mut known = tenants.known();
            let tenant = known.keepers.remove(&sandbox.space).unwrap_or_else(|| {
                let keeper = Self::new(engine.clone(), nightly.clone());
                Tenant {
                    keeper: Self { crew: Arc::clone(&tenants.crew), ..keeper },
                    next_look: Duration::ZERO,
                }
            });
            let tenant = Tenant { keeper: tenant.keeper.on(engine, nightly), ..tenant };
            known.keepers.insert(sandbox.space.clone(), tenant);
            found.insert(sandbox.space);
        }
        tenants.known().keepers.retain(|space, _| found.contains(space));
        Ok(())
    }
}

/// A quarter of the crew: three others have their turn beside the one with the most accounts.
const MOST_FOR_ONE: usize = 8;
