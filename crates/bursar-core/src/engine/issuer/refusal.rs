//! Why a request at the authorization server got nothing: a code for the peer, a safe sentence, and the whole reason for
//! whoever runs the server.

use std::fmt;
use std::time::Duration;

use super::addresses::AddressError;
use crate::engine::vault::VaultError;
use crate::oauth::error::ErrorCode;
use crate::ports::passwords::Overloaded;
use crate::ports::store::StoreError;

/// A request that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the peer's program is told.
    pub code: ErrorCode,
    /// What its author is told: safe for anybody.
    pub description: String,
    /// All of it, for `bursar explain`; without secrets.
    pub reason: String,
    /// What helps the person in front of a browser: the wire has one code for all that is wrong with a request.
    pub fault: Fault,
}

/// Where it went wrong, as far as people are helped by knowing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// In what the client asked.
    #[default]
    Request,
    /// In where the client wanted the answer.
    Address,
    /// Somebody has answered a page that is too old, was answered before, or was shown elsewhere.
    LostPage,
}

impl Refusal {
    /// The peer may know the whole reason.
    pub fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        let description = description.into();
        Self { code, reason: description.clone(), description, fault: Fault::default() }
    }

    /// What its author is told, and under which name the whole reason is found.
    pub fn description_with(&self, reference: Option<&str>) -> String {
        match reference {
            None => self.description.clone(),
            Some(reference) => {
                // Long ones are cut where they are told, and never in the name.
                let description: String = self.description.chars().take(LONGEST_DESCRIPTION).collect();
                format!("{description} (reference: {reference})")
            }
        }
    }

    /// Whether it is a step of its protocol: the program goes on, and nobody asks why.
    pub fn is_ordinary(&self) -> bool {
        matches!(self.code, ErrorCode::AuthorizationPending | ErrorCode::SlowDown | ErrorCode::UseDpopNonce)
    }

    /// The same, gone wrong there.
    #[must_use]
    pub fn with_fault(self, fault: Fault) -> Self {
        Self { fault, ..self }
    }

    /// The same with a reason that is nobody else's business.
    #[must_use]
    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..self }
    }
}

/// With a reference it fits into the 300 characters that travel in an address.
const LONGEST_DESCRIPTION: usize = 250;

/// A request that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// It is refused.
    #[error("{0}")]
    Refused(Refusal),
    /// The store cannot be used now; nothing was decided.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys cannot be used now.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Too much is under way.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// Too much was asked from one place; stands for status 429 (RFC 6585 §4).
    #[error("too many requests; again in {} s", retry_after.as_secs())]
    TooMany {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// What has to be read at somebody else's cannot be had now; nothing was decided.
    #[error("what the client keeps elsewhere cannot be read now")]
    Elsewhere(#[source] AddressError),
    /// A signature could not be made.
    #[error("a token could not be signed")]
    Signing,
}

impl IssueError {
    /// The same as a refusal: what the peer may hear, and all of it for whoever runs the server.
    pub fn to_refusal(&self) -> Refusal {
        let not_now = |description| Refusal::new(ErrorCode::TemporarilyUnavailable, description);
        match self {
            Self::Refused(refusal) => refusal.clone(),
            Self::TooMany { .. } => not_now("too many requests from your network").because(self.to_string()),
            _ => not_now("the server cannot answer now").because(with_causes(self)),
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl From<Refusal> for IssueError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.as_str(), self.description)
    }
}
