//! Backup and restore of a `PostgreSQL` store.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use bursar_core::ports::backup::{BackedUpRecord, BackupReader, BackupWriter, Line};
use bursar_core::ports::store::{
    Group, INCARNATION, Incarnation, Kind, NewRecord, Record, SandboxId, Sequence, Space, StoreError,
};
use jiff::Timestamp;

use super::columns::{APPEND, EventColumns, RecordColumns, signed};
use super::errors::Trouble;
use super::migrate::write_incarnation;
use super::order::{HIGHEST_NUMBER, LAST_NUMBER, LOCK_HORIZON};
use super::reader::{column, event, incarnation, read_record};
use super::schema::{FIXED_COLUMNS, table};
use super::server::{Held, Server};
use super::text::{decode, first_key};

/// Writes everything durable, as one consistent picture. Nobody waits for it.
pub(super) async fn back_up(server: &Server, sink: &mut (dyn Write + Send)) -> Result<(), StoreError> {
    let lived = incarnation(server).await?;
    let written = async {
        let client = server.connect().await?;
        client.batch_execute(ONE_PICTURE).await?;
        write_lines(server, &client, &lived.value, sink, lived.time).await?;
        client.batch_execute("ROLLBACK").await?;
        client.release();
        Ok(())
    };
    written.await.map_err(finally)
}

/// Fills an empty store from a backup, whole or not at all; tells the last commit's number.
pub(super) async fn restore(
    server: &Server,
    source: &mut (dyn BufRead + Send),
    wanted: Incarnation,
) -> Result<Sequence, StoreError> {
    let restored = async {
        let client = server.connect().await?;
        client.batch_execute(UNHURRIED).await?;
        let last = read_lines(server, &client, source, wanted).await?;
        client.batch_execute("COMMIT").await?;
        client.release();
        Ok(last)
    };
    restored.await.map_err(finally)
}

async fn write_lines(
    server: &Server,
    client: &Held,
    incarnation: &Incarnation,
    sink: &mut (dyn Write + Send),
    now: Timestamp,
) -> Result<(), Trouble> {
    // Read after the picture was taken, so nothing in it is numbered higher.
    let last: i64 = column(&client.query_one(LAST_NUMBER, &[]).await?, 0)?;
    let mut writer = BackupWriter::begin(sink, incarnation, last.unsigned_abs())?;
    for kind in durable(server) {
        let statement = client.prepare_cached(&server.schema.statements(kind)?.back_up).await?;
        let mut from = (String::new(), String::new());
        loop {
            let rows = client.query(&statement, &[&from.0, &from.1, &PAGE, &now.as_millisecond()]).await?;
            for row in &rows {
                let space: String = column(row, 0)?;
                let record = read_record(row, 1)?;
                from = (space.clone(), first_key(Some(&record.key)));
                let mut indexes = BTreeMap::new();
                for (position, index) in kind.indexes.iter().enumerate() {
                    let value: Option<String> = column(row, FIXED_COLUMNS + position)?;
                    indexes.extend(value.map(|value| ((*index).to_owned(), decode(value))));
                }
                let (space, kind) = (read_space(&space)?, kind.name.to_owned());
                writer.line(Line::Record(BackedUpRecord { space, kind, record, indexes }))?;
            }
            if rows.is_empty() {
                break;
            }
        }
    }
    let statement = client.prepare_cached(EVENTS).await?;
    let mut after = -1_i64;
    loop {
        let rows = client.query(&statement, &[&after, &PAGE]).await?;
        for row in &rows {
            let (space, stored) = (column::<&str>(row, 0)?, event(row, 1)?);
            after = signed(stored.id);
            writer.line(Line::Event { space: read_space(space)?, event: stored.event })?;
        }
        if rows.is_empty() {
            return Ok(writer.end()?);
        }
    }
}

