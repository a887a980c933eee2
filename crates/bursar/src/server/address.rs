//! The addresses a server listens on: handed over by a service manager, or opened here.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, TcpListener as StdTcpListener};

use tokio::net::{TcpListener, TcpSocket};

use super::door::{DoorRules, is_here};
use super::error::ServerError;
use super::public_url::PublicUrl;

/// Open listeners, none of which may hear what it must not.
#[derive(Debug)]
pub struct Bound {
    pub(super) listeners: Vec<(TcpListener, SocketAddr)>,
}

impl Bound {
    /// Opens every address of `wanted`, unless a service manager has handed sockets over, which then count instead.
    ///
    /// A machine without IPv6 goes without the IPv6 loopback if there is anything else.
    ///
    /// # Errors
    /// An address is exposed, or the system refuses it, or there is none.
    pub fn open(wanted: &[SocketAddr], rules: &DoorRules) -> Result<Self, ServerError> {
        let handed_over = handed_over().map_err(ServerError::HandedOver)?;
        let mut listeners = Vec::new();
        for listener in handed_over {
            let (listener, address) = taken_over(listener).map_err(ServerError::HandedOver)?;
            rules.check(address)?;
            listeners.push((listener, address));
        }
        if listeners.is_empty() {
            // All are judged before the first is opened.
            wanted.iter().try_for_each(|address| rules.check(*address))?;
            listeners = open_all(wanted)?;
        }
        if listeners.is_empty() { Err(ServerError::NoAddress) } else { Ok(Self { listeners }) }
    }

    /// The addresses, as they came about.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.listeners.iter().map(|(_, address)| *address)
    }

    /// Where each of them is, as a URL.
    pub fn urls(&self, is_https: bool) -> Vec<String> {
        let scheme = if is_https { "https" } else { "http" };
        self.addresses().map(|address| format!("{scheme}://{address}")).collect()
    }

    /// What the server is known by if nobody says it.
    ///
    /// # Errors
    /// Other machines can reach it: they have a name for it that cannot be guessed here.
    pub fn default_public_url(&self, is_https: bool) -> Result<PublicUrl, ServerError> {
        if let Some(address) = self.addresses().find(|address| !is_here(address.ip())) {
            return Err(ServerError::Nameless { address });
        }
        let first = self.addresses().next().ok_or(ServerError::NoAddress)?;
        Ok(PublicUrl::of_this_machine(first, is_https))
    }
}

fn open_all(wanted: &[SocketAddr]) -> Result<Vec<(TcpListener, SocketAddr)>, ServerError> {
    let mut listeners: Vec<(TcpListener, SocketAddr)> = Vec::new();
    let mut missing = None;
    for &address in wanted {
        match open(address) {
            Ok(listener) => listeners.push(listener),
            Err(error) if address.ip() == Ipv6Addr::LOCALHOST && is_absent(&error) => {
                tracing::debug!(%address, %error, "there is no IPv6 here");
                missing = Some(ServerError::Listen { address, source: error });
            }
            Err(source) => return Err(ServerError::Listen { address, source }),
        }
    }
    match missing {
        Some(missing) if listeners.is_empty() => Err(missing),
        _ => Ok(listeners),
    }
}

fn open(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart need not wait for the connections of the last run to be forgotten.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(LONGEST_QUEUE)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn taken_over(listener: StdTcpListener) -> io::Result<(TcpListener, SocketAddr)> {
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((TcpListener::from_std(listener)?, address))
}

/// Whether the machine has no IPv6 at all, or none on its loopback.
fn is_absent(error: &io::Error) -> bool {
    #[cfg(unix)]
    if rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::AFNOSUPPORT) {
        return true;
    }
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
}

/// Connections that wait to be accepted: a burst of callers is served late rather than refused.
const LONGEST_QUEUE: u32 = 1024;

/// The names of its variables are between systemd and the library that reads them.
#[cfg(unix)]
fn handed_over() -> io::Result<Vec<StdTcpListener>> {
    let mut given = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..given.len() {
        listeners.extend(given.take_tcp_listener(index)?);
    }
    Ok(listeners)
}

#[cfg(not(unix))]
fn handed_over() -> io::Result<Vec<StdTcpListener>> {
    Ok(Vec::new())
}
