//! The real things behind the ports: sockets, locks, keychains, terminals.

mod browser;
mod config;
mod config_of_server;
mod keychain;
mod locks;
mod loopback;
mod master_key;
pub(crate) mod servers;
mod terminal;
mod upstream;
mod upstream_proxy;
mod upstream_tls;
mod wait;