async fn read_lines(
    server: &Server,
    client: &Held,
    source: &mut (dyn BufRead + Send),
    wanted: Incarnation,
) -> Result<Sequence, Trouble> {
    for kind in durable(server).chain([&INCARNATION]) {
        let table = table(kind);
        // Nobody writes until this is over, and who restores as well finds records afterwards.
        client.batch_execute(&format!("LOCK TABLE {table} IN EXCLUSIVE MODE")).await?;
        let row = client.query_one(&format!("SELECT EXISTS (SELECT 1 FROM {table})"), &[]).await?;
        if column(&row, 0)? && *kind != INCARNATION {
            return Err(StoreError::NotEmpty.into());
        }
    }
    let mut reader = BackupReader::begin(source)?;
    if reader.sequence() >= HIGHEST_NUMBER {
        let detail = "the backup counts more commits than there can be";
        return Err(StoreError::Damaged(detail.to_owned()).into());
    }
    client.query(LOCK_HORIZON, &[]).await?;
    let mut gathered = Gathered::default();
    for line in &mut reader {
        gathered.take(server, line?)?;
        if gathered.lines >= GATHERED {
            std::mem::take(&mut gathered).write(server, client).await?;
        }
    }
    gathered.write(server, client).await?;
    let incarnation = reader.restored(wanted)?;
    // Larger than every version so far, in this database and in the backup.
    let row = client.query_one(RENUMBER, &[&signed(reader.sequence())]).await?;
    let last: i64 = column(&row, 0)?;
    write_incarnation(client, &incarnation, last).await?;
    Ok(last.unsigned_abs())
}

/// Lines of a backup that go to the server together.
#[derive(Default)]
struct Gathered {
    records: BTreeMap<(String, &'static str), (Option<&'static Kind>, RecordColumns)>,
    events: EventColumns,
    lines: usize,
}

impl Gathered {
    fn take(&mut self, server: &Server, line: Line) -> Result<(), StoreError> {
        self.lines += 1;
        let BackedUpRecord { space, kind, record, indexes } = match line {
            Line::Event { space, event } => {
                self.events.push(space.as_str(), &event);
                return Ok(());
            }
            Line::Record(record) => record,
        };
        let unknown = || StoreError::Damaged(format!("the backup holds records of an unknown kind, {kind}"));
        let kind = server.schema.kind(&kind).ok_or_else(unknown)?;
        let Record { key, version, body, due_at, expires_at } = record;
        // An index that has been given up since is left out.
        let indexes =
            kind.indexes.iter().filter_map(|index| Some((*index, indexes.get(*index)?.clone()))).collect();
        let record = NewRecord { kind, key, body, indexes, due_at, expires_at };
        let (of_kind, columns) = self.records.entry((space.as_str().to_owned(), kind.name)).or_default();
        *of_kind = Some(kind);
        columns.push(record, Some(version));
        Ok(())
    }

    async fn write(self, server: &Server, client: &Held) -> Result<(), Trouble> {
        for ((space, _), (kind, columns)) in &self.records {
            let Some(kind) = kind else { continue };
            let put = client.prepare_cached(&server.schema.statements(kind)?.put).await?;
            client.query(&put, &columns.parameters(&space.as_str())).await?;
        }
        if !self.events.is_empty() {
            let append = client.prepare_cached(APPEND).await?;
            client.query(&append, &self.events.parameters()).await?;
        }
        Ok(())
    }
}

fn durable(server: &Server) -> impl Iterator<Item = &'static Kind> {
    server.schema.kinds().filter(|kind| kind.group == Group::Durable && **kind != INCARNATION)
}

fn read_space(text: &str) -> Result<Space, StoreError> {
    if text.is_empty() {
        return Ok(Space::System);
    }
    let id = SandboxId::parse(text);
    id.map(Space::Sandbox)
        .map_err(|_| StoreError::Damaged("a record is in a space without a valid name".to_owned()))
}

/// A half-read source cannot be read again, so nothing is tried twice.
fn finally(trouble: Trouble) -> StoreError {
    match trouble {
        Trouble::Again(error) | Trouble::Refused(error) => error,
    }
}

const ONE_PICTURE: &str = "\
    BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; \
    SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '10min'";

const UNHURRIED: &str = "\
    BEGIN ISOLATION LEVEL READ COMMITTED; \
    SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '10min'";

const EVENTS: &str =
    "SELECT space, id, at, name, subject, detail FROM bursar.event WHERE id > $1 ORDER BY id LIMIT $2";

/// Draws on from the larger of two numbers. What was drawn stays drawn even if the transaction is undone.
const RENUMBER: &str = "\
    SELECT setval('bursar.commit_sequence', greatest(last_value, $1) + 1) FROM bursar.commit_sequence";

/// Rows read at a time: a few hundred KiB.
const PAGE: i64 = 500;

/// Lines written at a time.
const GATHERED: usize = 500;
