//! What clients keep at addresses of their own: read by one caller for all who wait, and remembered while it is fresh.
//!
//! A failure is never remembered as an answer. It only spares the other side for `PAUSE`, so that a flood of requests
//! here does not become one there.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, ready};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::AuthorizationServer;
use super::records::client::ClientOrigin;
use crate::oauth::jose::KeySet;
use crate::oauth::server::client_metadata::ClientMetadata;
use crate::oauth::url::is_loopback;
use crate::ports::upstream::{Response, SendCause, SendError, SendLimits, UrlOrigin};

/// What is known of the addresses that clients have named.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// Metadata, by client id.
    pub(super) documents: Arc<Addresses<ClientMetadata>>,
    /// Keys, by who named the address and the address.
    pub(super) key_sets: Arc<Addresses<KeySet>>,
}

/// What was read at addresses.
pub(super) struct Addresses<T>(Mutex<Kept<T>>);

/// What was read at one.
pub(super) struct Copied<T> {
    pub(super) content: Arc<T>,
    pub(super) fetched_at: Timestamp,
    pub(super) fresh_until: Timestamp,
}

/// Reading that is under way.
pub(super) type Fetch<T> = BoxFuture<'static, Result<Copied<T>, AddressError>>;

struct Kept<T> {
    copies: HashMap<String, Copied<T>>,
    under_way: HashMap<String, UnderWay<T>>,
    failures: HashMap<String, (Timestamp, AddressError)>,
    begun: u64,
}

struct UnderWay<T> {
    number: u64,
    host: String,
    fetch: Shared<Fetch<T>>,
}

