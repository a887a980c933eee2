//! Collects what has expired, appends events that belong to no change, and forgets old ones.

use std::sync::Arc;

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{Kind, Space, StoreError};
use bursar_core::ports::store_time::to_millisecond;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::columns::{APPEND, EventColumns};
use super::errors::Trouble;
use super::order::LOCK_HORIZON;
use super::pipeline::{Parameter, Step, run};
use super::reader::{BEGIN, column, limit};
use super::schema::NOW;
use super::server::{Server, in_time};

/// Removes expired records of a kind, and old lines of the logs. Safe to try again.
pub(super) async fn expire(
    server: Arc<Server>,
    space: Space,
    kind: &'static Kind,
    at_most: usize,
) -> Result<usize, StoreError> {
    kind.check_space(&space)?;
    server.schema.statements(kind)?;
    let mut patience = server.patience();
    loop {
        match try_expire(&server, &space, kind, at_most).await {
            Ok(removed) => return Ok(removed),
            Err(trouble) => patience.pause(trouble).await?,
        }
    }
}

/// Appends events. Done once only: a lost answer may stand for events that were stored.
pub(super) async fn append(server: Arc<Server>, space: Space, events: Vec<Event>) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut columns = EventColumns::default();
    for event in &events {
        columns.push(space.as_str(), event);
    }
    let mut patience = server.patience();
    let client = loop {
        match server.connect().await {
            Ok(client) => break client,
            Err(trouble) => patience.pause(trouble).await?,
        }
    };
    let appended = in_time(async {
        let horizon = client.prepare_cached(LOCK_HORIZON).await?;
        let append = client.prepare_cached(APPEND).await?;
        let steps = vec![
            Step::Order(BEGIN),
            Step::Query(horizon, Vec::new()),
            Step::Query(append, columns.parameters()),
            Step::Order("COMMIT"),
        ];
        run(&client, steps).await.map_err(|(_, error)| error.into())
    });
    match appended.await {
        Ok(_) => {
            client.release();
            Ok(())
        }
        Err(Trouble::Refused(error)) => Err(error),
        Err(Trouble::Again(error)) => Err(StoreError::UnknownOutcome(error.to_string())),
    }
}

/// Removes those of the oldest events that are from before `before`. Safe to try again.
pub(super) async fn forget_events(
    server: Arc<Server>,
    space: Space,
    before: Timestamp,
    at_most: usize,
) -> Result<usize, StoreError> {
    let (space, before, at_most) = (space.as_str(), to_millisecond(before).as_millisecond(), limit(at_most));
    let rows = server.rows(FORGET_EVENTS, &[&space, &before, &at_most]).await?;
    counted(&rows)
}

async fn try_expire(
    server: &Server,
    space: &Space,
    kind: &'static Kind,
    at_most: usize,
) -> Result<usize, Trouble> {
    let statements = server.schema.statements(kind)?;
    let given = server.given_time().map(Timestamp::as_millisecond);
    let (space, lines) = (space.as_str(), limit(at_most.max(LINES_AT_ONCE)));
    let at_most = limit(at_most);
    let client = server.connect().await?;
    let answers = in_time(async {
        let mut steps = vec![Step::Order(BEGIN)];
        let parameters: Vec<Parameter<'_>> = vec![&given, &space, &at_most];
        let counted = format!("WITH gone AS ({} RETURNING 1) SELECT count(*) FROM gone", statements.expire);
        steps.push(Step::Query(client.prepare_cached(&counted).await?, parameters));
        let aged: Vec<Parameter<'_>> = vec![&given, &COMMITS_REMEMBERED, &lines];
        steps.push(Step::Query(client.prepare_cached(&forget_commits()).await?, aged));
        let told: Vec<Parameter<'_>> = vec![&lines];
        steps.push(Step::Query(client.prepare_cached(FORGET_CHANGES).await?, told));
        let counters: Vec<Parameter<'_>> = vec![&given, &COUNTERS_REMEMBERED, &lines];
        steps.push(Step::Query(client.prepare_cached(&forget_counters()).await?, counters));
        steps.push(Step::Order("COMMIT"));
        run(&client, steps).await.map_err(|(_, error)| error.into())
    });
    let answers = answers.await?;
    client.release();
    Ok(counted(&answers[1])?)
}

/// How many rows a statement that counts them has removed.
fn counted(rows: &[Row]) -> Result<usize, StoreError> {
    let count = rows.first().map(|row| column::<i64>(row, 0)).transpose()?;
    Ok(usize::try_from(count.unwrap_or(0)).unwrap_or(usize::MAX))
}

/// Looks at the oldest lines only, and at the very oldest first, so it costs next to nothing where none is old enough.
fn forget_commits() -> String {
    let is_old = format!("at < {NOW} - $2::bigint");
    format!(
        "DELETE FROM bursar.commit_log WHERE sequence = ANY (ARRAY(SELECT sequence FROM bursar.commit_log \
         WHERE sequence = ANY (ARRAY(SELECT sequence FROM \
           (SELECT sequence, at FROM bursar.commit_log ORDER BY sequence LIMIT \
             (SELECT CASE WHEN {is_old} THEN $3::bigint ELSE 0 END \
              FROM bursar.commit_log ORDER BY sequence LIMIT 1)) AS oldest WHERE {is_old})) \
         FOR UPDATE SKIP LOCKED))"
    )
}

/// A change is forgotten with its commit, whatever its space: nobody asks for one that has ended.
const FORGET_CHANGES: &str = "\
    DELETE FROM bursar.change_log WHERE ctid = ANY (ARRAY(SELECT ctid FROM bursar.change_log \
    WHERE sequence < coalesce((SELECT min(sequence) FROM bursar.commit_log), 9223372036854775807) \
    ORDER BY sequence LIMIT $1 FOR UPDATE SKIP LOCKED))";

/// The same for events of a space; their numbers come from a sequence, which never goes back.
const FORGET_EVENTS: &str = "\
    WITH gone AS (DELETE FROM bursar.event WHERE id = ANY (ARRAY(SELECT id FROM bursar.event \
      WHERE id = ANY (ARRAY(SELECT id FROM \
        (SELECT id, at FROM bursar.event WHERE (space, id) > ($1, 0) AND (space, id) <= ($1, 9223372036854775807) \
         ORDER BY space, id LIMIT $3) AS oldest WHERE at < $2)) \
      FOR UPDATE SKIP LOCKED)) RETURNING 1) SELECT count(*) FROM gone";

fn forget_counters() -> String {
    format!(
        "DELETE FROM bursar.counter WHERE ctid = ANY (ARRAY(SELECT ctid FROM bursar.counter \
         WHERE ends_at < {NOW} - $2::bigint ORDER BY ends_at LIMIT $3 FOR UPDATE SKIP LOCKED))"
    )
}

/// Long enough for a caller that was cut off to come back, and for a watcher to catch up.
const COMMITS_REMEMBERED: i64 = 24 * 60 * 60 * 1000;

/// Counters of long windows are looked at after they ended; a week is the longest window limits are told in.
const COUNTERS_REMEMBERED: i64 = 7 * 24 * 60 * 60 * 1000;

/// There are many more commits than records that expire. With every kind asked for twice a minute, some thousand lines a
/// second go, which is more than one server commits.
const LINES_AT_ONCE: usize = 4096;
