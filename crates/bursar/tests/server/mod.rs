//! The server as others meet it: where it listens, whom it lets in, how much it takes, and how it ends.

mod client;
mod configured;
mod crowd;
mod drain;
mod entrance;
mod ephemeral;
mod limits;
mod proxies;
mod refused_starts;
mod start;
mod tls;
mod world;
