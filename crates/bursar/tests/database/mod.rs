//! The real program on `PostgreSQL`, on Redis, and on both of them.

mod flow;
mod keeping;
mod many_nodes;
mod outage;
mod refusals;
mod rolling;
mod world;
