//! Whether the store's file is sound on every page, not only where records were read.

use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::store::StoreError;

use super::aside::aside;
use super::finding::Finding;
use crate::config::paths::Paths;
use crate::wiring::embedded_store_complaints;

/// Has the store check its whole file; nothing if it is sound.
pub(super) async fn check(paths: &Paths, clock: &dyn Clock) -> Option<Finding> {
    let places = paths.clone();
    match aside(clock, LIMIT, move || embedded_store_complaints(&places)).await {
        Some(Ok(complaints)) => told(&complaints),
        // What the other checks read may be whole while the rest of the file is not.
        Some(Err(error)) => Some(Finding::failure(NAME, error.into())),
        None => Some(Finding::ok(
            NAME,
            format!("the store is too large to be checked whole within {} s", LIMIT.as_secs()),
        )),
    }
}

fn told(complaints: &[String]) -> Option<Finding> {
    let first = complaints.first()?;
    let others = match complaints.len() - 1 {
        0 => String::new(),
        others => format!(" (and {others} more)"),
    };
    let error = StoreError::Damaged(format!("{}{others}", first.replace('\n', " ")));
    Some(Finding::failure(NAME, error.into()))
}

const NAME: &str = "store";

/// A thousand accounts take some milliseconds, a million some ten seconds.
const LIMIT: Duration = Duration::from_secs(20);
