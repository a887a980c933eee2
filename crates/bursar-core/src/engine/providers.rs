//! Which description of a provider an account lives by: the catalogue's, or the one discovered at login.

use super::Engine;
use super::credentials::Credentials;
use super::records::ProviderDefinition;
use crate::lifecycle::account::{Account, RefreshPolicy};
use crate::oauth::client_authentication::{Client, ClientAuthentication, Method};
use crate::oauth::signing::{SigningError, SigningKey};
use crate::ports::document;
use crate::ports::store::StoreError;
use crate::ports::upstream::{SendLimits, UrlOrigin};
use crate::provider::{CatalogueError, Provider, ProviderId, VariableError};
use crate::provider::{Refresh, RetryAfterTimeout, Reuse, Rotation};
use crate::secret::Secret;

impl Engine {
    /// What a call to this provider may cost and which way it goes.
    pub(super) fn limits(&self, provider: &Provider) -> SendLimits {
        let own = self.network.proxies.get(provider.id.as_str());
        let origin = if provider.guarded { UrlOrigin::Stranger } else { UrlOrigin::Configured };
        SendLimits { proxy: own.or(provider.proxy.as_ref()).cloned(), origin, ..self.general_limits() }
    }

    /// What a call to nobody in particular may cost.
    pub(super) fn general_limits(&self) -> SendLimits {
        let limits = SendLimits::default();
        // Leases and journals count on the general limit, so settings only shorten it.
        SendLimits {
            time: self.network.call_time.map_or(limits.time, |time| time.min(limits.time)),
            ..limits
        }
    }

    /// The description an account lives by, its variables filled in.
    pub(super) async fn provider_of(&self, account: &Account) -> Result<Provider, ProviderError> {
        let provider = self.provider(&account.reference.provider).await?;
        Ok(provider.resolve(&account.variables)?)
    }

    /// A description by name: the catalogue's, else a discovered one.
    pub async fn provider(&self, id: &ProviderId) -> Result<Provider, ProviderError> {
        if let Some(provider) = self.ports.catalogue.find(id.as_str())? {
            return Ok(provider);
        }
        match self.discovered(id).await? {
            Some(definition) => Ok(definition.provider),
            None => Err(ProviderError::Unknown { name: id.to_string() }),
        }
    }

    /// What an earlier login by URL learned.
    pub async fn discovered(&self, id: &ProviderId) -> Result<Option<ProviderDefinition>, StoreError> {
        let store = &*self.ports.store;
        let answer = document::get::<ProviderDefinition>(store, &self.space, id.as_str()).await?;
        Ok(answer.value.map(|stored| stored.document))
    }
}

/// The OAuth client of an account, ready to authenticate.
pub(super) fn client_of(account: &Account, credentials: &Credentials) -> Result<Client, SigningError> {
    client(&account.client.id, account.client.method, credentials.client_secret.as_ref())
}

/// A client that authenticates with `method`.
pub(super) fn client(id: &str, method: Method, secret: Option<&Secret>) -> Result<Client, SigningError> {
    let authentication = match (method, secret) {
        (Method::None, _) | (_, None) => ClientAuthentication::None,
        (Method::Basic, Some(secret)) => ClientAuthentication::Basic(secret.clone()),
        (Method::Post, Some(secret)) => ClientAuthentication::Post(secret.clone()),
        (Method::PrivateKeyJwt, Some(secret)) => {
            ClientAuthentication::PrivateKeyJwt(Box::new(signing_key(secret)?))
        }
    };
    Ok(Client { id: id.to_owned(), authentication })
}

fn signing_key(secret: &Secret) -> Result<SigningKey, SigningError> {
    if secret.expose().trim_start().starts_with('{') {
        SigningKey::from_jwk(secret)
    } else {
        SigningKey::from_pem(secret, None)
    }
}

/// What a description says about renewing.
pub(super) fn refresh_policy(provider: &Provider) -> RefreshPolicy {
    RefreshPolicy {
        before: provider.refresh_before,
        earliest: provider.refresh.earliest_before_expiry,
        spacing: provider
            .refresh
            .rate_limit
            .map(|limit| limit.per / i32::try_from(limit.count.max(1)).unwrap_or(1)),
        reuse: reuse(&provider.refresh),
        grant_absolute: provider.lifetimes.refresh_absolute,
        grant_idle: provider.lifetimes.refresh_idle,
        rotate_after: provider.rotate_after,
    }
}

/// What a spent refresh token does; a description that only calls retries safe says as much.
fn reuse(refresh: &Refresh) -> Reuse {
    match (refresh.reuse, refresh.rotation, refresh.retry_after_timeout) {
        (Reuse::Undeclared, Rotation::None, _) | (Reuse::Undeclared, _, RetryAfterTimeout::Safe) => {
            Reuse::Harmless
        }
        (declared, ..) => declared,
    }
}

/// Why there is no usable description.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Nobody has heard of it.
    #[error("provider `{name}` is neither in the catalogue nor known from a login")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Its entry cannot be read.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// Its endpoints need values that are missing or wrong.
    #[error(transparent)]
    Variables(#[from] VariableError),
    /// Its record cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
