//! The kill harness: one bursar stopped and killed at a known step of a refresh, and what its login is worth afterwards.
//!
//! A [`Scenario`] is a policy, a step, and whether a second process was waiting. [`run`] plays it against a provider
//! of that policy; [`expected`] is what must come out of it; [`table()`] prints what did.

mod ending;
mod error;
mod expectation;
mod interruption;
mod lease;
mod outcome;
mod policy;
mod process;
mod scenario;
mod step;
mod table;
mod world;

pub use self::ending::{Ending, play};
pub use self::error::Broken;
pub use self::expectation::expected;
pub use self::outcome::{Fate, Outcome, When};
pub use self::policy::Policy;
pub use self::process::Program;
pub use self::scenario::{Refresher, Scenario, run, the_next_agent_recovers};
pub use self::step::Step;
pub use self::table::table;
