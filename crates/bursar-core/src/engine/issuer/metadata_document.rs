//! Clients whose id is the address of their metadata (draft-ietf-oauth-client-id-metadata-document-02).
//!
//! A document is read when it is needed and not fresh. It becomes a record with the first consent; before that it is only
//! remembered. A definite answer counts at once, also one that ends the client; while there is no answer, the last copy
//! serves for [`STALE`] more, so that a failure elsewhere logs nobody out here. What documents may say is decided in
//! `oauth::server::metadata_document`.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use jiff::{SignedDuration, Timestamp};

use super::AuthorizationServer;
use super::addresses::{AddressError, Copied, Fetch, NamedBy};
use super::clients::unknown;
use super::exchange::KnownClient;
use super::records::client::{CLIENT, Client, ClientOrigin};
use super::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::server::client_metadata::ClientMetadata;
use crate::oauth::server::metadata_document::{
    ClientIdUrl, MAXIMUM_BYTES, MetadataDocumentError, read_metadata_document,
};
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Commit, Expected};
use crate::ports::upstream::{Body, Response, SendLimits};

impl AuthorizationServer {
    /// The client whose id is this address; `None`: its record is not the one that was read before any more.
    pub(super) async fn client_at(
        &self,
        id: &str,
        stored: Option<Stored<Arc<Client>>>,
    ) -> Result<Option<KnownClient>, IssueError> {
        if !self.rules().metadata_documents {
            return Err(unknown("addresses are no client ids at this server").into());
        }
        let url = ClientIdUrl::parse(id).map_err(|error| unacceptable(&with_cause(&error)))?;
        let now = self.now();
        let remembered = self.within.elsewhere.documents.copy(id);
        let seen = remembered.as_ref().map(|copy| copy.fetched_at);
        let recorded = stored.as_ref().and_then(|stored| recorded(&stored.document));
        // Another server may have read it later than this one.
        let last = match (remembered, recorded) {
            (Some(ours), Some(theirs)) if theirs.fetched_at > ours.fetched_at => Some(theirs),
            (None, theirs) => theirs,
            (ours, _) => ours,
        };
        if let Some(copy) = last.as_ref().filter(|copy| copy.fresh_until > now) {
            return self.client_of_copy(id, copy, stored).await;
        }
        let limits = self.way_to_document(&url)?;
        let read = self.read_at(&self.within.elsewhere.documents, id, url.host(), seen, || {
            self.document_fetch(url.clone(), limits)
        });
        match read.await {
            Ok(copy) => self.client_of_copy(id, &copy, stored).await,
            Err(error) if error.is_passing() => match last {
                Some(copy) if self.now().duration_since(copy.fresh_until) < STALE => {
                    tracing::debug!(client = id, %error, "the last copy of a client's metadata serves on");
                    self.client_of_copy(id, &copy, stored).await
                }
                // Somebody is logged in with it: that is not to end because a server is away.
                Some(_) => Err(IssueError::Elsewhere(error)),
                None => Err(unreadable(&error).into()),
            },
            Err(error) => Err(unreadable(&error).into()),
        }
    }

    /// The client as a copy of its document says. A record that says otherwise is replaced.
    async fn client_of_copy(
        &self,
        id: &str,
        copy: &Copied<ClientMetadata>,
        stored: Option<Stored<Arc<Client>>>,
    ) -> Result<Option<KnownClient>, IssueError> {
        let Some(stored) = stored else {
            let client = described(id, copy, copy.fetched_at);
            return Ok(Some(KnownClient { document: Arc::new(client), expected: Expected::Absent }));
        };
        let expected = Expected::Version(stored.version);
        // Compared as they are written: keys get names then.
        if stored.document.metadata.to_object() == copy.content.to_object() {
            return Ok(Some(KnownClient { document: stored.document, expected }));
        }
        let changed = described(id, copy, stored.document.created_at);
        let event = Event::new(self.now(), "client.changed", id)
            .with("by", "its metadata document")
            .with("asks_again", changed.consent_digest() != stored.document.consent_digest());
        let batch = document::put(self.engine().batch().event(event), &changed, expected)?;
        match self.store().commit(batch).await?.value {
            Commit::Done(version) => {
                let expected = Expected::Version(version);
                Ok(Some(KnownClient { document: Arc::new(changed), expected }))
            }
            Commit::Conflict { .. } => {
                self.within.known.doubt(CLIENT.name, id);
                Ok(None)
            }
        }
    }

