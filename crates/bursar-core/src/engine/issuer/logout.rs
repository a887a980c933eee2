//! Signing out at a client's wish (OIDC RP-Initiated Logout 1.0).
//!
//! Any site can send a browser here. Only an ID token of the user who is signed in shows that a client of theirs asks; else
//! the person is asked. Nobody is sent to an address that is not the client's own.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use super::AuthorizationServer;
use super::authorize::SignedIn;
use super::exchange::Source;
use super::records::client::Client;
use super::records::user::User;
use super::refresh_token::token_digest;
use super::refusal::{Fault, IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::form::Parameters;
use crate::oauth::server::id_token::Hint;
use crate::secret::Secret;

/// What comes of a wish to sign out.
#[derive(Debug)]
pub enum LogoutStep {
    /// The person has to say so first.
    Confirm(Box<LogoutPrompt>),
    /// Nobody is signed in in this browser any more.
    Done {
        /// Where the browser goes now; `None`: it stays, and is told so.
        redirect: Option<Url>,
    },
    /// It is refused, and nothing has changed; for the person in front of the browser.
    Refused(Refusal),
}

/// What a page shows that asks whether to sign out.
#[derive(Debug)]
pub struct LogoutPrompt {
    /// Who is signed in.
    pub user: Arc<User>,
    /// Who asks, if it is known.
    pub client: Option<Arc<Client>>,
    /// Where the browser goes after it.
    pub redirect: Option<Url>,
    /// Comes back with the decision.
    pub ticket: String,
}

/// A question that waits for its answer in a browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PendingLogout {
    session: String,
    client: Option<String>,
    redirect: Option<String>,
    expires_at: Timestamp,
}

impl AuthorizationServer {
    /// Takes a logout request as it comes to the endpoint (§2), with the cookie of the session in this browser.
    pub async fn begin_logout(
        &self,
        parameters: &Parameters,
        cookie: Option<&Secret>,
        source: &Source,
    ) -> Result<LogoutStep, IssueError> {
        // A hint that cannot be believed is as good as none, except that nothing it says counts either (§4).
        let hint = match parameters.secret("id_token_hint") {
            Some(shown) => self.hinted(shown).await?,
            None => None,
        };
        let named = parameters.value("client_id");
        if let (Some(hint), Some(named)) = (&hint, named)
            && hint.client_id != named
        {
            return Ok(refused(
                "`client_id` is not the client that `id_token_hint` was made for",
                Fault::Request,
            ));
        }
        let asking = hint.as_ref().map(|hint| hint.client_id.as_str()).or(named);
        let client = match asking {
            Some(id) => match self.client_of(id).await {
                Ok(client) => Some(client.document),
                Err(IssueError::Refused(_)) => None,
                Err(error) => return Err(error),
            },
            None => None,
        };
        let redirect = match parameters.value("post_logout_redirect_uri") {
            Some(asked) => match redirect(client.as_deref(), asked, parameters.secret("state")) {
                Ok(redirect) => Some(redirect),
                Err(refused) => return Ok(refused),
            },
            None => None,
        };
        let signed_in = match cookie {
            Some(cookie) => self.session_of(cookie).await?,
            None => None,
        };
        match (cookie, signed_in) {
            (Some(cookie), Some(signed_in)) => {
                let is_theirs = |hint: &Hint| hint.subject == signed_in.user.document.id;
                if hint.as_ref().is_some_and(is_theirs) {
                    let client = client.as_ref().map(|client| client.id.as_str());
                    self.log_out(cookie, client).await?;
                    return Ok(LogoutStep::Done { redirect });
                }
                self.confirmation(signed_in, client, redirect, source).await
            }
            // Without a person to ask, only the hint shows that the address is worth sending anybody to: clients may have
            // registered themselves with any.
            _ => Ok(LogoutStep::Done { redirect: redirect.filter(|_| hint.is_some()) }),
        }
    }

    /// Signs out because the person in front of the browser says so. Staying needs no call: nothing has changed.
    pub async fn confirm_logout(
        &self,
        ticket: &Secret,
        cookie: Option<&Secret>,
        source: &Source,
    ) -> Result<LogoutStep, IssueError> {
        let pending = self.opened_ticket::<PendingLogout>(&shown_in(source), ticket).await?;
        let Some(pending) = pending.filter(|pending| pending.expires_at > self.now()) else {
            return Ok(refused("this page is too old, or is from another browser", Fault::LostPage));
        };
        let redirect = pending.redirect.and_then(|redirect| Url::parse(&redirect).ok());
        let signed_in = match cookie {
            Some(cookie) => self.session_of(cookie).await?.map(|signed_in| (cookie, signed_in)),
            None => None,
        };
        match signed_in {
            None => Ok(LogoutStep::Done { redirect }),
            Some((_, signed_in)) if signed_in.session != pending.session => {
                Ok(refused("somebody else has signed in since this page was shown", Fault::Request))
            }
            Some((cookie, _)) => {
                self.log_out(cookie, pending.client.as_deref()).await?;
                Ok(LogoutStep::Done { redirect })
            }
        }
    }

    /// Ends the session of this cookie; the event tells applications that its user has left.
    async fn log_out(&self, cookie: &Secret, client: Option<&str>) -> Result<(), IssueError> {
        let mut facts = vec![("cause", "signed_out")];
        facts.extend(client.map(|client| ("client", client)));
        self.end_session_at(&token_digest(cookie).0, &facts).await?;
        Ok(())
    }

    async fn confirmation(
        &self,
        signed_in: SignedIn,
        client: Option<Arc<Client>>,
        redirect: Option<Url>,
        source: &Source,
    ) -> Result<LogoutStep, IssueError> {
        let pending = PendingLogout {
            session: signed_in.session,
            client: client.as_ref().map(|client| client.id.clone()),
            redirect: redirect.as_ref().map(Url::to_string),
            expires_at: self.now().saturating_add(LONGEST_WAIT).unwrap_or(Timestamp::MAX),
        };
        Ok(LogoutStep::Confirm(Box::new(LogoutPrompt {
            user: signed_in.user.document,
            ticket: self.sealed_ticket(&shown_in(source), &pending).await?,
            client,
            redirect,
        })))
    }
}

/// The address, with the state, if it is one that the client has registered for this (§3), but for the port of a program
/// on the user's own computer.
fn redirect(client: Option<&Client>, asked: &str, state: Option<&Secret>) -> Result<Url, LogoutStep> {
    let Some(client) = client else {
        return Err(refused(
            "`post_logout_redirect_uri` needs a client: send `id_token_hint` or `client_id`",
            Fault::Request,
        ));
    };
    let registered = &client.metadata.post_logout_redirect_uris;
    let fits = registered.iter().any(|registered| registered.matches(asked));
    let Some(mut url) = Url::parse(asked).ok().filter(|_| fits) else {
        return Err(refused("`post_logout_redirect_uri` is not registered for the client", Fault::Address));
    };
    if let Some(state) = state {
        url.query_pairs_mut().append_pair("state", state.expose());
    }
    Ok(url)
}

fn refused(description: &str, fault: Fault) -> LogoutStep {
    LogoutStep::Refused(Refusal::new(ErrorCode::InvalidRequest, description).with_fault(fault))
}

/// What a ticket is for, and in which browser.
fn shown_in(source: &Source) -> String {
    format!("logout\0{}", source.browser)
}

/// As long as a person may leave a page alone.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(30);
