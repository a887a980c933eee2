//! The agent as a real process: what callers, other agents and the system do to it.

mod activation;
mod api;
mod bad_input;
mod callers;
mod events;
mod impostors;
mod leases;
mod life;
mod on_demand;
mod others;
mod race;
pub(crate) mod raw;
mod reload;
pub(crate) mod running;
mod stopping;
mod waits;
mod world;
