//! What travels through a browser and comes back: sealed, so that nobody can read or change it, and bound to what it is
//! for. Nothing is stored until a person has agreed to something.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::AuthorizationServer;
use super::refusal::IssueError;
use crate::secret::{Sealed, Secret};

/// An authorization request that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PendingRequest {
    /// The request as it came.
    pub(super) query: String,
    /// Names the pushed request it was, if it was one.
    pub(super) pushed: Option<String>,
    /// When it came: a sign-in before that does not count where a new one was asked for.
    pub(super) asked_at: Timestamp,
    /// The session it is shown in; only there it may be answered. `None` while nobody is signed in.
    pub(super) session: Option<String>,
    /// Its name, so that it is answered once.
    pub(super) id: String,
    /// It is too old then.
    pub(super) expires_at: Timestamp,
}

impl AuthorizationServer {
    /// `content` as a text for a hidden field or an address. `use_of` must be the same when it comes back.
    pub(super) async fn sealed_ticket(
        &self,
        use_of: &str,
        content: &impl Serialize,
    ) -> Result<String, IssueError> {
        let plain = serde_json::to_vec(content).map_err(|_| IssueError::Signing)?;
        Ok(self.secrets().await?.tickets.seal(use_of.as_bytes(), &plain, self.random()).0)
    }

    /// What such a text says; `None`: it is none of ours, or was made for something else.
    pub(super) async fn opened_ticket<T: DeserializeOwned>(
        &self,
        use_of: &str,
        ticket: &Secret,
    ) -> Result<Option<T>, IssueError> {
        let sealed = Sealed(ticket.expose().to_owned());
        let plain = self.secrets().await?.tickets.open(use_of.as_bytes(), &sealed);
        Ok(plain.and_then(|plain| serde_json::from_slice(&plain).ok()))
    }
}