impl<T: Send + Sync + 'static> Addresses<T> {
    /// The last copy, fresh or not.
    pub(super) fn copy(&self, name: &str) -> Option<Copied<T>> {
        self.kept().copies.get(name).cloned()
    }

    /// When reading last failed, if that is so short ago that it was not forgotten.
    pub(super) fn failed_at(&self, name: &str) -> Option<Timestamp> {
        self.kept().failures.get(name).map(|(at, _)| *at)
    }

    /// What is being read, was read since the copy of `seen`, or is to be read now; the last with its number.
    fn begin(
        &self,
        name: &str,
        host: &str,
        seen: Option<Timestamp>,
        now: Timestamp,
        fetch: impl FnOnce() -> Fetch<T>,
    ) -> Result<(Shared<Fetch<T>>, Option<u64>), AddressError> {
        let mut kept = self.kept();
        if let Some(copy) = kept.copies.get(name)
            && seen.is_none_or(|seen| copy.fetched_at > seen)
        {
            return Ok((ready(Ok(copy.clone())).boxed().shared(), None));
        }
        if let Some(under_way) = kept.under_way.get(name) {
            return Ok((under_way.fetch.clone(), None));
        }
        if let Some((at, error)) = kept.failures.get(name)
            && now.duration_since(*at).abs() < PAUSE
        {
            return Err(error.clone());
        }
        let there = kept.under_way.values().filter(|other| other.host == host).count();
        if kept.under_way.len() >= MOST_AT_ONCE || there >= MOST_AT_ONE_HOST {
            return Err(AddressError::Busy);
        }
        kept.begun += 1;
        let (number, fetch) = (kept.begun, fetch().shared());
        let under_way = UnderWay { number, host: host.to_owned(), fetch: fetch.clone() };
        kept.under_way.insert(name.to_owned(), under_way);
        Ok((fetch, Some(number)))
    }

    fn finish(&self, name: &str, number: u64, outcome: Result<Copied<T>, AddressError>, now: Timestamp) {
        let mut kept = self.kept();
        if kept.under_way.get(name).is_none_or(|under_way| under_way.number != number) {
            return;
        }
        kept.under_way.remove(name);
        match outcome {
            Ok(copy) => {
                if kept.copies.len() >= MOST_KEPT && !kept.copies.contains_key(name) {
                    kept.copies.retain(|_, copy| copy.fresh_until > now);
                }
                if kept.copies.len() >= MOST_KEPT {
                    kept.copies.clear();
                }
                kept.failures.remove(name);
                kept.copies.insert(name.to_owned(), copy);
            }
            Err(error) => {
                if kept.failures.len() >= MOST_KEPT {
                    kept.failures.clear();
                }
                kept.failures.insert(name.to_owned(), (now, error));
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuthorizationServer {
    /// Reads what is at an address now, or waits for whoever is reading it; whoever has read it since the copy that the
    /// caller has `seen` has done so for the caller too. Once begun it comes to its end, even if nobody waits any more.
    pub(super) async fn read_at<T: Send + Sync + 'static>(
        &self,
        addresses: &Arc<Addresses<T>>,
        name: &str,
        host: &str,
        seen: Option<Timestamp>,
        fetch: impl FnOnce() -> Fetch<T>,
    ) -> Result<Copied<T>, AddressError> {
        let (fetch, begun) = addresses.begin(name, host, seen, self.now(), fetch)?;
        if let Some(number) = begun {
            let (fetch, addresses, clock) =
                (fetch.clone(), Arc::clone(addresses), Arc::clone(&self.engine().ports().clock));
            let (name, (told, ended)) = (name.to_owned(), futures::channel::oneshot::channel());
            self.engine().ports().tasks.spawn(Box::pin(async move {
                let outcome = fetch.await;
                addresses.finish(&name, number, outcome, clock.now());
                // Whoever asked may have gone.
                let _gone = told.send(());
            }));
            // What was read is remembered before it is used.
            let _ended = ended.await;
        }
        fetch.await
    }

    /// How an address that a client has named is called. Only a server for development, which is itself reached on its
    /// own machine, calls what is on that machine.
    pub(super) fn way_to(&self, url: &url::Url, named_by: NamedBy) -> Result<SendLimits, AddressError> {
        let limits = |origin, proxy| SendLimits { proxy, origin, ..SendLimits::default() };
        let on_this_machine = url.scheme() == "http" && is_loopback(url);
        match (named_by, &self.rules().guarded_proxy) {
            (NamedBy::Operator, _) => Ok(limits(UrlOrigin::Configured, None)),
            (NamedBy::Stranger, _) if on_this_machine && self.is_for_development() => {
                Ok(limits(UrlOrigin::Configured, Some(String::new())))
            }
            (NamedBy::Stranger, _) if url.scheme() != "https" => Err(AddressError::NotEncrypted),
            (NamedBy::Stranger, Some(proxy)) => {
                Ok(limits(UrlOrigin::Configured, Some(proxy.expose().to_owned())))
            }
            (NamedBy::Stranger, None) => Ok(limits(UrlOrigin::Stranger, Some(String::new()))),
        }
    }

    /// Whose idea the addresses of a client were that comes from there. Who administers a sandbox is a tenant, and does not
    /// run this machine.
    pub(super) fn named_by(&self, origin: &ClientOrigin) -> NamedBy {
        match origin {
            ClientOrigin::Administrator if self.rules().sandbox.is_none() => NamedBy::Operator,
            _ => NamedBy::Stranger,
        }
    }

    /// Whether it is itself reached on its own machine only.
    fn is_for_development(&self) -> bool {
        is_loopback(self.rules().issuer.as_url())
    }
}

/// Whose idea an address was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamedBy {
    Operator,
    Stranger,
}

/// Nothing that can be used was found at an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No answer arrived.
    #[error("no answer arrived")]
    NoAnswer(#[source] SendError),
    /// Something else was answered.
    #[error("the answer had status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// What was answered is not acceptable.
    #[error("what was answered is not acceptable: {0}")]
    Unacceptable(String),
    /// Only what arrives encrypted can be believed.
    #[error("the address does not start with https://")]
    NotEncrypted,
    /// Too much is being read already.
    #[error("too much is being read elsewhere already")]
    Busy,
}

impl AddressError {
    /// Whether it says nothing about what is at the address.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::NoAnswer(error) => !matches!(error.cause, SendCause::TooLarge | SendCause::Forbidden),
            Self::Status { status } => matches!(*status, 408 | 429) || (500..600).contains(status),
            Self::Busy => true,
            Self::Unacceptable(_) | Self::NotEncrypted => false,
        }
    }

    /// Every status but 200 is something else than what was asked for: redirects are not followed, parts are not enough.
    pub(super) fn of_status(response: &Response) -> Result<(), Self> {
        match response.status() {
            StatusCode::OK => Ok(()),
            status => Err(Self::Status { status: status.as_u16() }),
        }
    }
}

