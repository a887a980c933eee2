//! Why a login cannot begin, as facts.

use bursar_core::engine::login::{DiscoveryError, RegistrationFailure};
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::oauth::scope::{Scope, ScopeError};
use bursar_core::oauth::url::UrlError;
use bursar_core::ports::store::StoreError;
use bursar_core::provider::{CatalogueError, Provider, VariableError};

use crate::loopback::CallbackError;

/// Nobody is meant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    /// The provider's entry is broken.
    #[error(transparent)]
    Entry(#[from] CatalogueError),
    /// The issuer says nothing usable of itself.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// No provider has this name.
    #[error("unknown provider '{}'", wanted.escape_debug())]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// A name much like it.
        near: Option<String>,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The plan has a hole, or what was asked for makes no sense.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// A variable is missing, unknown or not acceptable.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// A variable was given, and the provider has none at all.
    #[error("{target} has no variable `{name}`")]
    NoVariables {
        /// The provider, as it was asked for.
        target: String,
        /// What was given.
        name: String,
    },
    /// A scope is none (RFC 6749 §3.3).
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// A resource is none (RFC 8707 §2).
    #[error(transparent)]
    Resource(#[from] UrlError),
    /// Nobody says which client to be.
    #[error("there is no client id for {}", provider.display_name())]
    NoClient {
        /// Where one has to be registered.
        provider: Box<Provider>,
    },
    /// The client's secret or key is missing.
    #[error("{reason}")]
    NoSecret {
        /// Why one is needed.
        reason: String,
        /// Who needs it.
        provider: Box<Provider>,
    },
    /// The device flow gives less than was asked for.
    #[error("{} does not give {scope} to a login with a code", provider.display_name())]
    NotByDevice {
        /// The scope.
        scope: String,
        /// Who does not give it.
        provider: Box<Provider>,
    },
    /// The server did not register a client.
    #[error(transparent)]
    Registration(Box<RegistrationFailure>),
    /// No port is free for the answer of a client that is registered now.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The account has what the resource says is missing.
    #[error("{reference} already has {scope}, so another login would change nothing")]
    AlreadyGranted {
        /// The account.
        reference: AccountReference,
        /// What the resource wants.
        scope: Scope,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
