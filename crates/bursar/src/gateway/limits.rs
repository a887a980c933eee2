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
    /// Connections at a time. Further ones wait in the system's queue.
    pub connections: usize,
    /// Name lookup, connection, proxy and TLS handshake with an upstream together: one lost packet and its repetition fit.
    pub connect_time: Duration,
    /// How long an upstream may be silent while its answer is awaited or running. There is no limit on the whole, so that
    /// streams may last; the clients of language models wait ten minutes for a first byte.
    pub upstream_idle: Duration,
    /// A request body up to this size is read whole before it is passed on, so that it can be sent a second time.
    pub replay_body: u64,
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
            connect_time: Duration::from_secs(10),
            upstream_idle: Duration::from_mins(15),
            replay_body: 1024 * 1024,
            hand_out_wait: Duration::from_secs(30),
            fruitless_pause: Duration::from_secs(30),
            stop_grace: Duration::from_secs(10),
        }
    }
}
