//! The order of commits, and the locks that keep it.
//!
//! A number drawn from a sequence is not a place in the order of commits: number 7 may become visible after number 8,
//! and whoever has read on to 8 never sees 7. So nobody reads beyond the *horizon*, below which everything is settled:
//!
//! - A writer first locks the sequence's last number, shared with everybody, so it never waits; then it draws numbers,
//!   which are larger than the one it locked; the lock ends with its transaction, after its rows became visible.
//! - A reader first reads the sequence's last number, then the smallest number that is locked; the smaller of the two
//!   is the horizon. Then, in a later statement, it reads rows up to there.
//!
//! A writer the reader saw had locked less than it drew, so its rows lie beyond the horizon. A writer it did not see is
//! either done, and visible, or has yet to draw, and draws beyond the last number. Transactions of other programs play
//! no part. A writer whose node dies holds the horizon back until the server ends its session, a few seconds later.
//!
//! Writers of one record exclude each other by locks named after records, taken in the order of their numbers so that
//! they cannot wait for each other in a circle. A guard shares, a write does not. What is absent can be locked too, which
//! rows cannot offer.

use bursar_core::ports::store::{CommitId, Kind, Sequence, Space};

use super::text::encode;

/// The name under which a record is locked.
pub(super) fn record_lock(kind: &Kind, space: &Space, key: &str) -> String {
    format!("{}/{}/{}", kind.name, space.as_str(), encode(key))
}

/// The name under which a commit is locked: it cannot be done twice, and its outcome can be waited for.
pub(super) fn commit_lock(space: &Space, id: &CommitId) -> String {
    format!("/{}/{}", space.as_str(), encode(&id.0))
}

/// Locks the names $1, shared where $2 says so, until the transaction ends.
///
/// The sign bit keeps these numbers apart from those of [`LOCK_HORIZON`] and from what other programs usually choose. Two
/// names with one number only wait for each other.
pub(super) const LOCK_NAMES: &str = "\
    SELECT CASE WHEN shared THEN pg_advisory_xact_lock_shared(number) ELSE pg_advisory_xact_lock(number) END \
    FROM (SELECT number, bool_and(shared) AS shared \
          FROM (SELECT hashtextextended(name COLLATE \"C\", 0) | (-9223372036854775808) AS number, shared \
                FROM unnest($1::text[], $2::boolean[]) AS named (name, shared)) AS numbered \
          GROUP BY number ORDER BY number) AS ordered";

/// What a writer does before it draws numbers.
pub(super) const LOCK_HORIZON: &str =
    "SELECT pg_advisory_xact_lock_shared((11::bigint << 56) | last_value) FROM bursar.commit_sequence";

/// The last number drawn.
pub(super) const LAST_NUMBER: &str = "SELECT last_value FROM bursar.commit_sequence";

/// The smallest number that a writer under way has locked, if there is one.
pub(super) const OLDEST_WRITER: &str = "\
    SELECT min(((classid::bigint & 16777215) << 32) | objid::bigint) FROM pg_locks \
    WHERE locktype = 'advisory' AND objsubid = 1 AND (classid::bigint >> 24) = 11 \
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Numbers share a lock's 64 bits with what marks it as ours.
pub(super) const HIGHEST_NUMBER: Sequence = (1 << 56) - 1;
