//! The keys derived from the data key that the server works with, made once while the vault is open.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::AuthorizationServer;
use super::refresh_token::RefreshTokens;
use super::refusal::IssueError;
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
pub(super) struct KeptSecrets(Mutex<Option<Arc<Secrets>>>);

impl AuthorizationServer {
    pub(super) async fn secrets(&self) -> Result<Arc<Secrets>, IssueError> {
        let kept = self.kept_secrets();
        match kept {
            Some(kept) => Ok(kept),
            // On the heap, so that all that need secrets are not as large as what is done once.
            None => Box::pin(self.derive_secrets()).await,
        }
    }

    fn kept_secrets(&self) -> Option<Arc<Secrets>> {
        let mut kept = self.within.secrets.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.engine().is_unlocked() {
            *kept = None;
        }
        kept.clone()
    }

    async fn derive_secrets(&self) -> Result<Arc<Secrets>, IssueError> {
        let vault = self.engine().vault().await?;
        let (keys, space) = (vault.derivation(), self.space());
        let secrets = Arc::new(Secrets {
            refresh_tokens: RefreshTokens::new(keys, space),
            opaque: keys.sealer(space, Purpose::OpaqueTokens),
            tickets: keys.sealer(space, Purpose::Tickets),
            registered_clients: keys.authenticator(space, Purpose::RegisteredClients),
            proof_nonces: DpopNonces::new(&keys.authenticator(space, Purpose::ProofNonces).code(b"key")),
            user_codes: keys.authenticator(space, Purpose::UserCodes),
        });
        *self.within.secrets.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&secrets));
        Ok(secrets)
    }
}

impl fmt::Debug for KeptSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeptSecrets")
    }
}
