//! The keys derived from the data key that the server works with, made once while the vault is open.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::AuthorizationServer;
use super::refresh_token::RefreshTokens;
use super::refusal::IssueError;
use crate::engine::vault::Vault;
use crate::engine::vault::derivation::{Authenticator, Purpose, Sealer};
use crate::oauth::server::dpop::DpopNonces;

/// Derived keys.
#[derive(Debug)]
pub(super) struct Secrets {
    pub(super) refresh_tokens: RefreshTokens,
    /// Seals opaque access tokens.
    pub(super) opaque: Sealer,
    /// Seals what travels through a browser.
    pub(super) tickets: Sealer,
    /// Authenticates client ids nobody has stored yet.
    pub(super) registered_clients: Authenticator,
    /// Makes nonces for proofs of possession.
    pub(super) proof_nonces: DpopNonces,
    /// Makes the digests of codes that people type.
    pub(super) user_codes: Authenticator,
}

/// Derived keys, or none while the vault is closed.
#[derive(Default)]
pub(super) struct KeptSecrets(Mutex<Option<Kept>>);

struct Kept {
    /// What they were derived from: it is another when its keys have changed.
    vault: Arc<Vault>,
    /// When the first of the keys from before ceases to count.
    until: Option<Timestamp>,
    secrets: Arc<Secrets>,
}

impl AuthorizationServer {
    pub(super) async fn secrets(&self) -> Result<Arc<Secrets>, IssueError> {
        match self.kept_secrets() {
            Some(kept) => Ok(kept),
            // On the heap, so that all that need secrets are not as large as what is done once.
            None => Box::pin(self.derive_secrets()).await,
        }
    }

    fn kept_secrets(&self) -> Option<Arc<Secrets>> {
        let vault = self.engine().open_vault();
        let mut kept = self.within.secrets.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.engine().is_unlocked() {
            *kept = None;
        }
        let (vault, kept) = (vault?, kept.as_ref()?);
        let is_current =
            Arc::ptr_eq(&kept.vault, &vault) && kept.until.is_none_or(|until| until > self.now());
        is_current.then(|| Arc::clone(&kept.secrets))
    }

    async fn derive_secrets(&self) -> Result<Arc<Secrets>, IssueError> {
        let vault = self.engine().vault().await?;
        if let Some(kept) = self.kept_secrets() {
            return Ok(kept);
        }
        let (keys, space, now) = (vault.derivation(), self.space(), self.now());
        let authenticator = |purpose| keys.authenticator(space, purpose, now);
        let nonces = authenticator(Purpose::ProofNonces);
        let secrets = Arc::new(Secrets {
            refresh_tokens: RefreshTokens::new(keys, space, now),
            opaque: keys.sealer(space, Purpose::OpaqueTokens, now),
            tickets: keys.sealer(space, Purpose::Tickets, now),
            registered_clients: authenticator(Purpose::RegisteredClients),
            proof_nonces: DpopNonces::new(nonces.each().map(|key| key.code(b"key"))),
            user_codes: authenticator(Purpose::UserCodes),
        });
        let kept =
            Kept { until: keys.next_end(now), vault: Arc::clone(&vault), secrets: Arc::clone(&secrets) };
        *self.within.secrets.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(secrets)
    }
}

impl fmt::Debug for KeptSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeptSecrets")
    }
}
