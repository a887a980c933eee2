//! Counters: one statement adds, whoever else adds at the same time.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::store::{Answer, Count, Space, StoreError};
use bursar_core::ports::store_time::window_end;
use jiff::Timestamp;

use super::columns::signed;
use super::errors::Trouble;
use super::reader::{column, time};
use super::schema::NOW;
use super::server::Server;
use super::text::encode;

/// Adds `by` to a counter.
pub(super) async fn count(
    server: Arc<Server>,
    space: Space,
    counter: String,
    by: u64,
    window: Duration,
) -> Result<Answer<Count>, StoreError> {
    // Refuses a window of nothing, by the rule all backends share.
    window_end(window, Timestamp::UNIX_EPOCH)?;
    let length = i64::try_from(window.as_millis()).unwrap_or(i64::MAX).min(LONGEST_WINDOW);
    let given = server.given_time();
    let millisecond = given.map(Timestamp::as_millisecond);
    let (name, by) = (encode(&counter), signed(by));
    let sql = statement();
    // Once only: a lost answer may stand for a count that was made, and a second one would be one too many.
    let rows = server.try_rows(&sql, &[&millisecond, &space.as_str(), &name, &length, &by]).await;
    let rows = rows.map_err(|trouble| match trouble {
        Trouble::Again(error) | Trouble::Refused(error) => error,
    })?;
    let row = rows.first().ok_or_else(|| StoreError::Damaged("a counter did not answer".to_owned()))?;
    let time = time(given, row)?;
    let value = column::<i64>(row, 1)?.unsigned_abs();
    let resets_at = Timestamp::from_millisecond(column(row, 2)?).unwrap_or(Timestamp::MAX);
    Ok(Answer { value: Count { value, resets_at }, time })
}

fn statement() -> String {
    // Counters may be lost in a crash, so nobody waits for the disk; the setting is read where it is asked for.
    format!(
        "WITH clock AS (SELECT {NOW} AS now, set_config('synchronous_commit', 'off', true) AS quick), \
         added AS (INSERT INTO bursar.counter AS old (space, name, length, ends_at, value) \
            SELECT $2, $3, $4, now - mod(mod(now, $4) + $4, $4) + $4, $5 FROM clock \
            ON CONFLICT (space, name) DO UPDATE SET length = excluded.length, ends_at = excluded.ends_at, \
            value = CASE \
                WHEN old.length <> excluded.length OR old.ends_at <> excluded.ends_at THEN excluded.value \
                WHEN old.value > 9223372036854775807 - excluded.value THEN 9223372036854775807 \
                ELSE old.value + excluded.value END \
            RETURNING value, ends_at) \
         SELECT clock.now, added.value, added.ends_at, clock.quick FROM clock, added"
    )
}

/// Eight thousand years: the window's end still fits into 64 bits.
const LONGEST_WINDOW: i64 = 250_000_000_000_000;
