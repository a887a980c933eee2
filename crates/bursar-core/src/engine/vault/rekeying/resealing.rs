//! Records of one kind, a page at a time: what the key before has sealed is sealed with the one of today, under the
//! condition that nobody has changed the record meanwhile. Whoever has, comes first, and is looked at again.

use futures::future::join_all;
use jiff::Timestamp;

use crate::engine::Engine;
use crate::engine::issuer::records::signing_key::SigningKeyRecord;
use crate::engine::login::RegisteredClient;
use crate::engine::records::Revocation;
use crate::engine::sandboxes::Sandbox;
use crate::engine::vault::census::{Holds, SealedKind};
use crate::engine::vault::cipher::key_id;
use crate::engine::vault::{Place, Vault};
use crate::lifecycle::account::Account;
use crate::ports::document;
use crate::ports::store::{Batch, Commit, Expected, Page, Record, Space, StoreError};

/// Records on their way from one key to another.
pub(super) struct Resealing<'a> {
    pub(super) engine: &'a Engine,
    pub(super) vault: &'a Vault,
    /// Where the records are.
    pub(super) space: &'a Space,
    /// The number of the key that makes way.
    pub(super) from: u32,
    /// Since when all seal with the next one.
    pub(super) since: Timestamp,
}

/// What was done with a page, or with one record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    /// The last record; `None`: there is nothing after this page.
    pub(super) last: Option<String>,
    pub(super) records: u64,
    pub(super) found: u64,
    pub(super) resealed: u64,
    pub(super) held_back: u64,
    pub(super) broken: u64,
}

impl Resealing<'_> {
    /// Looks at one page of records of `kind`.
    pub(super) async fn page(&self, kind: SealedKind, page: Page) -> Result<Looked, StoreError> {
        match kind {
            SealedKind::Account => self.page_of::<Account>(kind, page).await,
            SealedKind::Revocation => self.page_of::<Revocation>(kind, page).await,
            SealedKind::RegisteredClient => self.page_of::<RegisteredClient>(kind, page).await,
            SealedKind::SigningKey => self.page_of::<SigningKeyRecord>(kind, page).await,
            SealedKind::Sandbox => self.page_of::<Sandbox>(kind, page).await,
        }
    }

    async fn page_of<T: Holds>(&self, kind: SealedKind, page: Page) -> Result<Looked, StoreError> {
        let limit = page.limit;
        let records = self.engine.ports.store.list(self.space, kind.record(), page).await?.value;
        let last = records.last().filter(|_| records.len() == limit).map(|record| record.key.clone());
        let mut looked = Looked { last, records: records.len() as u64, ..Looked::default() };
        let mut records = records.into_iter().peekable();
        while records.peek().is_some() {
            let beside = records.by_ref().take(BESIDE_EACH_OTHER);
            for one in join_all(beside.map(|record| self.record::<T>(kind, record))).await {
                let one = one?;
                looked.found += one.found;
                looked.resealed += one.resealed;
                looked.held_back += one.held_back;
                looked.broken += one.broken;
            }
        }
        Ok(looked)
    }

    async fn record<T: Holds>(&self, kind: SealedKind, mut record: Record) -> Result<Looked, StoreError> {
        let store = &*self.engine.ports.store;
        for _ in 0..TRIES {
            let Ok(stored) = document::decode::<T>(&record) else {
                // Somebody may repair it, and needs the key then.
                tracing::warn!(kind = kind.record().name, key = record.key, "a record cannot be read");
                return Ok(Looked { held_back: 1, ..Looked::default() });
            };
            let mut document = stored.document;
            let is_held_back = document.under_way_since().is_some_and(|since| since < self.since);
            let one = Looked { held_back: u64::from(is_held_back), ..Looked::default() };
            match self.sealed_again(kind, &mut document) {
                None => return Ok(one),
                Some(Ok(())) => {}
                Some(Err(())) => {
                    tracing::warn!(
                        kind = kind.record().name,
                        key = record.key,
                        "its secrets open with no key"
                    );
                    return Ok(Looked { broken: 1, ..one });
                }
            }
            let batch = Batch::new(self.space.clone(), self.engine.commit_id());
            let batch = document::put(batch, &document, Expected::Version(stored.version))?;
            match store.commit(batch).await?.value {
                Commit::Done(_) => return Ok(Looked { found: 1, resealed: 1, ..one }),
                Commit::Conflict { .. } => {
                    let latest = store.get(self.space, kind.record(), &record.key).await?.value;
                    let Some(latest) = latest else { return Ok(Looked::default()) };
                    record = latest;
                }
            }
        }
        // Somebody writes it again and again: the next look finds it.
        Ok(Looked { found: 1, held_back: 1, ..Looked::default() })
    }

    /// Seals anew what the key before has sealed; `None`: nothing is.
    fn sealed_again<T: Holds>(&self, kind: SealedKind, document: &mut T) -> Option<Result<(), ()>> {
        let mut done = None;
        for (key, sealed) in document.sealed() {
            if sealed.0.is_empty() || key_id(sealed).is_some_and(|id| id > self.from) {
                continue;
            }
            let place = Place { space: self.space, kind, key: &key };
            let Ok(plain) = self.vault.open(place, sealed) else { return Some(Err(())) };
            *sealed = self.vault.seal(place, &plain, &*self.engine.ports.random);
            done = Some(Ok(()));
        }
        done
    }
}

/// Stores write several commits at once as fast as one.
const BESIDE_EACH_OTHER: usize = 16;
/// Hardly any record is written twice within milliseconds.
const TRIES: u32 = 8;
