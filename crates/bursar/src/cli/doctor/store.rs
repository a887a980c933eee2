//! Whether the store can be read, and which life it is living.

use std::path::Path;

use bursar_core::engine::Engine;
use bursar_core::engine::accounts::Overview;
use bursar_core::ports::store::{Health, Origin, StoreError};

use super::finding::Finding;
use crate::config::Config;
use crate::config::paths::Paths;
use crate::wiring::WiringError;

/// What the store is called: its file, or the servers' URLs without passwords.
pub(super) fn place(paths: &Paths, config: &Config) -> String {
    let store = &config.store;
    let database = match &store.database {
        Some(address) => address.url.to_string(),
        None => paths.database().display().to_string(),
    };
    match &store.ephemeral {
        Some(address) => format!("{database}, with {} for what may be lost,", address.url),
        None => database,
    }
}

/// Reads what `status` would read; the records themselves come back for the checks that need them.
pub(super) async fn check(engine: &Engine, place: &str) -> (Finding, Option<Overview>) {
    let read =
        async { Ok::<_, StoreError>((engine.ports().store.health().await?, engine.overview().await?)) };
    match read.await {
        Ok((health, overview)) => (told(&health, &overview, place), Some(overview)),
        Err(error) => (Finding::failure(NAME, error.into()), None),
    }
}

/// The store does not even open.
pub(super) fn closed(error: WiringError) -> Finding {
    Finding::failure(NAME, error.into())
}

/// There is no file yet; opening it would make one, and finding out must change nothing.
pub(super) fn absent(file: &Path) -> Finding {
    Finding::ok(NAME, format!("{} is not there yet; the first login makes it", file.display()))
}

fn told(health: &Health, overview: &Overview, place: &str) -> Finding {
    let number = overview.accounts.len();
    let accounts = if number == 1 { "1 account".to_owned() } else { format!("{number} accounts") };
    match &health.incarnation.origin {
        Origin::Restored { source_is_dead: false, .. } => Finding::warn(
            NAME,
            format!("{place} is a restored copy with {accounts}; the original may still use the same logins"),
            "make sure that the original is gone, then run `bursar restore --confirm`",
        ),
        Origin::Restored { grants_stand: false, .. } => Finding::warn(
            NAME,
            format!("{place} is a restored copy, and nobody has said what becomes of the grants in it"),
            "run `bursar restore --grants accept` if nothing was taken back since the backup, else `--grants revoke`",
        ),
        Origin::Fresh | Origin::Restored { .. } => {
            Finding::ok(NAME, format!("{place} opens and holds {accounts}"))
        }
    }
}

const NAME: &str = "store";
