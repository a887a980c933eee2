//! How many connections one address has, so that nobody takes the places of everybody else.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::door::{DoorRules, is_here};

/// Those who are connected, by where they come from.
#[derive(Debug)]
pub(super) struct Crowd {
    /// Connections of one address at a time.
    most: usize,
    by_address: Mutex<HashMap<IpAddr, Group>>,
}

/// Connections of one address; there is at least one.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    connections: usize,
    /// Whether the log knows that some were closed.
    is_told: bool,
}

/// The place of one connection among those of its address; free when it is dropped.
#[derive(Debug)]
pub(super) struct Place(Option<(Arc<Crowd>, IpAddr)>);

impl Crowd {
    /// Nobody yet.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, by_address: Mutex::default() })
    }

    /// A place for a connection of `peer`; `None`: its address has as many as it may.
    ///
    /// This machine and proxies have as many as there are: behind one address of theirs are many who share it.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr, rules: &DoorRules) -> Option<Place> {
        if is_here(peer) || rules.proxies.contains(peer) {
            return Some(Place(None));
        }
        let address = counted(peer);
        let mut by_address = self.by_address();
        let group = by_address.entry(address).or_default();
        if group.connections < self.most {
            group.connections += 1;
            return Some(Place(Some((Arc::clone(self), address))));
        }
        // Once for each time it comes to this, or strangers would fill the log.
        if !std::mem::replace(&mut group.is_told, true) {
            tracing::warn!(%address, connections = self.most, "connections of one address beyond its limit are closed");
        }
        None
    }

    fn by_address(&self) -> MutexGuard<'_, HashMap<IpAddr, Group>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((crowd, address)) = self.0.take() else { return };
        let mut by_address = crowd.by_address();
        if let Some(group) = by_address.get_mut(&address) {
            group.connections -= 1;
            if group.connections == 0 {
                by_address.remove(&address);
            }
        }
    }
}

/// The address that counts. One subscriber has at least 2⁶⁴ of the new kind, and uses as many as it likes (RFC 6177).
fn counted(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & SUBSCRIBER).into(),
        address @ IpAddr::V4(_) => address,
    }
}

const SUBSCRIBER: u128 = !(u64::MAX as u128);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::TrustedProxies;

    fn admit(crowd: &Arc<Crowd>, peer: &str) -> Option<Place> {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        crowd.admit(peer.parse().unwrap(), &DoorRules { is_tls: true, proxies })
    }

    #[test]
    fn one_address_has_some_places_and_takes_nobody_elses() {
        let crowd = Crowd::new(2);
        for (one, neighbour, other) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("::ffff:198.51.100.1", "198.51.100.1", "198.51.100.2"),
            ("2001:db8::1", "2001:db8::ffff:0:0:1", "2001:db8:0:1::1"),
        ] {
            let (first, second) = (admit(&crowd, one), admit(&crowd, neighbour));
            assert!(first.is_some() && second.is_some(), "{one}");
            assert!(admit(&crowd, one).is_none() && admit(&crowd, neighbour).is_none(), "{one}");
            assert!(admit(&crowd, other).is_some(), "{other}");
            drop(first);
            let third = admit(&crowd, one);
            assert!(third.is_some() && admit(&crowd, one).is_none(), "{one}");
        }
        assert!(crowd.by_address().is_empty(), "who is gone is forgotten");
    }

    #[test]
    fn this_machine_and_proxies_have_as_many_as_there_are() {
        let crowd = Crowd::new(0);
        for peer in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "10.9.8.7"] {
            assert!(admit(&crowd, peer).is_some(), "{peer}");
        }
        assert!(admit(&crowd, "192.0.2.1").is_none());
    }
}
