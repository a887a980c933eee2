//! The bursar program, unchanged but for three things: it stands still at a named place, reports that it has come
//! there, and its clock can be ahead.
//!
//! `HALT_AT` names the place, `HALT_REPORT` a listening Unix socket, `CLOCK_OFFSET` seconds. Without them it is bursar.

mod checkpoint;
mod clock;
mod commits;
mod store;
mod upstream;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use bursar::config::environment::Environment;
use bursar::wiring::Seams;
use jiff::SignedDuration;

use self::checkpoint::Checkpoint;
pub use self::checkpoint::Place;
pub use self::clock::OffsetClock;
use self::commits::Commits;
use self::store::HaltingStore;
use self::upstream::HaltingUpstream;

/// Names the place to halt at.
pub const HALT_AT: &str = "HALT_AT";
/// Names the socket that hears of it.
pub const HALT_REPORT: &str = "HALT_REPORT";
/// How many seconds the program's clock is ahead of the machine's.
pub const CLOCK_OFFSET: &str = "CLOCK_OFFSET";

/// Runs one command line of bursar; `line` starts with the program's name.
pub fn run(environment: Environment, line: impl IntoIterator<Item = OsString>) -> ExitCode {
    let offset = environment.text(CLOCK_OFFSET).and_then(|seconds| seconds.parse().ok()).unwrap_or_default();
    let place = environment.text(HALT_AT).and_then(Place::parse);
    let checkpoint = Arc::new(Checkpoint::new(place, environment.path(HALT_REPORT)));
    let commits = Arc::new(Commits::new(checkpoint.clone()));
    let (at_commit, at_store, at_upstream) = (commits.clone(), checkpoint.clone(), checkpoint.clone());
    let seams = Seams {
        clock: Some(Arc::new(OffsetClock::watched(SignedDuration::from_secs(offset), checkpoint))),
        store: Some(Box::new(move |store| Arc::new(HaltingStore::new(store, commits, at_store)))),
        upstream: Some(Box::new(move |upstream| Arc::new(HaltingUpstream::new(upstream, at_upstream)))),
        on_commit: Some(Arc::new(move || at_commit.inside())),
    };
    bursar::run(environment, line, seams)
}
