//! What waits for somebody to sign in: an authorization request, or one of our own pages.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::AuthorizationServer;
use super::authorize::{Authorization, LONGEST_WAIT, SIGN_IN, SignInPrompt, refused, shown_in};
use super::exchange::Source;
use super::refusal::IssueError;
use super::tickets::PendingRequest;
use crate::oauth::server::authorization_request::parse_parameters;
use crate::secret::Secret;

/// What a ticket of a sign-in page stands for.
#[derive(Debug)]
pub enum Waiting {
    /// A client's request.
    Request(SignInPrompt),
    /// A page of ours, by its path.
    Page(String),
    /// Nothing any more, or what it is has become impossible.
    Nothing(Option<Authorization>),
}

/// A page that waits for a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PendingPage {
    path: String,
    expires_at: Timestamp,
}

impl AuthorizationServer {
    /// A ticket for a sign-in after which the browser goes to `path`.
    pub async fn page_ticket(&self, path: &str, source: &Source) -> Result<String, IssueError> {
        let expires_at = self.now().saturating_add(LONGEST_WAIT).unwrap_or(Timestamp::MAX);
        self.sealed_ticket(&shown_in(PAGE, source), &PendingPage { path: path.to_owned(), expires_at }).await
    }

    /// What a sign-in page was shown for, so that it can be shown again or left.
    pub async fn waiting(&self, ticket: &Secret, source: &Source) -> Result<Waiting, IssueError> {
        if let Some(page) = self.opened_ticket::<PendingPage>(&shown_in(PAGE, source), ticket).await? {
            let is_fresh = page.expires_at > self.now();
            return Ok(if is_fresh { Waiting::Page(page.path) } else { Waiting::Nothing(None) });
        }
        let pending = self.opened_ticket::<PendingRequest>(&shown_in(SIGN_IN, source), ticket).await?;
        let Some(pending) = pending.filter(|pending| pending.expires_at > self.now()) else {
            return Ok(Waiting::Nothing(None));
        };
        let parameters = match parse_parameters(pending.query.as_bytes()) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(Waiting::Nothing(Some(refused(&error)))),
        };
        Ok(match self.passed(&pending, &parameters).await? {
            Ok(passed) => Waiting::Request(SignInPrompt {
                client: passed.client.document,
                target: passed.target,
                login_hint: passed.request.login_hint,
                ticket: ticket.expose().to_owned(),
            }),
            Err(refused) => Waiting::Nothing(Some(refused)),
        })
    }
}

const PAGE: &str = "page";
