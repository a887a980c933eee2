//! Secrets are planted in every flow of the real program, at its most talkative, and then looked for everywhere they must
//! not be: logs, errors, events, files of the home and of the temporary folder, arguments and environments of processes.
//!
//! [`needles`] is what is looked for, [`watched`] is where. That the search finds what is there to be found is a test too.

mod errors;
mod logins;
pub(crate) mod needles;
mod panics;
mod processes;
mod renewals;
mod self_check;
mod stolen;
mod watched;
