//! The keys that clients prove themselves with (RFC 7591 §2, `jwks` and `jwks_uri`).

use std::sync::Arc;
use std::time::Duration;

use http::header::ACCEPT;
use jiff::{SignedDuration, Timestamp};

use super::AuthorizationServer;
use super::addresses::{AddressError, Copied, Fetch, NamedBy};
use super::records::client::Client;
use super::refusal::{IssueError, Refusal};
use crate::oauth::error::ErrorCode;
use crate::oauth::jose::{CompactToken, KeySet};
use crate::oauth::server::client_metadata::ClientKeys;
use crate::oauth::url::EndpointUrl;
use crate::ports::upstream::{Body, SendLimits};

impl AuthorizationServer {
    /// The keys of a client, among which the one that `assertion` names should be.
    pub(super) async fn keys_for(&self, client: &Client, assertion: &str) -> Result<Arc<KeySet>, IssueError> {
        match &client.metadata.keys {
            Some(ClientKeys::Inline(keys)) => Ok(Arc::new(keys.clone())),
            Some(ClientKeys::At(address)) => self.keys_at(client, address, assertion).await,
            None => Err(Refusal::new(ErrorCode::InvalidClient, "the client has no keys here").into()),
        }
    }

    async fn keys_at(
        &self,
        client: &Client,
        address: &EndpointUrl,
        assertion: &str,
    ) -> Result<Arc<KeySet>, IssueError> {
        let named_by = self.named_by(&client.origin);
        let sets = &self.within.elsewhere.key_sets;
        // What one may have read says nothing about what the other may.
        let name = format!("{named_by:?} {address}");
        let now = self.now();
        let remembered = sets.copy(&name);
        let seen = remembered.as_ref().map(|copy| copy.fetched_at);
        let last = remembered.filter(|copy| now.duration_since(copy.fresh_until) < STALE);
        if let Some(copy) = &last {
            let is_fresh = copy.fresh_until > now;
            let is_new = now.duration_since(copy.fetched_at) < BETWEEN_READINGS;
            let failed_now =
                sets.failed_at(&name).is_some_and(|at| now.duration_since(at) < BETWEEN_READINGS);
            if is_fresh && (has_key(&copy.content, assertion) || is_new || failed_now) {
                return Ok(Arc::clone(&copy.content));
            }
        }
        let way = self.way_to(address.as_url(), named_by).map_err(|error| unusable(&error))?;
        let limits = SendLimits { time: LONGEST_ANSWER, body: MAXIMUM_BYTES, ..way };
        let read =
            self.read_at(sets, &name, address.host(), seen, || self.keys_fetch(address.clone(), limits));
        match (read.await, last) {
            (Ok(copy), _) => Ok(copy.content),
            (Err(error), Some(copy)) if error.is_passing() => {
                tracing::debug!(client = client.id, %error, "the last copy of a client's keys serves on");
                Ok(copy.content)
            }
            (Err(error), None) if error.is_passing() && named_by == NamedBy::Operator => {
                Err(IssueError::Elsewhere(error))
            }
            (Err(error), _) => Err(unusable(&error).into()),
        }
    }

    fn keys_fetch(&self, address: EndpointUrl, limits: SendLimits) -> Fetch<KeySet> {
        let ports = self.engine().ports();
        let (upstream, clock) = (Arc::clone(&ports.upstream), Arc::clone(&ports.clock));
        Box::pin(async move {
            let request = http::Request::get(address.as_str())
                .header(ACCEPT, "application/jwk-set+json, application/json")
                .body(Body::default())
                .map_err(|error| AddressError::Unacceptable(error.to_string()))?;
            let answer = upstream.send(request, limits).await.map_err(AddressError::NoAnswer)?;
            AddressError::of_status(&answer)?;
            let keys = KeySet::read(answer.body().expose())
                .map_err(|error| AddressError::Unacceptable(error.to_string()))?;
            let fetched_at = clock.now();
            let fresh_until = fetched_at.saturating_add(FRESH).unwrap_or(Timestamp::MAX);
            Ok(Copied { content: Arc::new(keys), fetched_at, fresh_until })
        })
    }
}

fn has_key(keys: &KeySet, assertion: &str) -> bool {
    // What cannot be read will be refused with these keys as with any others.
    CompactToken::parse(assertion).map_or(true, |token| {
        let header = token.header();
        keys.find(header.key_id.as_deref(), header.algorithm).is_some()
    })
}

fn unusable(error: &AddressError) -> Refusal {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Refusal::new(ErrorCode::InvalidClient, "the client did not prove itself")
        .because(format!("the keys at its `jwks_uri` cannot be used: {error}{cause}"))
}

/// The client waits for it.
const LONGEST_ANSWER: Duration = Duration::from_secs(5);
/// 32 RSA keys with certificates.
const MAXIMUM_BYTES: usize = 64 * 1024;
/// A key that was taken away is believed no longer than this.
const FRESH: SignedDuration = SignedDuration::from_mins(10);
/// The same while its owner does not answer.
const STALE: SignedDuration = SignedDuration::from_hours(1);
/// Assertions that name unheard-of keys make this server ask no more often.
const BETWEEN_READINGS: SignedDuration = SignedDuration::from_mins(1);
