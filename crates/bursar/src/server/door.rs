//! Who may come in how: plain HTTP stays on this machine, unless a named proxy brings it.

use std::net::{IpAddr, SocketAddr};

use super::error::ServerError;
use super::source::TrustedProxies;

/// How a connection has to look.
#[derive(Clone, Debug, Default)]
pub struct DoorRules {
    /// Whether every connection is encrypted.
    pub is_tls: bool,
    /// Whose word on callers counts.
    pub proxies: TrustedProxies,
}

impl DoorRules {
    /// Whether a server may listen at `address` at all.
    ///
    /// # Errors
    /// Tokens and passwords would cross the network in the open.
    pub fn check(&self, address: SocketAddr) -> Result<(), ServerError> {
        if self.is_tls || !self.proxies.is_empty() || is_here(address.ip()) {
            Ok(())
        } else {
            Err(ServerError::Exposed { address })
        }
    }

    /// Whether a request of `peer` may be answered. Somebody else on the network of a proxy that forgot to be encrypted
    /// may still ask how the server is doing, as cluster managers do.
    pub(super) fn admits(&self, peer: IpAddr) -> bool {
        self.is_tls || is_here(peer) || self.proxies.contains(peer)
    }
}

/// Whether only this machine can use the address.
pub(super) fn is_here(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_beyond_this_machine_needs_a_named_proxy() {
        let plain = DoorRules::default();
        let tls = DoorRules { is_tls: true, ..DoorRules::default() };
        let named = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let behind = DoorRules { is_tls: false, proxies: named };
        for (address, may) in [
            ("127.0.0.1:8790", [true, true, true]),
            ("[::1]:8790", [true, true, true]),
            ("[::ffff:127.0.0.1]:8790", [true, true, true]),
            ("0.0.0.0:8790", [false, true, true]),
            ("[::]:8790", [false, true, true]),
            ("192.168.1.2:8790", [false, true, true]),
        ] {
            let address = address.parse().unwrap();
            let found = [&plain, &tls, &behind].map(|rules| rules.check(address).is_ok());
            assert_eq!(found, may, "{address}");
        }
        for (peer, may) in [
            ("127.0.0.1", [true, true, true]),
            ("10.1.1.1", [false, true, true]),
            ("::ffff:10.1.1.1", [false, true, true]),
            ("192.168.1.2", [false, true, false]),
        ] {
            let peer = peer.parse().unwrap();
            let found = [&plain, &tls, &behind].map(|rules| rules.admits(peer));
            assert_eq!(found, may, "{peer}");
        }
    }
}
