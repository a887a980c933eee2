//! Backup while others write, restore into an empty database.
//!
//! A backup reads page by page, and then, in one step, what was touched meanwhile: together one consistent picture of
//! each space. Batches never span spaces, so nothing that belongs together is torn apart.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use bursar_core::ports::backup::{BackedUpRecord, BackupReader, BackupWriter, Line};
use bursar_core::ports::document;
use bursar_core::ports::event::Event;
use bursar_core::ports::store::{
    EventQuery, Group, INCARNATION, Incarnation, Kind, NewRecord, Record, Sequence, Space, Store as _,
    StoreError, Version,
};
use jiff::Timestamp;
use redis::{Cmd, Value};

use super::errors::{Failure, unexpected};
use super::read::{exclusive, inhabited_spaces, read_spaces};
use super::reply::{bytes, list, millisecond, text};
use super::request::Request;
use super::scripts;
use super::store::{RedisStore, incarnation_record};

/// What a space held at one moment, by kind and key.
type Records = BTreeMap<(String, String), BackedUpRecord>;

/// What a backup brings into one space.
type Content = (Vec<(Version, NewRecord)>, Vec<Event>);

struct Picture {
    records: Records,
    sequence: Sequence,
    last_event: u64,
    time: Timestamp,
}

/// Writes everything durable. Holds the records of the store in memory until the picture is whole.
pub(super) async fn back_up(store: &RedisStore, sink: &mut (dyn Write + Send)) -> Result<(), StoreError> {
    // Read and not asked of the health, which wants to write: a sealed store is copied too.
    let life = document::get::<Incarnation>(store, &Space::System, Incarnation::CURRENT).await?.value;
    let missing = || StoreError::Damaged("the store does not know which incarnation it is".to_owned());
    let incarnation = life.ok_or_else(missing)?.document;
    let mut spaces = vec![Space::System];
    spaces.extend(read_spaces(&store.link, &store.names).await?);
    let mut pictures = Vec::new();
    for space in spaces {
        pictures.push((picture(store, &space).await?, space));
    }
    let last = pictures.iter().map(|(picture, _)| picture.sequence).max().unwrap_or(0);
    let mut writer = BackupWriter::begin(sink, &incarnation, last)?;
    for (picture, space) in pictures {
        let alive =
            |line: &BackedUpRecord| line.record.expires_at.is_none_or(|expires| expires > picture.time);
        for line in picture.records.into_values().filter(alive) {
            writer.line(Line::Record(line))?;
        }
        let mut after = 0;
        while after < picture.last_event {
            let query = EventQuery { after, subject: None, limit: AT_ONCE };
            let events = store.events(&space, query).await?.value;
            let Some(last) = events.last() else { break };
            after = last.id;
            for stored in events.into_iter().filter(|stored| stored.id <= picture.last_event) {
                writer.line(Line::Event { space: space.clone(), event: stored.event })?;
            }
        }
    }
    writer.end()
}

async fn picture(store: &RedisStore, space: &Space) -> Result<Picture, StoreError> {
    let (mut began, _) = store.ask(&Request::new(&scripts::TRACK, &store.names, space).with("")).await?;
    let began: Sequence = began.number()?;
    let mut records = Records::new();
    for kind in kept(store).filter(|kind| kind.check_space(space).is_ok()) {
        let mut from = b"-".to_vec();
        loop {
            let request =
                Request::new(&scripts::DUMP, &store.names, space).with(kind.name).with(from).number(AT_ONCE);
            let (mut reply, _) = store.ask(&request).await?;
            let mut parts = reply.list()?.ok_or_else(unexpected)?;
            let mut last = None;
            while let Some(key) = parts.next() {
                let key = text(bytes(key)?)?;
                let fields = parts.next().ok_or_else(unexpected)?;
                note(&mut records, space, kind, &key, fields)?;
                last = Some(key);
            }
            let Some(last) = last else { break };
            from = exclusive(&last);
        }
    }
    let (mut reply, time) =
        store.ask(&Request::new(&scripts::TRACK, &store.names, space).number(began)).await?;
    let paused = || StoreError::Unavailable("the backup was held up for too long; start it again".to_owned());
    let sequence = reply.maybe_number()?.ok_or_else(paused)?;
    let mut touched = reply.list()?.ok_or_else(unexpected)?;
    while let Some(kind) = touched.next() {
        let (kind, key) = (text(bytes(kind)?)?, touched.text()?);
        let fields = touched.next().ok_or_else(unexpected)?;
        if let Some(kind) = kept(store).find(|known| known.name == kind) {
            note(&mut records, space, kind, &key, fields)?;
        }
    }
    Ok(Picture { records, sequence, last_event: reply.number()?, time })
}

/// Kinds that are part of a backup.
fn kept(store: &RedisStore) -> impl Iterator<Item = &'static Kind> {
    store.kinds().filter(|kind| kind.group == Group::Durable && **kind != INCARNATION)
}

