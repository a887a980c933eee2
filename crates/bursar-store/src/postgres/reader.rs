//! Reads: a statement each, which also tells the time by which it judged.

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    Answer, Change, Changes, CommitId, Due, EventQuery, INCARNATION, Incarnation, Kind, Page, Record,
    Sequence, Space, StoreError, StoredEvent, Tally, Version,
};
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::columns::signed;
use super::errors::Trouble;
use super::order::{LAST_NUMBER, LOCK_NAMES, OLDEST_WRITER, commit_lock};
use super::pipeline::{Parameter, Step, run};
use super::schema::NOW;
use super::server::{Server, in_time};
use super::text::{decode, encode, first_key};

/// One record.
pub(super) async fn record(
    server: &Server,
    space: &Space,
    kind: &'static Kind,
    key: &str,
) -> Result<Answer<Option<Record>>, StoreError> {
    kind.check_space(space)?;
    let sql = &server.schema.statements(kind)?.record;
    let answer = records(server, sql, &[&space.as_str(), &encode(key)]).await?;
    Ok(Answer { value: answer.value.into_iter().next(), time: answer.time })
}

/// A page of records, of all or of those whose index has a value.
pub(super) async fn page(
    server: &Server,
    space: &Space,
    kind: &'static Kind,
    index: Option<(&'static str, &str)>,
    page: &Page,
) -> Result<Answer<Vec<Record>>, StoreError> {
    kind.check_space(space)?;
    let statements = server.schema.statements(kind)?;
    let (from, limit) = (first_key(page.after.as_deref()), limit(page.limit));
    match index {
        None => records(server, &statements.list, &[&space.as_str(), &from, &limit]).await,
        Some((index, value)) => {
            kind.check_index(index)?;
            let parameters: [Parameter<'_>; 4] = [&space.as_str(), &from, &limit, &encode(value)];
            records(server, &statements.find[index], &parameters).await
        }
    }
}

/// Records due by `until`; one row more is read to tell when the next falls due.
pub(super) async fn due(
    server: &Server,
    space: &Space,
    kind: &'static Kind,
    until: Timestamp,
    at_most: usize,
) -> Result<Answer<Due>, StoreError> {
    kind.check_space(space)?;
    let sql = &server.schema.statements(kind)?.due;
    let Answer { value: mut records, time } =
        records(server, sql, &[&space.as_str(), &limit(at_most.saturating_add(1))]).await?;
    let within = |record: &&Record| record.due_at.is_none_or(|due_at| due_at <= until);
    let count = records.iter().take_while(within).count().min(at_most);
    let next = records.get(count).and_then(|record| record.due_at);
    records.truncate(count);
    Ok(Answer { value: Due { records, next }, time })
}

/// How many records of a kind there are.
pub(super) async fn tally(
    server: &Server,
    space: &Space,
    kind: &'static Kind,
) -> Result<Answer<Tally>, StoreError> {
    kind.check_space(space)?;
    let given = server.given_time();
    let sql = &server.schema.statements(kind)?.tally;
    let rows = server.rows(sql, &[&given.map(Timestamp::as_millisecond), &space.as_str()]).await?;
    let row = first(&rows)?;
    let number = |position| column::<i64>(row, position).map(i64::unsigned_abs);
    let (all, expired) = (number(1)?, number(2)?);
    Ok(Answer { value: Tally { alive: all.saturating_sub(expired), expired }, time: time(given, row)? })
}

/// What became of a commit. Waits for one that is still under way: it would be wrong to say that it never happened.
pub(super) async fn outcome(
    server: &Server,
    space: &Space,
    id: &CommitId,
) -> Result<Answer<Option<Sequence>>, StoreError> {
    let mut patience = server.patience();
    loop {
        match try_outcome(server, space, id).await {
            Ok(answer) => return Ok(answer),
            Err(trouble) => patience.pause(trouble).await?,
        }
    }
}

async fn try_outcome(
    server: &Server,
    space: &Space,
    id: &CommitId,
) -> Result<Answer<Option<Sequence>>, Trouble> {
    let given = server.given_time();
    let client = server.connect().await?;
    let (names, shared) = (vec![commit_lock(space, id)], vec![true]);
    let (space, id) = (space.as_str(), encode(&id.0));
    let millisecond = given.map(Timestamp::as_millisecond);
    let answers = in_time(async {
        let lock = client.prepare_cached(LOCK_NAMES).await?;
        let found = client.prepare_cached(&outcome_statement()).await?;
        let steps = vec![
            Step::Order(BEGIN),
            Step::Query(lock, vec![&names, &shared]),
            Step::Query(found, vec![&millisecond, &space, &id]),
            Step::Order("COMMIT"),
        ];
        run(&client, steps).await.map_err(|(_, error)| error.into())
    });
    let mut answers = answers.await?;
    client.release();
    let row = answers.swap_remove(2);
    let row = row.first().ok_or_else(|| Trouble::again("the database answered without a row"))?;
    let (time, sequence) = (time(given, row)?, column::<Option<i64>>(row, 1)?);
    Ok(Answer { value: sequence.map(i64::unsigned_abs), time })
}

/// Changes after `after`, the last commit told whole.
pub(super) async fn changes(
    server: &Server,
    space: &Space,
    after: Sequence,
    at_most: usize,
) -> Result<Answer<Changes>, StoreError> {
    let Settled { horizon, last } = settled(server).await?;
    server.hints.has_read(horizon);
    // A writer may lock the last number late, when others have drawn and told of larger ones: it draws larger ones still, so
    // nothing can come in between. Only another database in place of this one has a last number below what was told.
    let until = if last < after { horizon } else { horizon.max(after) };
    let time = server.given_time();
    // The rest of the last commit ties with its first line.
    let parameters: [Parameter<'_>; 5] = [
        &time.map(Timestamp::as_millisecond),
        &space.as_str(),
        &signed(after),
        &signed(horizon),
        &limit(at_most),
    ];
    let rows = server.rows(&changes_statement(), &parameters).await?;
    let change = |row: &Row| {
        let Some(sequence) = column::<Option<i64>>(row, 1)? else { return Ok(None) };
        let (kind, key) = (column(row, 2)?, decode(column(row, 3)?));
        Ok::<_, StoreError>(Some(Change { sequence: sequence.unsigned_abs(), kind, key }))
    };
    let found = rows.iter().filter_map(|row| change(row).transpose()).collect::<Result<_, _>>()?;
    Ok(Answer { value: Changes::found(found, at_most, until), time: first_time(time, &rows)? })
}

/// Events in order.
pub(super) async fn events(
    server: &Server,
    space: &Space,
    query: &EventQuery,
) -> Result<Answer<Vec<StoredEvent>>, StoreError> {
    let horizon = settled(server).await?.horizon;
    let time = server.given_time();
    let millisecond = time.map(Timestamp::as_millisecond);
    let (space, after, until, limit) =
        (space.as_str(), signed(query.after), signed(horizon), limit(query.limit));
    let subject = query.subject.as_deref().map(encode);
    let mut parameters: Vec<Parameter<'_>> = vec![&millisecond, &space, &after, &until, &limit];
    parameters.extend(subject.as_ref().map(|subject| subject as Parameter<'_>));
    let rows = server.rows(&events_statement(subject.is_some()), &parameters).await?;
    let present = rows.iter().filter(|row| matches!(row.try_get::<_, Option<i64>>(1), Ok(Some(_))));
    let found = present.map(|row| event(row, 1)).collect::<Result<_, _>>()?;
    Ok(Answer { value: found, time: first_time(time, &rows)? })
}

/// How far commits are; see [`super::order`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    /// The number up to which everything is settled.
    pub(super) horizon: Sequence,
    /// The last number that was drawn.
    last: Sequence,
}

/// Reads how far commits are.
async fn settled(server: &Server) -> Result<Settled, StoreError> {
    let mut patience = server.patience();
    loop {
        match try_settled(server).await {
            Ok(settled) => return Ok(settled),
            Err(trouble) => patience.pause(trouble).await?,
        }
    }
}

/// As [`settled`], once.
pub(super) async fn try_settled(server: &Server) -> Result<Settled, Trouble> {
    let client = server.connect().await?;
    let answers = in_time(async {
        let last = client.prepare_cached(LAST_NUMBER).await?;
        let oldest = client.prepare_cached(OLDEST_WRITER).await?;
        // In this order, or a writer could slip in between.
        let steps = vec![Step::Query(last, Vec::new()), Step::Query(oldest, Vec::new())];
        run(&client, steps).await.map_err(|(_, error)| error.into())
    });
    let answers = answers.await?;
    client.release();
    let number = |rows: &[Row]| match rows.first() {
        Some(row) => column::<Option<i64>>(row, 0),
        None => Ok(None),
    };
    let (last, oldest) = (number(&answers[0])?.unwrap_or(0), number(&answers[1])?);
    let horizon = last.min(oldest.unwrap_or(last));
    Ok(Settled { horizon: horizon.unsigned_abs(), last: last.unsigned_abs() })
}

/// The last watched change that can be read, and the server's clock in microseconds.
pub(super) async fn try_head(server: &Server) -> Result<(Sequence, i64), Trouble> {
    let horizon = signed(try_settled(server).await?.horizon);
    let rows = server.try_rows(HEAD, &[&horizon]).await?;
    let row = rows.first().ok_or_else(|| Trouble::again("the database answered without a row"))?;
    Ok((column::<Option<i64>>(row, 0)?.unwrap_or(0).unsigned_abs(), column(row, 1)?))
}

/// The life this store is living, and the time.
pub(super) async fn incarnation(server: &Server) -> Result<Answer<Incarnation>, StoreError> {
    let answer = record(server, &Space::System, &INCARNATION, Incarnation::CURRENT).await?;
    let body = answer.value.map(|record| record.body).unwrap_or_default();
    let value = serde_json::from_slice(&body)
        .map_err(|_| StoreError::Damaged("the incarnation record cannot be read".to_owned()))?;
    Ok(Answer { value, time: answer.time })
}

/// Rows of one of a kind's statements; the time to go by is its first parameter.
async fn records(
    server: &Server,
    sql: &str,
    parameters: &[Parameter<'_>],
) -> Result<Answer<Vec<Record>>, StoreError> {
    let given = server.given_time();
    let millisecond = given.map(Timestamp::as_millisecond);
    let mut all: Vec<Parameter<'_>> = vec![&millisecond];
    all.extend_from_slice(parameters);
    let rows = server.rows(sql, &all).await?;
    let time = first_time(given, &rows)?;
    let present = rows.iter().filter(|row| matches!(row.try_get::<_, Option<&str>>(1), Ok(Some(_))));
    let value = present.map(|row| read_record(row, 1)).collect::<Result<_, _>>()?;
    Ok(Answer { value, time })
}

/// A record from (key, version, body, `due_at`, `expires_at`), the first of them at `start`.
pub(super) fn read_record(row: &Row, start: usize) -> Result<Record, StoreError> {
    Ok(Record {
        key: decode(column(row, start)?),
        version: Version(column::<i64>(row, start + 1)?.unsigned_abs()),
        body: column(row, start + 2)?,
        due_at: moment(row, start + 3)?,
        expires_at: moment(row, start + 4)?,
    })
}

/// An event from (id, at, name, subject, detail), the first of them at `start`.
pub(super) fn event(row: &Row, start: usize) -> Result<StoredEvent, StoreError> {
    let detail = serde_json::from_str(column(row, start + 4)?)
        .map_err(|_| StoreError::Damaged("an event cannot be read".to_owned()))?;
    let event = Event {
        at: milliseconds(column(row, start + 1)?)?,
        name: decode(column(row, start + 2)?),
        subject: decode(column(row, start + 3)?),
        detail,
    };
    Ok(StoredEvent { id: column::<i64>(row, start)?.unsigned_abs(), event })
}

/// A value of a row; a wrong type means that the table is not ours.
pub(super) fn column<'a, T: FromSql<'a>>(row: &'a Row, position: usize) -> Result<T, StoreError> {
    // The error names a column, never its value.
    row.try_get(position).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// The time an answer carries: the one given, or the server's from a row's first column.
pub(super) fn time(given: Option<Timestamp>, row: &Row) -> Result<Timestamp, StoreError> {
    given.map_or_else(|| milliseconds(column(row, 0)?), Ok)
}

/// A row limit as the server takes it.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn first_time(given: Option<Timestamp>, rows: &[Row]) -> Result<Timestamp, StoreError> {
    time(given, first(rows)?)
}

fn first(rows: &[Row]) -> Result<&Row, StoreError> {
    rows.first().ok_or_else(|| StoreError::Damaged("the database answered without a row".to_owned()))
}

fn moment(row: &Row, position: usize) -> Result<Option<Timestamp>, StoreError> {
    column::<Option<i64>>(row, position)?.map(milliseconds).transpose()
}

fn milliseconds(number: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(number)
        .map_err(|_| StoreError::Damaged("a time is beyond what there can be".to_owned()))
}

/// What became of commit $3 in space $2, and the time.
pub(super) fn outcome_statement() -> String {
    format!(
        "SELECT {NOW}, (SELECT sequence FROM bursar.commit_log WHERE space = $2 AND id = $3 COLLATE \"C\")"
    )
}

/// Spaces are compared together with numbers, here and wherever a log is read in its order: told apart, the planner takes
/// an index of the numbers alone as soon as one space has most of the lines, and a small one is then read through all of
/// them.
fn changes_statement() -> String {
    format!(
        "SELECT clock.now, found.* FROM (SELECT {NOW} AS now) AS clock LEFT JOIN LATERAL \
         (SELECT sequence, kind, key, ordinal FROM bursar.change_log \
          WHERE (space, sequence) > ($2, $3) AND (space, sequence) <= ($2, $4) \
          ORDER BY space, sequence FETCH FIRST ($5) ROWS WITH TIES) \
         AS found ON true ORDER BY found.sequence, found.ordinal"
    )
}

fn events_statement(of_subject: bool) -> String {
    let lines = if of_subject {
        "WHERE (space, subject, id) > ($2, $6, $3) AND (space, subject, id) <= ($2, $6, $4) \
         ORDER BY space, subject, id"
    } else {
        "WHERE (space, id) > ($2, $3) AND (space, id) <= ($2, $4) ORDER BY space, id"
    };
    format!(
        "SELECT clock.now, found.* FROM (SELECT {NOW} AS now) AS clock LEFT JOIN LATERAL \
         (SELECT id, at, name, subject, detail FROM bursar.event {lines} LIMIT $5) AS found ON true \
         ORDER BY found.id"
    )
}

const HEAD: &str = "SELECT max(sequence), floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint \
                    FROM bursar.change_log WHERE sequence <= $1";

/// Whatever the server's defaults are.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
