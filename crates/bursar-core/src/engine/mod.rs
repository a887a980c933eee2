//! The use cases: read, decide by the pure rules, commit, answer.
//!
//! [`Engine`] holds the ports; each use case is an `impl Engine` in its own file. A hand-out starts in [`broker`].

pub mod accounts;
mod addressed;
pub mod broker;
pub mod cleanup;
mod credentials;
mod events;
pub mod examination;
mod following;
pub mod gateway_tokens;
pub mod issuer;
pub mod keeper;
pub mod lease;
pub mod login;
pub mod logout;
pub mod moving;
pub mod probe;
mod providers;
pub mod proving;
pub mod records;
mod renewal;
pub mod sandboxes;
pub mod selection;
pub mod sessions;
mod shelf;
mod userinfo;
pub mod vault;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use crate::lifecycle::reference::AccountReference;
use crate::ports::clock::Clock;
use crate::ports::document;
use crate::ports::key_source::KeySources;
use crate::ports::processes::Processes;
use crate::ports::random::Random;
use crate::ports::refresh_lock::RefreshLock;
use crate::ports::store::{Batch, CommitId, Incarnation, Space, Store, StoreError};
use crate::ports::tasks::Tasks;
use crate::ports::upstream::Upstream;
use crate::provider::Catalogue;

/// Everything the use cases need from the world.
#[derive(Clone, Debug)]
pub struct Ports {
    /// Records.
    pub store: Arc<dyn Store>,
    /// Outgoing HTTP.
    pub upstream: Arc<dyn Upstream>,
    /// One refresher at a time.
    pub refresh_lock: Arc<dyn RefreshLock>,
    /// The master key.
    pub key_sources: Arc<dyn KeySources>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Work that outlives its caller.
    pub tasks: Arc<dyn Tasks>,
    /// Who else runs on this machine.
    pub processes: Arc<dyn Processes>,
    /// Provider descriptions.
    pub catalogue: Arc<Catalogue>,
}

/// The use cases of one sandbox. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine {
    ports: Ports,
    space: Space,
    network: Arc<NetworkRules>,
    /// When this process last noted a use of an account, so that most hand-outs write and ask nothing.
    noted_uses: Arc<Mutex<HashMap<AccountReference, Timestamp>>>,
    /// Only where one process hands out again and again.
    shelf: Option<shelf::SharedShelf>,
    vault: Arc<vault::Door>,
    /// The sandbox it works in; `None`: the installation itself.
    tenancy: Option<Arc<vault::Tenancy>>,
}

/// What the operator says about calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkRules {
    /// The longest one call may take; longer than the general limit has no effect.
    pub call_time: Option<Duration>,
    /// Proxies by provider; the empty text means none at all.
    pub proxies: BTreeMap<String, String>,
}

impl Engine {
    /// Use cases on `space`, which must be a sandbox.
    pub fn new(ports: Ports, space: Space) -> Self {
        Self {
            ports,
            space,
            network: Arc::default(),
            noted_uses: Arc::default(),
            shelf: None,
            vault: Arc::default(),
            tenancy: None,
        }
    }

    /// The same with the operator's rules for calls.
    #[must_use]
    pub fn with_network(self, network: NetworkRules) -> Self {
        Self { network: Arc::new(network), ..self }
    }

    /// The same, keeping opened tokens for a moment: for a process that hands out again and again.
    #[must_use]
    pub fn with_shelf(self) -> Self {
        let empty = shelf::Shelf::new(self.ports.store.watch());
        Self { shelf: Some(Arc::new(empty)), ..self }
    }

    /// The same store and vault with what a new configuration says: catalogue, outgoing HTTP, rules for calls.
    #[must_use]
    pub fn reconfigured(
        &self,
        catalogue: Arc<Catalogue>,
        upstream: Arc<dyn Upstream>,
        network: NetworkRules,
    ) -> Self {
        let ports = Ports { upstream, catalogue, ..self.ports.clone() };
        Self { ports, network: Arc::new(network), ..self.clone() }
    }

    /// The same use cases on another store, with a vault of its own that nobody has opened yet.
    #[must_use]
    pub fn on_store(&self, store: Arc<dyn Store>) -> Self {
        let ports = Ports { store, ..self.ports.clone() };
        Self { network: Arc::clone(&self.network), ..Self::new(ports, self.space.clone()) }
    }

    /// The ports, for what needs no use case.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The sandbox.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The life the store is living.
    async fn incarnation(&self) -> Result<Incarnation, StoreError> {
        let store = &*self.ports.store;
        let answer = document::get::<Incarnation>(store, &Space::System, Incarnation::CURRENT).await?;
        let stored = answer.value.ok_or_else(|| StoreError::Damaged("it has lost its incarnation".into()))?;
        Ok(stored.document)
    }

    fn now(&self) -> jiff::Timestamp {
        self.ports.clock.now()
    }

    fn batch(&self) -> Batch {
        Batch::new(self.space.clone(), self.commit_id())
    }

    /// A commit that goes by the name of what it brings about, which nothing else has.
    fn batch_of(&self, new_name: &str) -> Batch {
        Batch::new(self.space.clone(), CommitId(new_name.to_owned()))
    }

    fn commit_id(&self) -> CommitId {
        CommitId::new(self.now(), &*self.ports.random)
    }
}

#[cfg(test)]
mod test_world;
#[cfg(test)]
mod tests;
