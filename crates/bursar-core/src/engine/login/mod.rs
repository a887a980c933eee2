//! Logging in: by browser or by hand, by device, as a machine, or with a key that is simply there.
//!
//! Every way ends in `Engine::record`, which checks the identity before anything is overwritten. What a person must
//! see or do in between is the caller's business.

mod authorization_code;
mod device;
mod discovery;
mod exchange;
mod identity;
mod machine;
mod record;
mod registration;
mod target;

pub use self::authorization_code::PendingAuthorization;
pub use self::discovery::DiscoveryError;
pub use self::machine::KeyedAssertion;
pub use self::record::LoggedIn;
pub use self::registration::{ClientWanted, RegistrationFailure};
pub(super) use self::registration::{REGISTERED_CLIENT, RegisteredClient};
pub use self::target::{Discovered, DiscoveredResource, Known};

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Engine;
use super::issuer::administration::quotas::QuotaReached;
use super::providers::{ProviderError, client};
use super::records::LoginMark;
use super::vault::VaultError;
use crate::lifecycle::account::LoginMethod;
use crate::lifecycle::failure::Cause;
use crate::lifecycle::reference::{AccountReference, Nickname};
use crate::oauth::authorization::AuthorizationError;
use crate::oauth::client_authentication::{Client, Method};
use crate::oauth::error::OAuthError;
use crate::oauth::scope::Scope;
use crate::oauth::signing::{SigningError, SigningKey};
use crate::ports::document;
use crate::ports::random::unguessable;
use crate::ports::store::{Commit, Expected, StoreError};
use crate::provider::{AuthenticationRule, Provider};
use crate::secret::Secret;

/// Everything that is settled before a login begins.
#[derive(Clone, Debug)]
pub struct LoginPlan {
    /// The provider, its variables filled in.
    pub provider: Provider,
    /// What they were filled with.
    pub variables: BTreeMap<String, String>,
    /// The issuer the provider was discovered from; `None` for catalogue entries.
    pub issuer: Option<String>,
    /// The protected resource that led to that issuer.
    pub resource_server: Option<String>,
    /// Whether the tokens are to be bound to a key of this login (RFC 9449).
    pub binds_tokens: bool,
    /// The client id.
    pub client_id: String,
    /// The client's secret or private key.
    pub client_secret: Option<Secret>,
    /// Scopes the person asked for; empty: the provider's usual ones.
    pub scopes: Vec<String>,
    /// Resources the tokens are for (RFC 8707).
    pub resource: Vec<String>,
    /// What the account shall be called.
    pub nickname: Option<Nickname>,
}

impl LoginPlan {
    /// How the client authenticates at this provider.
    pub fn client_method(&self) -> Method {
        match (&self.client_secret, self.provider.client.authentication) {
            (None, _) => Method::None,
            // Metadata lists every method a server knows; only the client's owner knows which is theirs, and a private key
            // sent as a password would be a private key given away.
            (Some(secret), _) if SigningKey::looks_like_one(secret) => Method::PrivateKeyJwt,
            (Some(_), AuthenticationRule::Basic) => Method::Basic,
            (Some(_), AuthenticationRule::PrivateKeyJwt) => Method::PrivateKeyJwt,
            (Some(_), _) => Method::Post,
        }
    }

    fn client(&self) -> Result<Client, SigningError> {
        client(&self.client_id, self.client_method(), self.client_secret.as_ref())
    }

    /// What a login by `method` asks for, and so what it is given when the answer names no scope (RFC 6749 §5.1).
    fn scope(&self, method: LoginMethod) -> Scope {
        let delegated = || Scope::from_answer(&self.provider.authorize.scopes(&self.scopes).join(" "));
        match method {
            LoginMethod::Browser | LoginMethod::Paste => delegated(),
            LoginMethod::Device => {
                let allowed = &self.provider.device.allowed_scopes;
                delegated().only(|scope| allowed.is_empty() || allowed.iter().any(|known| known == scope))
            }
            // The provider's usual scopes are about people, such as `openid`; a service may be refused for them.
            LoginMethod::ClientCredentials | LoginMethod::JwtBearer => {
                Scope::from_answer(&self.scopes.join(" "))
            }
            LoginMethod::ApiKey => Scope::default(),
        }
    }
}

impl Engine {
    /// Proves that the store and the vault can keep what the login will bring, while nothing can be lost yet.
    async fn prove_storable(&self, until: Timestamp) -> Result<(), LoginError> {
        self.vault().await?;
        let mark = LoginMark { id: unguessable(&*self.ports.random).expose().to_owned(), until };
        let batch = document::put(self.batch(), &mark, Expected::Absent)?;
        match self.ports.store.commit(batch).await?.value {
            Commit::Done(_) => Ok(()),
            Commit::Conflict { .. } => Err(StoreError::Unavailable("a login mark was taken".into()).into()),
        }
    }
}

/// Why a login did not happen. Nothing that was stored before has changed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The provider offers no such way.
    #[error("{provider} does not offer a {way} login")]
    NotOffered {
        /// The provider.
        provider: String,
        /// The way.
        way: &'static str,
    },
    /// The redirect was not what it must be.
    #[error(transparent)]
    Authorization(#[from] AuthorizationError),
    /// The provider refused.
    #[error("{provider} refused the login: {error}")]
    Refused {
        /// The provider.
        provider: String,
        /// In its words.
        error: OAuthError,
    },
    /// The device code ended before anybody confirmed it.
    #[error("the code was not confirmed in time")]
    DeviceExpired,
    /// Somebody said no on the other device.
    #[error("the login was denied on the other device")]
    DeviceDenied,
    /// The provider could not be talked to.
    #[error("{provider} cannot be reached: {cause}")]
    Unreachable {
        /// The provider.
        provider: String,
        /// Why.
        cause: Cause,
    },
    /// The account exists, and is somebody else at the provider.
    #[error("{reference} is pinned to {pinned}, this login is {found}")]
    OtherIdentity {
        /// The account that would have been overwritten.
        reference: AccountReference,
        /// Whose it is.
        pinned: String,
        /// Who logged in.
        found: String,
    },
    /// The sandbox has all the accounts it may have.
    #[error(transparent)]
    Full(#[from] QuotaReached),
    /// The identity token was not what it must be.
    #[error("the identity token is not acceptable: {detail}")]
    IdentityToken {
        /// What is wrong.
        detail: String,
    },
    /// The request could not be built.
    #[error("the login request cannot be built: {detail}")]
    Request {
        /// What is wrong.
        detail: String,
    },
    /// The client's key cannot be used.
    #[error(transparent)]
    Key(#[from] SigningError),
    /// The provider's description cannot be used.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The vault cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}
