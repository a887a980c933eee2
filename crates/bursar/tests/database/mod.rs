//! The real program on `PostgreSQL`, on Redis, and on both of them.

mod clocks;
mod crowd;
mod flow;
mod keeping;
mod many_nodes;
mod moving;
mod outage;
mod refusals;
mod rekeying;
mod rolling;
mod world;