    fn way_to_document(&self, url: &ClientIdUrl) -> Result<SendLimits, IssueError> {
        let parsed = url::Url::parse(url.as_str()).map_err(|error| unacceptable(&error.to_string()))?;
        let way = self.way_to(&parsed, NamedBy::Stranger).map_err(|error| unreadable(&error))?;
        Ok(SendLimits { time: LONGEST_ANSWER, body: MAXIMUM_BYTES, ..way })
    }

    fn document_fetch(&self, url: ClientIdUrl, limits: SendLimits) -> Fetch<ClientMetadata> {
        let ports = self.engine().ports();
        let (upstream, clock) = (Arc::clone(&ports.upstream), Arc::clone(&ports.clock));
        Box::pin(async move {
            let request = http::Request::get(url.as_str())
                .header(ACCEPT, "application/json")
                .body(Body::default())
                .map_err(|error| AddressError::Unacceptable(error.to_string()))?;
            let answer = upstream.send(request, limits).await.map_err(AddressError::NoAnswer)?;
            let content = Arc::new(read_document(&url, &answer)?);
            let fetched_at = clock.now();
            let fresh_until = fetched_at.saturating_add(freshness(&answer)).unwrap_or(Timestamp::MAX);
            Ok(Copied { content, fetched_at, fresh_until })
        })
    }
}

fn read_document(url: &ClientIdUrl, answer: &Response) -> Result<ClientMetadata, AddressError> {
    AddressError::of_status(answer)?;
    // Nobody was asked to compress, and nothing is unpacked here.
    if answer.headers().contains_key(CONTENT_ENCODING) {
        return Err(AddressError::Unacceptable("it is compressed".to_owned()));
    }
    let kind = field(answer, &CONTENT_TYPE);
    read_metadata_document(url, answer.status(), kind, answer.body().expose()).map_err(|error| {
        AddressError::Unacceptable(match &error {
            MetadataDocumentError::Metadata(metadata) => metadata.description(),
            other => other.to_string(),
        })
    })
}

/// How long the answer says that it may be kept (RFC 9111 §5.2.2), within our own bounds.
fn freshness(answer: &Response) -> SignedDuration {
    let directives = answer.headers().get_all(CACHE_CONTROL).iter();
    let directives = directives.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut freshness = USUALLY_FRESH;
    for directive in directives {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let name = name.trim().to_ascii_lowercase();
        if name == "no-store" || name == "no-cache" {
            return SHORTEST_FRESH;
        }
        if name == "max-age" {
            let seconds = value.trim().trim_matches('"').parse::<i64>().unwrap_or(0);
            freshness = SignedDuration::from_secs(seconds);
        }
    }
    freshness.clamp(SHORTEST_FRESH, LONGEST_FRESH)
}

fn recorded(client: &Client) -> Option<Copied<ClientMetadata>> {
    let ClientOrigin::MetadataDocument { fetched_at, fresh_until } = client.origin else { return None };
    Some(Copied { content: Arc::new(client.metadata.clone()), fetched_at, fresh_until })
}

fn described(id: &str, copy: &Copied<ClientMetadata>, created_at: Timestamp) -> Client {
    Client {
        id: id.to_owned(),
        origin: ClientOrigin::MetadataDocument { fetched_at: copy.fetched_at, fresh_until: copy.fresh_until },
        metadata: (*copy.content).clone(),
        secrets: Vec::new(),
        scope: None,
        rotates: true,
        created_at,
        removed_at: None,
        management: None,
        forgotten_at: None,
    }
}

fn field<'a>(answer: &'a Response, name: &HeaderName) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

/// Its author may know what is wrong with a document that everybody can read; where our network ends is nobody's business.
fn unreadable(error: &AddressError) -> Refusal {
    let told = match error {
        AddressError::Unacceptable(_) | AddressError::Status { .. } => {
            format!("the client's metadata document cannot be used: {error}")
        }
        _ => "the client's metadata document cannot be fetched".to_owned(),
    };
    Refusal::new(ErrorCode::InvalidClient, told)
        .because(format!("its metadata document: {}", with_cause(error)))
}

fn unacceptable(reason: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidClient, reason)
}

fn with_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// A person waits for it.
const LONGEST_ANSWER: Duration = Duration::from_secs(5);
/// What the author of a document waits until a change is seen, if the answer says nothing.
const USUALLY_FRESH: SignedDuration = SignedDuration::from_hours(1);
/// Whoever wants none of it kept still does not have it read with every request.
const SHORTEST_FRESH: SignedDuration = SignedDuration::from_mins(5);
const LONGEST_FRESH: SignedDuration = SignedDuration::from_hours(24);
/// A long night for whoever runs the other server.
const STALE: SignedDuration = SignedDuration::from_hours(24);