impl<T> Clone for Copied<T> {
    fn clone(&self) -> Self {
        Self { content: Arc::clone(&self.content), ..*self }
    }
}

impl<T> Default for Addresses<T> {
    fn default() -> Self {
        Self(Mutex::new(Kept {
            copies: HashMap::new(),
            under_way: HashMap::new(),
            failures: HashMap::new(),
            begun: 0,
        }))
    }
}

impl<T> fmt::Debug for Addresses<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Addresses")
    }
}

/// Short enough that nobody who has just repaired a document notices.
const PAUSE: SignedDuration = SignedDuration::from_secs(1);
/// A document has at most 5 KiB and a key set 64; an ordinary server meets some dozens.
const MOST_KEPT: usize = 1_000;
/// What strangers can make this server do at the same time, in all and to one other server.
const MOST_AT_ONCE: usize = 64;
const MOST_AT_ONE_HOST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(
        addresses: &Addresses<()>,
        name: &str,
        host: &str,
        now: Timestamp,
    ) -> Result<Option<u64>, AddressError> {
        let pending = || -> Fetch<()> { Box::pin(futures::future::pending()) };
        addresses.begin(name, host, None, now, pending).map(|(_, begun)| begun)
    }

    fn copied() -> Copied<()> {
        let at = Timestamp::UNIX_EPOCH;
        Copied { content: Arc::new(()), fetched_at: at, fresh_until: at }
    }

    #[test]
    fn few_calls_go_to_one_server_and_some_more_to_all() {
        let (addresses, now) = (Addresses::default(), Timestamp::UNIX_EPOCH);
        for number in 0..MOST_AT_ONE_HOST {
            assert!(begin(&addresses, &format!("a{number}"), "a.test", now).unwrap().is_some());
        }
        assert_eq!(begin(&addresses, "a", "a.test", now), Err(AddressError::Busy));
        assert_eq!(begin(&addresses, "a0", "a.test", now), Ok(None), "one that is under way is waited for");
        for number in MOST_AT_ONE_HOST..MOST_AT_ONCE {
            assert!(
                begin(&addresses, &format!("b{number}"), &format!("b{number}.test"), now).unwrap().is_some()
            );
        }
        assert_eq!(begin(&addresses, "c", "c.test", now), Err(AddressError::Busy));
        addresses.finish("a0", 1, Ok(copied()), now);
        assert!(begin(&addresses, "c", "c.test", now).unwrap().is_some());
    }

    #[test]
    fn a_failure_spares_the_other_side_for_a_second_and_is_no_answer() {
        let (addresses, now) = (Addresses::default(), Timestamp::UNIX_EPOCH);
        let failed = AddressError::Status { status: 404 };
        let number = begin(&addresses, "a", "a.test", now).unwrap().unwrap();
        addresses.finish("a", number, Err(failed.clone()), now);
        assert_eq!(begin(&addresses, "a", "a.test", now), Err(failed));
        assert!(begin(&addresses, "b", "a.test", now).unwrap().is_some());
        assert!(begin(&addresses, "a", "a.test", now + PAUSE).unwrap().is_some());
    }

    #[test]
    fn who_looked_before_it_was_read_need_not_read_it_again() {
        let (addresses, now) = (Addresses::default(), Timestamp::UNIX_EPOCH);
        let number = begin(&addresses, "a", "a.test", now).unwrap().unwrap();
        addresses.finish("a", number, Ok(copied()), now);
        assert_eq!(begin(&addresses, "a", "a.test", now), Ok(None));
        let pending = || -> Fetch<()> { Box::pin(futures::future::pending()) };
        let again = addresses.begin("a", "a.test", Some(copied().fetched_at), now, pending);
        assert!(again.unwrap().1.is_some(), "who has seen that copy wants another");
    }

    #[test]
    fn only_so_many_copies_are_kept() {
        let (addresses, now) = (Addresses::default(), Timestamp::UNIX_EPOCH);
        for number in 0..=MOST_KEPT {
            let name = number.to_string();
            let begun = begin(&addresses, &name, "a.test", now).unwrap().unwrap();
            addresses.finish(&name, begun, Ok(copied()), now);
        }
        assert!(addresses.kept().copies.len() <= MOST_KEPT);
        assert!(addresses.copy(&MOST_KEPT.to_string()).is_some());
    }
}
