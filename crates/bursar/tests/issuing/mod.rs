//! The authorization server as attackers and careless clients meet it: over real connections, on every embedded store.

mod battery;
mod browser;
mod client;
mod configured;
mod dump;
mod key;
mod model;
mod ports;
mod refusals;
mod turned_away;
mod web;
mod world;
