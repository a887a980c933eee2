//! Which server a URL means; the URL itself goes no further, because it may hold a password.

use std::fmt;
use std::time::Duration;

use bursar_core::secret::Secret;
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, TlsCertificates};

use super::errors::RedisOpenError;

/// Where to connect.
pub(super) struct Target {
    nodes: Vec<ConnectionInfo>,
    authorities: Option<Vec<u8>>,
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Target").field("nodes", &self.nodes.len()).finish_non_exhaustive()
    }
}

impl Target {
    /// Reads one URL, or several of one cluster separated by commas.
    pub(super) fn parse(url: &Secret, authorities: Option<Vec<u8>>) -> Result<Self, RedisOpenError> {
        let mut nodes = Vec::new();
        for text in split(url.expose()) {
            let known = SCHEMES.iter().any(|scheme| text.starts_with(scheme));
            if !known {
                return Err(RedisOpenError::Url(
                    "it begins with none of redis://, rediss:// and redis+unix://",
                ));
            }
            // The error may repeat the text.
            let node = text.into_connection_info().map_err(|_| {
                RedisOpenError::Url("use redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], percent-encoded")
            })?;
            nodes.push(node);
        }
        if nodes.is_empty() {
            return Err(RedisOpenError::Url("it is empty"));
        }
        Ok(Self { nodes, authorities })
    }

    /// How many addresses are known.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// A client of one node; `turn` chooses which, so that a dead one is passed over at the next try.
    pub(super) fn node(&self, turn: usize) -> Result<Client, RedisOpenError> {
        let node = self.nodes[turn % self.nodes.len()].clone();
        let client = match self.certificates(&node) {
            Some(certificates) => Client::build_with_tls(node, certificates),
            None => Client::open(node),
        };
        client
            .map_err(|_| RedisOpenError::Url("its server, or the certificates given for it, cannot be used"))
    }

    /// The same way to another address of the cluster.
    pub(super) fn other(&self, host: &str, port: u16) -> Self {
        let host = host.to_owned();
        let address = match self.nodes[0].addr().clone() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure, tls_params }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        Self { nodes: vec![self.nodes[0].clone().set_addr(address)], authorities: self.authorities.clone() }
    }

    /// A client of the cluster all nodes belong to.
    pub(super) fn cluster(
        &self,
        connect: Duration,
        respond: Duration,
    ) -> Result<ClusterClient, RedisOpenError> {
        let mut builder = ClusterClientBuilder::new(self.nodes.clone());
        if let Some(certificates) = self.certificates(&self.nodes[0]) {
            builder = builder.certs(certificates);
        }
        builder
            .connection_timeout(connect)
            .response_timeout(respond)
            // Following a moved slot is the client's work; waiting for a dead one is ours.
            .retries(3)
            .build()
            .map_err(|_| {
                RedisOpenError::Url("a cluster needs one user, password and kind of connection for all")
            })
    }

    /// The authorities to believe at a node that is reached by TLS.
    fn certificates(&self, node: &ConnectionInfo) -> Option<TlsCertificates> {
        let is_tls = matches!(node.addr(), ConnectionAddr::TcpTls { .. });
        let root_cert = self.authorities.clone().filter(|_| is_tls)?;
        Some(TlsCertificates { client_tls: None, root_cert: Some(root_cert) })
    }
}

fn split(urls: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = urls.trim();
    while !rest.is_empty() {
        // A password may hold a comma; what follows it is then no URL.
        let comma = rest
            .match_indices(',')
            .map(|(at, _)| at)
            .find(|at| rest[at + 1..].trim_start().starts_with("redis"));
        let (first, others) = comma.map_or((rest, ""), |at| (&rest[..at], rest[at + 1..].trim_start()));
        found.push(first.trim_end());
        rest = others;
    }
    found
}

const SCHEMES: [&str; 4] = ["redis://", "rediss://", "redis+unix://", "unix://"];

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> RedisOpenError {
        Target::parse(&Secret::new(url.to_owned()), None).unwrap_err()
    }

    #[test]
    fn urls_of_a_cluster_are_told_apart() {
        assert_eq!(
            split("redis://a:1,rediss://u:p,w@b:2 , redis://c"),
            ["redis://a:1", "rediss://u:p,w@b:2", "redis://c"]
        );
        assert_eq!(Target::parse(&Secret::new("redis://a,redis://b".to_owned()), None).unwrap().len(), 2);
    }

    #[test]
    fn refused_url_is_not_repeated() {
        for url in ["", "http://u:geheim@h", "redis://u:geheim@h:port", "redis://u:geheim@h/x", "geheim"] {
            let refusal = refusal(url);
            assert!(matches!(refusal, RedisOpenError::Url(_)), "{url}");
            assert!(!format!("{refusal} {refusal:?}").contains("geheim"), "{refusal}");
        }
        let target = Target::parse(&Secret::new("redis://u:geheim@h".to_owned()), None).unwrap();
        assert!(!format!("{target:?}").contains("geheim"));
    }
}
