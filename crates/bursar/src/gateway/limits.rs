//! How much of everything one gateway takes, with the reasons.

use std::time::Duration;

/// Bounds of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Request line and headers of a request together. Tools send a few KiB; cookies, the usual reason for more, are not
    /// passed on at all.
    pub head_bytes: usize,
    /// From a connection's opening, or the end of its last request, to the end of the next request's headers. Keeps
    /// connections that say nothing from piling up.
    pub head_time: Duration,
    /// Connections at a time, those after an upgrade included. Further ones wait in the system's queue.
    pub connections: usize,
    /// Requests under way at a time, upgrades included: each may need a connection with an upstream. Further ones wait
    /// as long as for a token.
    pub exchanges: usize,
    /// Name lookup, connection, proxy and TLS handshake with an upstream together: one lost packet and its repetition fit.
    pub connect_time: Duration,
    /// How long a connection with an upstream is kept for the next request. Load balancers close idle ones after a minute,
    /// nginx after 75 s: ours are gone before, so that a request is hardly ever sent on one that is just being closed,
    /// which nobody could repeat safely.
    pub upstream_kept: Duration,
    /// How long an upstream may be silent while its answer is awaited or running. There is no limit on the whole, so that
    /// streams may last; the clients of language models wait ten minutes for a first byte.
    pub upstream_idle: Duration,
    /// How long a caller may take nothing of an answer that is there for it. What it does not take fills the upstream's
    /// side too. A person who stops a pager comes back within this, or asks again.
    pub caller_idle: Duration,
    /// A request body up to this size is read whole before it is passed on, so that it can be sent a second time.
    pub replay_body: u64,
    /// What such bodies occupy together, in bytes. One that finds no room is passed on as it comes.
    pub replay_memory: usize,
    /// How long the caller has for such a body.
    pub body_time: Duration,
    /// How long a request waits for its account's token.
    pub hand_out_wait: Duration,
    /// How long a fresh token that was refused as well keeps the next refusals from refreshing again: the upstream means
    /// something else than the token.
    pub fruitless_pause: Duration,
    /// How long requests under way may go on after the gateway was told to stop.
    pub stop_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 64 * 1024,
            head_time: Duration::from_secs(30),
            connections: 16_384,
            exchanges: 8_000,
            connect_time: Duration::from_secs(10),
            upstream_kept: Duration::from_secs(30),
            upstream_idle: Duration::from_mins(15),
            caller_idle: Duration::from_mins(5),
            replay_body: 1024 * 1024,
            replay_memory: 64 * 1024 * 1024,
            body_time: Duration::from_secs(30),
            hand_out_wait: Duration::from_secs(30),
            fruitless_pause: Duration::from_secs(30),
            stop_grace: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The usual ones for a gateway that may have this many descriptors: a quarter of them for upstreams, since most
    /// connections of callers are idle most of the time.
    pub fn within(descriptors: usize) -> Self {
        let usual = Self::default();
        let upstreams = (descriptors / 4).max(1);
        let callers = descriptors.saturating_sub(upstreams).max(1);
        Self {
            connections: usual.connections.min(callers),
            exchanges: usual.exchanges.min(upstreams),
            ..usual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_and_upstreams_together_stay_within_the_descriptors() {
        for descriptors in [2, 7, 100, 1024, 17_500] {
            let limits = Limits::within(descriptors);
            assert!(limits.connections + limits.exchanges <= descriptors, "{limits:?}");
        }
        assert_eq!(Limits::within(usize::MAX), Limits::default());
        let none = Limits::within(0);
        assert_eq!((none.connections, none.exchanges), (1, 1));
    }
}
