//! How much of everything one server takes, with the reasons.

use std::time::Duration;

/// Bounds of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time. Further ones wait in the system's queue.
    pub connections: usize,
    /// Those of them that one address may have, unless it is this machine's or a trusted proxy's. Further ones are closed.
    /// An office or a provider may have thousands of people behind one address, and whoever takes a quarter of all places
    /// leaves three to everybody else.
    pub connections_of_address: usize,
    /// Request line and headers of a request together. Authorization requests carry the most, some kilobytes in their
    /// query; whoever has more to say pushes it (RFC 9126).
    pub head_bytes: usize,
    /// From a connection's opening to its first byte, and from the first byte of a request to the end of its headers.
    pub head_time: Duration,
    /// For a TLS handshake: one lost packet and its repetition fit.
    pub handshake_time: Duration,
    /// Between two requests of one connection. A little longer than the minute after which the usual proxies close what
    /// they keep open, so that it is them who close and no request meets a closing connection.
    pub idle_time: Duration,
    /// The largest body of a request. Forms, registrations and signed requests end far below it.
    pub body_bytes: u64,
    /// For a whole body: [`Limits::body_bytes`] at the pace of a bad mobile connection.
    pub body_time: Duration,
    /// How long a caller may take nothing of an answer that is there for it.
    pub answer_idle: Duration,
    /// Requests under way at a time on one connection that speaks HTTP/2.
    pub streams: u32,
    /// How long requests under way may go on after the server was told to stop.
    pub stop_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: MOST_CONNECTIONS,
            connections_of_address: share(MOST_CONNECTIONS),
            head_bytes: 16 * 1024,
            head_time: Duration::from_secs(10),
            handshake_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            body_bytes: 64 * 1024,
            body_time: Duration::from_secs(20),
            answer_idle: Duration::from_secs(30),
            streams: 100,
            stop_grace: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The usual ones for a server whose connections may have this many descriptors.
    pub fn within(descriptors: usize) -> Self {
        let usual = Self::default();
        let connections = usual.connections.min(descriptors.max(1));
        Self { connections, connections_of_address: share(connections), ..usual }
    }

    /// The same with so many connections for one address, if the operator says so; zero: as many as there are.
    #[must_use]
    pub fn for_one_address(self, said: Option<u32>) -> Self {
        let connections_of_address = match said {
            None => self.connections_of_address,
            Some(0) => self.connections,
            Some(said) => usize::try_from(said).unwrap_or(usize::MAX),
        };
        Self { connections_of_address, ..self }
    }
}

/// What one address may have of so many.
fn share(connections: usize) -> usize {
    (connections / 4).max(1)
}

const MOST_CONNECTIONS: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_a_quarter_unless_somebody_says_otherwise() {
        let limits = Limits::within(1000);
        for (said, expected) in [(None, 250), (Some(0), 1000), (Some(7), 7)] {
            assert_eq!(limits.clone().for_one_address(said).connections_of_address, expected);
        }
        assert_eq!(Limits::within(1).connections_of_address, 1);
        assert_eq!(Limits::within(usize::MAX).connections_of_address, 4_096);
    }
}
