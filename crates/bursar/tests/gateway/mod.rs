//! The gateway: real processes, real upstreams on loopback, and callers who try to get past it.

mod admission;
mod client;
mod command;
mod connections;
mod house;
mod https;
mod in_agent;
mod injection;
mod limits;
mod outages;
mod paths;
mod race;
mod refused_tokens;
mod request_log;
mod sessions;
mod streams;
mod upgrades;
mod upstream;
mod world;
