//! Signing keys: made at first need, published before they sign, kept until the last token they signed has ended.
//!
//! Whoever verifies our tokens keeps a copy of the published keys for a while. A new key is therefore known to all of
//! them before it signs, and an old one stays as long as it may be asked for.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::AuthorizationServer;
use super::records::signing_key::{SIGNING_KEY, SigningKeyRecord};
use super::refusal::IssueError;
use crate::engine::vault::{Place, SealedKind, VaultError};
use crate::oauth::jose::{Algorithm, KeySet, PublicKey};
use crate::oauth::signing::SigningKey;
use crate::ports::document::{self, Document as _};
use crate::ports::event::Event;
use crate::ports::store::{Commit, Expected, StoreError, Version};

/// All keys that are published.
#[derive(Debug)]
pub(super) struct KeyRing {
    keys: Vec<RingKey>,
    public: KeySet,
}

#[derive(Debug)]
struct RingKey {
    record: SigningKeyRecord,
    version: Version,
    key: SigningKey,
}

/// The key ring of one process, read again when keys have changed.
#[derive(Default)]
pub(super) struct Keys {
    ring: Mutex<Option<(u64, Arc<KeyRing>)>>,
    reading: tokio::sync::Mutex<()>,
}

impl Keys {
    fn forget(&self) {
        *self.ring.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl KeyRing {
    /// The public halves, for whoever verifies.
    pub(super) fn public(&self) -> &KeySet {
        &self.public
    }

    /// The key that signs with `algorithm` now: the latest whose time has come and is not over.
    fn signer(&self, algorithm: Algorithm, now: Timestamp) -> Option<&RingKey> {
        let unended = || self.of(algorithm).filter(|key| !key.record.has_ended(now));
        unended()
            .filter(|key| key.record.signs_from <= now)
            .max_by_key(|key| (key.record.signs_from, &key.record.id))
            // A clock that was set back must not leave us without a key.
            .or_else(|| unended().min_by_key(|key| key.record.signs_from))
    }

    /// The key that takes the place of `removed`, which is the one before it: everybody knows that already. None, if the
    /// time of `removed` was over.
    fn in_place_of(&self, removed: &RingKey, now: Timestamp) -> Option<&RingKey> {
        let started = |key: &RingKey| (key.record.signs_from, key.record.id.clone());
        self.of(removed.record.algorithm)
            .filter(|key| !removed.record.has_ended(now) && started(key) < started(removed))
            .max_by_key(|key| started(key))
    }

    /// Whether one of the keys should not be published any more.
    fn has_outlived(&self, now: Timestamp) -> bool {
        self.keys.iter().any(|key| key.record.published_until.is_some_and(|until| until <= now))
    }

    fn of(&self, algorithm: Algorithm) -> impl Iterator<Item = &RingKey> {
        self.keys.iter().filter(move |key| key.record.algorithm == algorithm)
    }
}

impl AuthorizationServer {
    /// The keys others verify our tokens with (RFC 7517 §5), as JSON.
    pub async fn published_keys(&self) -> Result<Value, IssueError> {
        for algorithm in ALWAYS_THERE {
            self.signing_key(algorithm).await?;
        }
        Ok(self.ring().await?.public.to_json())
    }

    /// The key that signs with `algorithm` now; made if there is none.
    pub(super) async fn signing_key(&self, algorithm: Algorithm) -> Result<SigningKey, IssueError> {
        loop {
            let now = self.now();
            if let Some(key) = self.ring().await?.signer(algorithm, now) {
                return Ok(key.key.clone());
            }
            Box::pin(self.add_missing_key(algorithm, now)).await?;
        }
    }

    async fn add_missing_key(&self, algorithm: Algorithm, now: Timestamp) -> Result<(), IssueError> {
        let _only_one = self.within.keys.reading.lock().await;
        if self.ring_unlocked().await?.signer(algorithm, now).is_none() {
            // Published keys are made all together, so nobody has fetched them without this one.
            self.add_key(algorithm, now, None).await?;
        }
        Ok(())
    }

    /// Publishes successors of keys that have signed for long enough. How many.
    pub async fn rotate_keys(&self) -> Result<usize, IssueError> {
        let age = self.rules().key_age;
        self.succeed_keys(|key, now| later(key.signs_from, age) <= now, PUBLISHED_BEFORE).await
    }

    /// Publishes a successor of every key, which signs when all who verify know it.
    pub async fn renew_keys(&self) -> Result<usize, IssueError> {
        self.succeed_keys(|_, _| true, PUBLISHED_BEFORE).await
    }

    /// Removes a key at once. The one before it signs on until the one after it does; where there is neither, another is
    /// made. Every token it signed is refused from now on by all who ask us; who keeps a copy of the keys believes it until
    /// that copy is old.
    pub async fn remove_key(&self, id: &str) -> Result<bool, IssueError> {
        loop {
            let ring = self.ring().await?;
            let Some(known) = ring.keys.iter().find(|key| key.record.id == id) else { return Ok(false) };
            let now = self.now();
            let event = Event::new(now, "signing_key.removed", id);
            let mut batch = self.change(event).delete(&SIGNING_KEY, id, known.version);
            if let Some(before) = ring.in_place_of(known, now) {
                let signs_on = self.signing_until(before, known.record.signs_until);
                batch = document::put(batch, &signs_on, Expected::Version(before.version))?;
            }
            match self.store().commit(batch).await?.value {
                Commit::Done(_) => {
                    self.signing_key(known.record.algorithm).await?;
                    return Ok(true);
                }
                Commit::Conflict { .. } => self.within.keys.forget(),
            }
        }
    }

    /// Every published key, the oldest first.
    pub async fn keys(&self) -> Result<Vec<SigningKeyRecord>, IssueError> {
        let mut keys: Vec<SigningKeyRecord> =
            self.ring().await?.keys.iter().map(|key| key.record.clone()).collect();
        keys.sort_by_key(|key| key.published_at);
        Ok(keys)
    }

    pub(super) async fn ring(&self) -> Result<Arc<KeyRing>, IssueError> {
        self.within.known.catch_up().await?;
        if let Some(ring) = self.kept_ring() {
            return Ok(ring);
        }
        // On the heap, so that all that sign are not as large as what is done once.
        Box::pin(async {
            let _only_one = self.within.keys.reading.lock().await;
            self.ring_unlocked().await
        })
        .await
    }

    async fn ring_unlocked(&self) -> Result<Arc<KeyRing>, IssueError> {
        self.within.known.catch_up().await?;
        if let Some(ring) = self.kept_ring() {
            return Ok(ring);
        }
        let changed = self.within.known.keys_changed();
        let ring = Arc::new(self.read_ring().await?);
        let mut kept = self.within.keys.ring.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((changed, Arc::clone(&ring)));
        Ok(ring)
    }

    fn kept_ring(&self) -> Option<Arc<KeyRing>> {
        // What is kept open goes the way of the vault's key.
        if !self.engine().is_unlocked() {
            return None;
        }
        let kept = self.within.keys.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let (changed, ring) = kept.as_ref()?;
        // A key whose time is over goes without anybody having changed it.
        let is_current = *changed == self.within.known.keys_changed() && !ring.has_outlived(self.now());
        is_current.then(|| Arc::clone(ring))
    }

    async fn read_ring(&self) -> Result<KeyRing, IssueError> {
        let vault = self.engine().vault().await?;
        let records = document::list::<SigningKeyRecord>(self.store(), self.space()).await?;
        let mut keys = Vec::new();
        for stored in records {
            let record = stored.document;
            let place = Place { space: self.space(), kind: SealedKind::SigningKey, key: &record.id };
            let private = vault.open(place, &record.private)?;
            let key = SigningKey::from_pkcs8(&private).map_err(|_| damaged(&record.id))?;
            keys.push(RingKey { key, record, version: stored.version });
        }
        let public: Result<Vec<PublicKey>, _> = keys.iter().map(|key| key.key.public_key()).collect();
        let public = KeySet::new(public.map_err(|_| IssueError::Signing)?);
        Ok(KeyRing { keys, public })
    }

    /// Makes a key that signs from `now` on, or later if it succeeds another.
    async fn add_key(
        &self,
        algorithm: Algorithm,
        signs_from: Timestamp,
        predecessor: Option<&RingKey>,
    ) -> Result<(), IssueError> {
        let (key, private) = SigningKey::generate(algorithm).map_err(|_| IssueError::Signing)?;
        let public = key.public_key().map_err(|_| IssueError::Signing)?;
        let id = key.key_id().unwrap_or_default().to_owned();
        let vault = self.engine().vault().await?;
        let place = Place { space: self.space(), kind: SealedKind::SigningKey, key: &id };
        let now = self.now();
        let record = SigningKeyRecord {
            algorithm,
            private: vault.seal(place, &private, self.random()),
            public: public.to_jwk(),
            published_at: now,
            signs_from,
            signs_until: None,
            published_until: None,
            id,
        };
        let event =
            Event::new(now, "signing_key.published", record.id.clone()).with("algorithm", algorithm.name());
        let mut batch = document::put(self.change(event), &record, Expected::Absent)?;
        if let Some(predecessor) = predecessor {
            let old = self.signing_until(predecessor, Some(signs_from));
            batch = document::put(batch, &old, Expected::Version(predecessor.version))?;
        }
        // Somebody else has made one meanwhile: theirs is as good.
        self.store().commit(batch).await?;
        Ok(())
    }

    /// A key that signs until `end`, and is published until the last token it signs has ended.
    fn signing_until(&self, key: &RingKey, end: Option<Timestamp>) -> SigningKeyRecord {
        let longest = self.rules().longest_token();
        SigningKeyRecord {
            signs_until: end,
            published_until: end.map(|end| later(later(end, longest), KEPT_LONGER)),
            ..key.record.clone()
        }
    }

    async fn succeed_keys(
        &self,
        is_due: impl Fn(&SigningKeyRecord, Timestamp) -> bool,
        published_before: SignedDuration,
    ) -> Result<usize, IssueError> {
        let ring = self.ring().await?;
        let now = self.now();
        let mut succeeded = 0;
        for key in ring.keys.iter().filter(|key| key.record.signs_until.is_none()) {
            if is_due(&key.record, now) {
                self.add_key(key.record.algorithm, later(now, published_before), Some(key)).await?;
                succeeded += 1;
            }
        }
        Ok(succeeded)
    }
}

fn damaged(id: &str) -> IssueError {
    let kind = SigningKeyRecord::KIND.name;
    VaultError::Store(StoreError::Damaged(format!("{kind} `{id}` cannot be read"))).into()
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keys")
    }
}

/// All that may ever sign: whoever has fetched the keys before the first token of a kind must be able to verify it.
const ALWAYS_THERE: [Algorithm; 3] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256];
/// How long a copy of the published keys may be kept, as told with them (`Cache-Control: max-age`).
pub const KEYS_MAX_AGE: SignedDuration = SignedDuration::from_hours(1);
/// Long enough for every copy to be old, and for a person to notice.
const PUBLISHED_BEFORE: SignedDuration = SignedDuration::from_hours(24);
/// For clocks that differ.
const KEPT_LONGER: SignedDuration = SignedDuration::from_hours(1);
