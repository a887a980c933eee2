//! The secrets of one account: one sealed value, opened only to hand out, renew or revoke.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Engine;
use super::vault::{Place, SealedKind, Vault, VaultError};
use crate::lifecycle::account::Account;
use crate::oauth::token::TokenSet;
use crate::secret::{Sealed, Secret};

/// Everything secret about an account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Credentials {
    /// The access token.
    pub access: Option<Secret>,
    /// The refresh token in use.
    pub refresh: Option<Secret>,
    /// The refresh token before it, until the one in use has proven itself.
    pub previous: Option<Secret>,
    /// Refresh tokens from answers that came too late for their lease.
    pub spares: Vec<Secret>,
    /// The identity token that came with the access token.
    pub identity_token: Option<Secret>,
    /// The client's secret, or its private key as PEM or JWK.
    pub client_secret: Option<Secret>,
    /// The private key, as PEM or JWK, that signs the assertions this login is made by.
    pub assertion_key: Option<Secret>,
    /// The private key that the tokens are bound to (RFC 9449), as PEM.
    pub proof_key: Option<Secret>,
}

impl Credentials {
    /// The credentials after `tokens` came for the refresh token in use.
    #[must_use]
    pub(super) fn renewed(mut self, tokens: &TokenSet) -> Self {
        self.access = Some(tokens.access_token.clone());
        if let Some(token) = &tokens.refresh_token
            && self.refresh.as_ref() != Some(token)
        {
            self.previous = self.refresh.replace(token.clone());
        } else {
            self.previous = None;
        }
        self.spares.clear();
        if tokens.id_token.is_some() {
            self.identity_token.clone_from(&tokens.id_token);
        }
        self
    }

    /// Everything in it, for finding it in the words of others.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let tokens = [&self.access, &self.refresh, &self.previous, &self.identity_token];
        let keys = [&self.client_secret, &self.assertion_key, &self.proof_key];
        tokens.into_iter().chain(keys).flatten().chain(&self.spares)
    }

    /// Every token in it that must be revoked.
    pub(super) fn refresh_tokens(&self) -> impl Iterator<Item = &Secret> {
        self.refresh.iter().chain(&self.spares)
    }
}

/// How credentials are written before they are sealed; borrowed, so that no copy stays behind.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    spares: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assertion_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof_key: Option<&'a str>,
}

impl Engine {
    /// Seals credentials for the account's own record.
    pub(super) async fn seal(&self, key: &str, credentials: &Credentials) -> Result<Sealed, VaultError> {
        self.seal_for(SealedKind::Account, key, credentials).await
    }

    /// Seals credentials for a record of any kind.
    pub(super) async fn seal_for(
        &self,
        kind: SealedKind,
        key: &str,
        credentials: &Credentials,
    ) -> Result<Sealed, VaultError> {
        Ok(self.seal_in(&*self.vault().await?, kind, key, credentials))
    }

    /// Seals with a vault at hand, which cannot be locked in between.
    pub(super) fn seal_in(
        &self,
        vault: &Vault,
        kind: SealedKind,
        key: &str,
        credentials: &Credentials,
    ) -> Sealed {
        let written = Written {
            access: credentials.access.as_ref().map(Secret::expose),
            refresh: credentials.refresh.as_ref().map(Secret::expose),
            previous: credentials.previous.as_ref().map(Secret::expose),
            spares: credentials.spares.iter().map(Secret::expose).collect(),
            identity_token: credentials.identity_token.as_ref().map(Secret::expose),
            client_secret: credentials.client_secret.as_ref().map(Secret::expose),
            assertion_key: credentials.assertion_key.as_ref().map(Secret::expose),
            proof_key: credentials.proof_key.as_ref().map(Secret::expose),
        };
        // Reserved up front: a growing buffer would leave copies of its old self in freed memory.
        let mut plain = Zeroizing::new(Vec::with_capacity(PLAIN_CAPACITY));
        serde_json::to_writer(&mut *plain, &written).expect("strings can be written as JSON");
        let place = Place { space: &self.space, kind, key };
        vault.seal(place, &plain, &*self.ports.random)
    }

    /// Opens the credentials of an account.
    pub(super) async fn credentials(&self, account: &Account) -> Result<Credentials, VaultError> {
        self.open_from(SealedKind::Account, &account.reference.key(), &account.sealed).await
    }

    /// Opens credentials from a record of any kind.
    pub(super) async fn open_from(
        &self,
        kind: SealedKind,
        key: &str,
        sealed: &Sealed,
    ) -> Result<Credentials, VaultError> {
        self.open_in(&*self.vault().await?, kind, key, sealed)
    }

    /// Opens with a vault at hand.
    pub(super) fn open_in(
        &self,
        vault: &Vault,
        kind: SealedKind,
        key: &str,
        sealed: &Sealed,
    ) -> Result<Credentials, VaultError> {
        let place = Place { space: &self.space, kind, key };
        let plain = vault.open(place, sealed)?;
        serde_json::from_slice(&plain)
            .map_err(|_| VaultError::NotOurs { kind: kind.record().name, key: key.to_owned() })
    }
}

/// Room for several large JWTs.
const PLAIN_CAPACITY: usize = 64 * 1024;
