//! Why a login over the API does not begin or go on.

use crate::config::secret_source::SecretSourceError;
use crate::exit::Failure;
use crate::login_plan::{PlanError, TargetError};
use crate::loopback::CallbackError;

/// It did not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BeginError {
    /// As many as may be are waiting for their people.
    #[error("too many logins are waiting for somebody")]
    TooMany,
    /// Nobody is meant.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Something is missing or makes no sense.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The configured client secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretSourceError),
    /// Nothing can listen for the browser.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The browser never comes back from this provider.
    #[error("{provider} shows its answer on a page of its own")]
    OnlyPasted {
        /// The provider, for people.
        provider: String,
    },
    /// The engine or the provider says no.
    #[error("{}", .0.message)]
    Refused(Failure),
}

impl From<Failure> for BeginError {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

/// An answer came to a login that takes none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerError {
    /// It has ended, or another answer came before.
    #[error("the login is not waiting for anybody any more")]
    NotWaiting,
    /// The person answers the provider alone.
    #[error("a login with a code takes no answer here")]
    ByDevice,
}
