//! The authorization server as attackers and careless clients meet it: over real connections, on every embedded store.

mod battery;
mod browser;
mod client;
mod key;
mod ports;
mod web;
mod world;
