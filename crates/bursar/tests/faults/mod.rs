//! The holding side against a provider that misbehaves in every way it knows: what each fault is called, what it costs, and
//! that no token is lost by it.
//!
//! The whole engine and the real HTTP in one process, with a clock that the tests move. [`row`] is how a row of the tables is
//! played, [`world`] what it is played in.

mod answers;
mod callers;
mod connections;
mod coverage;
mod dialects;
mod outage;
mod ports;
mod quirks;
mod refusals;
mod row;
mod skew;
mod statuses;
mod world;