/// Puts a record, or its absence, into the picture.
fn note(
    records: &mut Records,
    space: &Space,
    kind: &'static Kind,
    key: &str,
    fields: Value,
) -> Result<(), StoreError> {
    let place = (kind.name.to_owned(), key.to_owned());
    let mut fields = list(fields)?.into_iter();
    let mut line = BackedUpRecord {
        space: space.clone(),
        kind: kind.name.to_owned(),
        record: Record {
            key: key.to_owned(),
            version: Version(0),
            body: Vec::new(),
            due_at: None,
            expires_at: None,
        },
        indexes: BTreeMap::new(),
    };
    while let Some(name) = fields.next() {
        let (name, value) = (text(bytes(name)?)?, bytes(fields.next().ok_or_else(unexpected)?)?);
        match name.as_str() {
            "v" => line.record.version = Version(text(value)?.parse().map_err(|_| unexpected())?),
            "b" => line.record.body = value,
            "d" => line.record.due_at = Some(millisecond(&text(value)?)?),
            "e" => line.record.expires_at = Some(millisecond(&text(value)?)?),
            index => {
                let index = index.strip_prefix("i:").ok_or_else(unexpected)?;
                line.indexes.insert(index.to_owned(), text(value)?);
            }
        }
    }
    if line.record.version == Version(0) {
        records.remove(&place);
    } else {
        records.insert(place, line);
    }
    Ok(())
}

/// Fills an empty database. The backup is read to its end before anything is written; a restore that breaks off while
/// it writes leaves a mark, by which every later start refuses the half-filled database.
pub(super) async fn restore(
    store: &RedisStore,
    source: &mut (dyn BufRead + Send),
    wanted: Incarnation,
) -> Result<(), StoreError> {
    refuse_records(store).await?;
    let mut reader = BackupReader::begin(source)?;
    let mut content: BTreeMap<Space, Content> = BTreeMap::new();
    for line in &mut reader {
        match line? {
            Line::Event { space, event } => content.entry(space).or_default().1.push(event),
            Line::Record(line) => {
                let space = line.space.clone();
                content.entry(space).or_default().0.push(read_record(store, line)?);
            }
        }
    }
    let incarnation = reader.restored(wanted)?;
    let mut last = reader.sequence();
    for space in content.keys().chain([&Space::System]) {
        last = last.max(sequence(store, space).await?);
    }
    // Larger than every version so far, in this database and in the backup.
    last += 1;
    write(store, &Request::new(&scripts::BEGIN_RESTORE, &store.names, &Space::System)).await?;
    for (space, (records, events)) in content {
        fill(store, &space, &records, &events).await?;
        if store.names.cluster && space != Space::System {
            let mut command = Cmd::new();
            command.arg("SET").arg(store.names.sequence(&space)).arg(last);
            store.link.command(&command).await.map_err(Failure::into_unavailable)?;
        }
    }
    let mut request = Request::new(&scripts::END_RESTORE, &store.names, &Space::System)
        .number(last)
        .with(INCARNATION.name)
        .with(Incarnation::CURRENT);
    request.push_content(&incarnation_record(&incarnation)?);
    write(store, &request).await?;
    store.hints.announce();
    Ok(())
}

async fn refuse_records(store: &RedisStore) -> Result<(), StoreError> {
    let mut spaces = inhabited_spaces(store).await?;
    spaces.push(Space::System);
    for space in &spaces {
        for kind in kept(store) {
            let mut command = Cmd::new();
            command.arg("ZCARD").arg(format!("{}k:{}", store.names.space(space), kind.name));
            if store.link.command(&command).await.map_err(Failure::into_unavailable)? != Value::Int(0) {
                return Err(StoreError::NotEmpty);
            }
        }
    }
    Ok(())
}

fn read_record(store: &RedisStore, line: BackedUpRecord) -> Result<(Version, NewRecord), StoreError> {
    let BackedUpRecord { space, kind, record, indexes } = line;
    let unknown = || StoreError::Damaged(format!("the backup holds records of an unknown kind, {kind}"));
    let kind = store.kind(&kind).filter(|kind| kind.check_space(&space).is_ok()).ok_or_else(unknown)?;
    let Record { key, version, body, due_at, expires_at } = record;
    // An index that has been given up since is left out.
    let indexes =
        kind.indexes.iter().filter_map(|index| Some((*index, indexes.get(*index)?.clone()))).collect();
    Ok((version, NewRecord { kind, key, body, indexes, due_at, expires_at }))
}

async fn fill(
    store: &RedisStore,
    space: &Space,
    records: &[(Version, NewRecord)],
    events: &[Event],
) -> Result<(), StoreError> {
    store.register(space).await.map_err(Failure::into_unavailable)?;
    let new = || Request::new(&scripts::RESTORE, &store.names, space);
    for some in records.chunks(AT_ONCE) {
        let mut request = new().number(some.len());
        for (version, record) in some {
            request.push(record.kind.name);
            request.push(record.key.as_str());
            request.push(version.0.to_string());
            request.push_content(record);
        }
        request.push("0");
        write(store, &request).await?;
    }
    for some in events.chunks(AT_ONCE) {
        let mut request = new().with("0");
        request.push_events(some.iter());
        write(store, &request).await?;
    }
    Ok(())
}

/// Once: if the answer is lost, so is the restore, and the mark stays.
async fn write(store: &RedisStore, request: &Request) -> Result<(), StoreError> {
    store.link.attempt(request, store.now()).await.map(|_| ()).map_err(Failure::into_unavailable)
}

async fn sequence(store: &RedisStore, space: &Space) -> Result<Sequence, StoreError> {
    let mut command = Cmd::new();
    command.arg("GET").arg(store.names.sequence(space));
    match store.link.command(&command).await.map_err(Failure::into_unavailable)? {
        Value::Nil => Ok(0),
        value => text(bytes(value)?)?.parse().map_err(|_| unexpected()),
    }
}

/// Records or events in one script: small enough to let others in between.
const AT_ONCE: usize = 500;
