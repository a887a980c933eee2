//! Passwords of local users behind the port: Argon2id (RFC 9106), a few at a time and never on a thread that others wait for.

use std::fmt;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use bursar_core::ports::passwords::{Overloaded, Passwords};
use bursar_core::ports::random::Random;
use bursar_core::secret::Secret;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;

/// Hashes with Argon2id on the runtime's threads for slow work.
#[derive(Clone)]
pub struct Argon2Passwords {
    random: Arc<dyn Random>,
    parameters: Params,
    /// Those being hashed: each takes a core and [`MEMORY`].
    working: Arc<Semaphore>,
    /// Those being hashed or waiting for it.
    waiting: Arc<Semaphore>,
}

impl Argon2Passwords {
    /// As the machine allows, and with the parameters of today.
    pub fn new(random: Arc<dyn Random>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let parameters = Params::new(MEMORY, PASSES, LANES, None).unwrap_or_default();
        Self::with(random, parameters, cores.min(MOST_AT_ONCE), MOST_WAITING)
    }

    fn with(random: Arc<dyn Random>, parameters: Params, at_once: usize, waiting: usize) -> Self {
        let (working, waiting) = (Arc::new(Semaphore::new(at_once)), Arc::new(Semaphore::new(waiting)));
        Self { random, parameters, working, waiting }
    }

    /// Does slow work when its turn comes. It is done to its end even if nobody waits for it any more, and counts as long.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Overloaded)?;
        let turn = Arc::clone(&self.working).acquire_owned().await.map_err(|_| Overloaded)?;
        let ended = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((turn, place));
            done
        });
        ended.await.map_err(|error| {
            tracing::error!(%error, "a password could not be hashed");
            Overloaded
        })
    }

    fn hasher(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.parameters.clone())
    }
}

impl Passwords for Argon2Passwords {
    fn hash(&self, password: Secret) -> BoxFuture<'_, Result<String, Overloaded>> {
        let mut salt = [0; SALT];
        self.random.fill(&mut salt);
        let hasher = self.hasher();
        Box::pin(async move {
            let done = self.in_turn(move || hashed(&hasher, &password, &salt)).await?;
            done.ok_or(Overloaded)
        })
    }

    fn verifies<'a>(
        &'a self,
        password: Secret,
        hash: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, Overloaded>> {
        let hash = hash.map(str::to_owned);
        let hasher = self.hasher();
        Box::pin(self.in_turn(move || {
            if let Some(hash) = hash.as_deref().and_then(readable) {
                return hasher.verify_password(password.expose().as_bytes(), &hash).is_ok();
            }
            // The same work for nothing: nobody learns from the time it takes that there is no hash.
            let _nothing = hashed(&hasher, &password, &[0; SALT]);
            false
        }))
    }

    fn is_outdated(&self, hash: &str) -> bool {
        let Some(hash) = readable(hash) else { return true };
        let parameters = Params::try_from(&hash).ok();
        hash.algorithm != Algorithm::Argon2id.ident()
            || hash.version != Some(Version::V0x13.into())
            || !parameters.is_some_and(|parameters| {
                (parameters.m_cost(), parameters.t_cost(), parameters.p_cost())
                    == (self.parameters.m_cost(), self.parameters.t_cost(), self.parameters.p_cost())
            })
    }
}

fn hashed(hasher: &Argon2<'_>, password: &Secret, salt: &[u8]) -> Option<String> {
    let hash = hasher.hash_password_with_salt(password.expose().as_bytes(), salt);
    hash.map(|hash| hash.to_string()).ok()
}

/// A hash in its PHC form, if checking it costs what it may: whoever can write one must not exhaust the machine.
fn readable(hash: &str) -> Option<PasswordHash> {
    let hash = PasswordHash::new(hash).ok()?;
    let parameters = Params::try_from(&hash).ok()?;
    let is_modest = parameters.m_cost() <= MOST_MEMORY
        && parameters.t_cost() <= MOST_PASSES
        && parameters.p_cost() <= MOST_LANES;
    is_modest.then_some(hash)
}

impl fmt::Debug for Argon2Passwords {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Argon2Passwords({} places)", self.waiting.available_permits())
    }
}

/// KiB. These three are what OWASP's Password Storage Cheat Sheet recommends; some 20 ms on one core.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// RFC 9106 §3.1.
const SALT: usize = 16;
/// 76 MiB at most.
const MOST_AT_ONCE: usize = 4;
/// A second or two of work: whoever comes later than that had better be told.
const MOST_WAITING: usize = 64;
/// For hashes that came from elsewhere.
const MOST_MEMORY: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemRandom;

    fn passwords(memory: u32, waiting: usize) -> Argon2Passwords {
        let parameters = Params::new(memory, 1, 1, None).unwrap();
        Argon2Passwords::with(Arc::new(SystemRandom), parameters, 1, waiting)
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text)
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = passwords(64, 8);
        let hash = passwords.hash(secret("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert_ne!(passwords.hash(secret("correct horse")).await.unwrap(), hash, "every hash has its salt");
        assert!(passwords.verifies(secret("correct horse"), Some(&hash)).await.unwrap());
        for wrong in ["correct hors", "", "correct horse "] {
            assert!(!passwords.verifies(secret(wrong), Some(&hash)).await.unwrap(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn every_byte_of_a_long_password_counts() {
        // bcrypt looks at 72.
        let (passwords, same) = (passwords(64, 8), "correct horse ".repeat(73));
        let hash = passwords.hash(secret(&format!("{same}a"))).await.unwrap();
        assert!(passwords.verifies(secret(&format!("{same}a")), Some(&hash)).await.unwrap());
        for other in [format!("{same}b"), same.clone(), same[..72].to_owned()] {
            assert!(!passwords.verifies(secret(&other), Some(&hash)).await.unwrap(), "{}", other.len());
        }
    }

    #[tokio::test]
    async fn the_reference_implementation_agrees() {
        // argon2-cffi, hash_secret of `correct horse` with the salt 0123456789abcdef, type ID.
        let hash = REFERENCE;
        assert!(passwords(64, 8).verifies(secret("correct horse"), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn what_is_no_hash_or_a_greedy_one_fits_nothing() {
        let passwords = passwords(64, 8);
        let greedy = REFERENCE.replace("m=64,", "m=4194304,");
        for hash in [None, Some(""), Some("correct horse"), Some("$2b$12$abc"), Some(greedy.as_str())] {
            assert!(!passwords.verifies(secret("correct horse"), hash).await.unwrap(), "{hash:?}");
        }
    }

    #[tokio::test]
    async fn other_parameters_are_outdated_and_still_verify() {
        let (old, new) = (passwords(64, 8), passwords(128, 8));
        let hash = old.hash(secret("correct horse")).await.unwrap();
        assert!(!old.is_outdated(&hash));
        assert!(new.is_outdated(&hash));
        assert!(new.is_outdated("no hash"));
        assert!(new.verifies(secret("correct horse"), Some(&hash)).await.unwrap());
    }

    #[tokio::test]
    async fn who_comes_when_all_places_are_taken_is_told_so() {
        let passwords = passwords(64, 1);
        let taken = Arc::clone(&passwords.waiting).try_acquire_owned().unwrap();
        assert_eq!(passwords.hash(secret("correct horse")).await, Err(Overloaded));
        assert_eq!(passwords.verifies(secret("correct horse"), None).await, Err(Overloaded));
        drop(taken);
        assert!(passwords.hash(secret("correct horse")).await.is_ok());
    }

    const REFERENCE: &str =
        "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MjZP1+1U9JUbDWvDvtLyEsZiNXOKEUxfi6O2oe46uxA";
}
