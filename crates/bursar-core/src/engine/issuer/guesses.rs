//! How many passwords may be tried: by whom, from where, for whom.
//!
//! An address may be that of a whole company, and a user name is public. So a wrong password counts against the pair of
//! user and network, and locks nobody out elsewhere; a network is held back only when it fails for many users; a user who
//! is tried from everywhere is slowed down, not locked; and a browser in which the user has signed in before is held back
//! by its own mistakes alone.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::AuthorizationServer;
use super::records::user::UserName;
use crate::ports::store::StoreError;

/// Where a password is tried.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// In a browser, or a session, where this user is known.
    Browser(&'a str),
    /// Anywhere in a network.
    Network(Option<IpAddr>),
}

/// A password that is being tried; it counts as wrong until it is said to be right.
#[derive(Debug)]
pub(super) struct Attempt {
    pair: String,
    /// The user and the network, where these count.
    shared: Option<(String, String)>,
}

/// A password is not even looked at.
#[derive(Debug, thiserror::Error)]
pub enum GuessError {
    /// Too many were wrong.
    #[error("too many wrong passwords; the next one is heard in {} s", wait.as_secs())]
    TooMany {
        /// How long it takes until another one is heard.
        wait: Duration,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// So many wrong ones in so much time.
#[derive(Clone, Copy, Debug)]
struct Limit {
    most: u64,
    window: Duration,
}

impl AuthorizationServer {
    /// Notes that a password is tried, before it is looked at: a thousand at once are not more than one after the other.
    pub(super) async fn attempt(&self, username: &str, place: Place<'_>) -> Result<Attempt, GuessError> {
        let user = short_digest(&UserName::key_of(username));
        let (network, shared) = match place {
            Place::Browser(id) => (format!("browser:{id}"), None),
            Place::Network(address) => {
                let network = network_of(address);
                (network.clone(), Some((format!("user:{user}"), format!("network:{network}"))))
            }
        };
        let pair = format!("pair:{user}:{network}");
        let attempt = Attempt { pair, shared };
        self.refuse_beyond(&attempt.pair, &PAIR).await?;
        if let Some((user, network)) = &attempt.shared {
            self.refuse_beyond(network, &[NETWORK]).await?;
            if self.wrong(user, USER).await?.0 >= USER.most {
                self.refuse_beyond_pace(user).await?;
            }
        }
        self.note(&attempt).await?;
        Ok(attempt)
    }

    /// The password of this attempt was right, or was not looked at.
    pub(super) async fn does_not_count(&self, attempt: &Attempt) -> Result<(), StoreError> {
        for limit in PAIR {
            let right = self.add(&attempt.pair, RIGHT, 1, limit.window).await?.0;
            if let Some((_, network)) = &attempt.shared
                && limit.window == NETWORK.window
                && right == 1
            {
                self.add(network, RIGHT, 1, NETWORK.window).await?;
            }
        }
        if let Some((user, _)) = &attempt.shared {
            self.add(user, RIGHT, 1, USER.window).await?;
        }
        Ok(())
    }

    async fn note(&self, attempt: &Attempt) -> Result<(), GuessError> {
        for limit in PAIR {
            let (tried, wait) = self.add(&attempt.pair, TRIED, 1, limit.window).await?;
            let (right, _) = self.add(&attempt.pair, RIGHT, 0, limit.window).await?;
            // Others were looked at meanwhile.
            if tried.saturating_sub(right) > limit.most {
                return Err(GuessError::TooMany { wait });
            }
            if let Some((_, network)) = &attempt.shared
                && limit.window == NETWORK.window
                && tried == 1
            {
                self.add(network, TRIED, 1, NETWORK.window).await?;
            }
        }
        if let Some((user, _)) = &attempt.shared {
            self.add(user, TRIED, 1, USER.window).await?;
        }
        Ok(())
    }

    async fn refuse_beyond(&self, name: &str, limits: &[Limit]) -> Result<(), GuessError> {
        let mut longest = None;
        for limit in limits {
            let (wrong, wait) = self.wrong(name, *limit).await?;
            if wrong >= limit.most {
                longest = longest.max(Some(wait));
            }
        }
        longest.map_or(Ok(()), |wait| Err(GuessError::TooMany { wait }))
    }

    async fn refuse_beyond_pace(&self, name: &str) -> Result<(), GuessError> {
        let (tries, wait) = self.add(name, PACE, 1, SLOW.window).await?;
        if tries > SLOW.most { Err(GuessError::TooMany { wait }) } else { Ok(()) }
    }

    /// How many were wrong or are still being looked at, and until when they count.
    async fn wrong(&self, name: &str, limit: Limit) -> Result<(u64, Duration), StoreError> {
        let (tried, wait) = self.add(name, TRIED, 0, limit.window).await?;
        let (right, _) = self.add(name, RIGHT, 0, limit.window).await?;
        Ok((tried.saturating_sub(right), wait))
    }

    async fn add(
        &self,
        name: &str,
        what: &str,
        by: u64,
        window: Duration,
    ) -> Result<(u64, Duration), StoreError> {
        let counter = format!("sign-in:{}:{what}:{name}", window.as_secs());
        let answer = self.store().count(self.space(), &counter, by, window).await?;
        Ok((answer.value.value, until(answer.time, answer.value.resets_at)))
    }
}

/// Whole seconds, and at least one: nobody is told to come back too early.
fn until(now: Timestamp, end: Timestamp) -> Duration {
    let left = end.duration_since(now).unsigned_abs();
    Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0)).max(Duration::from_secs(1))
}

/// One customer of one provider, as far as an address tells: a /24 or a /56.
pub(super) fn network_of(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Some(IpAddr::V6(address)) => {
            let network = Ipv6Addr::from(u128::from(address) & (u128::MAX << (128 - 56)));
            format!("{network}/56")
        }
    }
}

/// Names people type may be their passwords, and may be long.
fn short_digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, text.as_bytes()).as_ref()[..16])
}

const TRIED: &str = "tried";
const RIGHT: &str = "right";
const PACE: &str = "pace";

/// One user from one place. Pauses grow with the windows, from minutes to the rest of a day, and twenty guesses a day find
/// no password that is not found anyway.
const PAIR: [Limit; 3] = [
    Limit { most: 5, window: Duration::from_mins(15) },
    Limit { most: 10, window: Duration::from_hours(2) },
    Limit { most: 20, window: Duration::from_hours(24) },
];
/// Users for whom nobody in a network knew the password: more than any office mistypes without ever getting it right. The
/// window is one of [`PAIR`].
const NETWORK: Limit = Limit { most: 100, window: Duration::from_hours(2) };
/// One user from everywhere: after so many it goes slowly.
const USER: Limit = Limit { most: 50, window: Duration::from_hours(1) };
/// How slowly: a person waits once, a crowd of machines gets nowhere.
const SLOW: Limit = Limit { most: 1, window: Duration::from_secs(20) };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_network() {
        let network = |address: &str| network_of(Some(address.parse().unwrap()));
        assert_eq!(network("192.0.2.7"), "192.0.2.0/24");
        assert_eq!(network("::ffff:192.0.2.9"), network("192.0.2.7"));
        assert_eq!(network("2001:db8:1:2ff:3::4"), "2001:db8:1:200::/56");
        assert_ne!(network("2001:db8:1:300::1"), network("2001:db8:1:2ff::1"));
        assert_ne!(network("192.0.3.7"), network("192.0.2.7"));
    }

    #[test]
    fn the_window_of_networks_is_one_of_those_of_pairs() {
        assert!(PAIR.iter().any(|limit| limit.window == NETWORK.window));
    }
}
