//! Pushed authorization requests (RFC 9126): the client leaves its request here and sends the browser with no more than
//! the name of it.

use jiff::{SignedDuration, Timestamp};

use super::AuthorizationServer;
use super::records::pushed::Pushed;
use super::refresh_token::token_digest;
use super::refusal::{IssueError, Refusal};
use super::token::ClientRequest;
use crate::oauth::error::ErrorCode;
use crate::oauth::server::authorization_request::{PushedRequestUri, WhoAndWhere, parse_parameters};
use crate::oauth::server::server_metadata::Endpoint;
use crate::ports::document;
use crate::ports::random::unguessable;
use crate::ports::store::{Commit, Expected};
use crate::secret::{Sealed, Secret};

/// What a client hears whose request was kept (RFC 9126 §2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedAnswer {
    /// The name of the request, as secret as the request until the browser has it.
    pub request_uri: Secret,
    /// How long the browser may take to bring it.
    pub expires_in: SignedDuration,
}

/// An authorization request as it is to be judged, wherever its parameters came from.
#[derive(Debug)]
pub(super) struct Brought {
    /// The parameters, as a query.
    pub(super) query: String,
    /// Names the pushed request it was, so that it brings one code at most.
    pub(super) pushed: Option<String>,
}

impl AuthorizationServer {
    /// Judges a request as the authorization endpoint would, and keeps it (RFC 9126 §2).
    ///
    /// A proof of possession beside it binds the code to its key (RFC 9449 §10.1).
    pub async fn push(&self, request: &ClientRequest<'_>) -> Result<PushedAnswer, IssueError> {
        let request = self.believed(Endpoint::PushedAuthorizationRequest, request).await?;
        self.admit(&request, "pushed", MOST_OF_A_PLACE).await?;
        let mut kept = request.parameters.clone();
        for name in OF_THE_CLIENT {
            kept.remove(name);
        }
        if let Some(key) = request.proven_key() {
            kept.set("dpop_jkt", key.as_str());
        }
        let reference = unguessable(self.random());
        let digest = token_digest(&reference).0;
        let parameters = self.sealed_ticket(&sealed_for(&digest), &kept.to_query()).await?;
        let pushed = Pushed {
            client: request.client().id.clone(),
            parameters: Sealed(parameters),
            expires_at: self.now().saturating_add(LIFETIME).unwrap_or(Timestamp::MAX),
            digest,
        };
        let batch = document::put(self.engine().batch(), &pushed, Expected::Absent)?;
        match self.store().commit(batch).await?.value {
            Commit::Done(_) => {
                let name = PushedRequestUri::new(reference.expose()).to_string();
                Ok(PushedAnswer { request_uri: Secret::new(name), expires_in: LIFETIME })
            }
            // 256 random bits were drawn twice.
            Commit::Conflict { .. } => Err(IssueError::Signing),
        }
    }

    /// The request a browser brings: what is in `query`, or what it names. Parameters beside a name do not count
    /// (RFC 9126 §4, RFC 9101 §5).
    ///
    /// # Errors
    /// `invalid_request_uri`: there is no such request, it is over, or it is another client's. Nobody can be trusted with
    /// that but the person in front of the browser.
    pub(super) async fn brought(&self, query: &str) -> Result<Brought, IssueError> {
        let as_it_is = || Brought { query: query.to_owned(), pushed: None };
        // Whatever is wrong with the query itself is told by the checks.
        let Ok(parameters) = parse_parameters(query.as_bytes()) else { return Ok(as_it_is()) };
        let Ok(asks) = WhoAndWhere::read(&parameters) else { return Ok(as_it_is()) };
        let Some(name) = asks.pushed else { return Ok(as_it_is()) };
        let digest = token_digest(&Secret::new(name.reference())).0;
        let pushed = document::get::<Pushed>(self.store(), self.space(), &digest).await?.value;
        let pushed = pushed
            .map(|pushed| pushed.document)
            .filter(|pushed| pushed.expires_at > self.now())
            .ok_or_else(|| unusable("there is no such request, or it was pushed too long ago"))?;
        if pushed.client != asks.client_id {
            return Err(unusable("another client has pushed it").into());
        }
        let sealed = Secret::new(pushed.parameters.0.as_str());
        let query = self.opened_ticket::<String>(&sealed_for(&digest), &sealed).await?;
        let query = query.ok_or_else(|| unusable("it cannot be opened with the keys of today"))?;
        Ok(Brought { query, pushed: Some(digest) })
    }

    /// Uses a pushed request up, in the moment when it is about to bring a code. `asked_by` is the last moment at which
    /// anybody could still go on with it.
    ///
    /// # Errors
    /// `invalid_request_uri`: it has brought one before.
    pub(super) async fn use_up_pushed(&self, digest: &str, asked_by: Timestamp) -> Result<(), IssueError> {
        // Another browser may have begun with it as much later as it lives.
        let until = asked_by.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
        if self.spend(&format!("pushed:{digest}"), until).await? {
            Ok(())
        } else {
            Err(unusable("it has brought a code before").into())
        }
    }
}

fn sealed_for(digest: &str) -> String {
    format!("pushed\0{digest}")
}

fn unusable(reason: &str) -> Refusal {
    let description = "the pushed request is over or was used; begin again in the app";
    Refusal::new(ErrorCode::InvalidRequestUri, description).because(reason)
}

/// What proves the client and is no part of its request (RFC 9126 §2.1).
const OF_THE_CLIENT: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// More than a whole office needs in ten minutes; each is a record of some kilobytes for a minute and a half.
const MOST_OF_A_PLACE: u64 = 1000;

/// The browser follows at once, and slow ones within a minute (RFC 9126 §2.2 speaks of 5 to 600 seconds).
const LIFETIME: SignedDuration = SignedDuration::from_secs(90);
