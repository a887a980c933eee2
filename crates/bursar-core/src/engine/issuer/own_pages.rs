//! Forms of this server's own pages: each proves by a ticket that it was shown to whoever sends it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::AuthorizationServer;
use super::authorize::{LONGEST_WAIT, SignedIn, shown_in};
use super::exchange::Source;
use super::refusal::IssueError;
use crate::secret::Secret;

/// Who may send a form.
#[derive(Clone, Copy, Debug)]
pub enum Sender<'a> {
    /// Whoever was signed in when it was shown, in the same session.
    Person(&'a SignedIn),
    /// The browser it was shown in.
    Browser(&'a Source),
}

/// What a ticket says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Shown {
    expires_at: Timestamp,
}

impl AuthorizationServer {
    /// A ticket for forms of `page`.
    pub async fn form_ticket(&self, page: &str, sender: Sender<'_>) -> Result<String, IssueError> {
        let expires_at = self.now().saturating_add(LONGEST_WAIT).unwrap_or(Timestamp::MAX);
        self.sealed_ticket(&use_of(page, sender), &Shown { expires_at }).await
    }

    /// Until when a ticket of `page` is good. `None`: it was shown to somebody else, elsewhere, or too long ago.
    pub async fn form_ticket_end(
        &self,
        page: &str,
        sender: Sender<'_>,
        ticket: &Secret,
    ) -> Result<Option<Timestamp>, IssueError> {
        let shown = self.opened_ticket::<Shown>(&use_of(page, sender), ticket).await?;
        Ok(shown.map(|shown| shown.expires_at).filter(|end| *end > self.now()))
    }
}

fn use_of(page: &str, sender: Sender<'_>) -> String {
    match sender {
        Sender::Person(signed_in) => format!("form of {page}\0session {}", signed_in.session),
        Sender::Browser(source) => shown_in(&format!("form of {page}"), source),
    }
}
