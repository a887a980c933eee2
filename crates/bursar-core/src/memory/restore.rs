//! Backup and restore of the memory store, and the record of its incarnation.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use jiff::Timestamp;

use super::commit::State;
use super::table::Row;
use crate::ports::backup::{BackedUpRecord, BackupReader, BackupWriter, Line};
use crate::ports::store::{EventQuery, INCARNATION, Incarnation, Record, Space, StoreError, Version};

/// Stores which life this store is living, as a commit of its own.
pub(super) fn write_incarnation(state: &mut State, incarnation: &Incarnation) {
    state.sequence += 1;
    let record = Record {
        key: INCARNATION_KEY.to_owned(),
        version: Version(state.sequence),
        // An id and an origin always have a JSON form.
        body: serde_json::to_vec(incarnation).unwrap_or_default(),
        due_at: None,
        expires_at: None,
    };
    let row = Row { record, indexes: BTreeMap::new() };
    state.space(&Space::System).table(&INCARNATION).put(row);
}

/// Which life this store is living.
pub(super) fn incarnation(state: &State) -> Result<Incarnation, StoreError> {
    let table = state.table(&Space::System, &INCARNATION);
    let record = table.and_then(|table| table.live(INCARNATION_KEY, Timestamp::MIN));
    let read = record.and_then(|record| serde_json::from_slice(&record.body).ok());
    read.ok_or_else(|| StoreError::Damaged("the incarnation record cannot be read".to_owned()))
}

/// Writes everything durable.
pub(super) fn back_up(state: &State, sink: &mut dyn Write, now: Timestamp) -> Result<(), StoreError> {
    let mut writer = BackupWriter::begin(sink, &incarnation(state)?, state.sequence)?;
    for (name, space) in &state.spaces {
        for (kind, table) in &space.durable {
            if kind == INCARNATION.name {
                continue;
            }
            for Row { record, indexes } in table.rows(now).cloned() {
                let record = BackedUpRecord { space: name.clone(), kind: kind.clone(), record, indexes };
                writer.line(Line::Record(record))?;
            }
        }
        let all = EventQuery { after: 0, subject: None, limit: usize::MAX };
        for stored in space.log.events(&all) {
            writer.line(Line::Event { space: name.clone(), event: stored.event })?;
        }
    }
    writer.end()
}

/// The state a store has after reading a backup.
pub(super) fn restore(
    current: &State,
    source: &mut dyn BufRead,
    wanted: Incarnation,
    now: Timestamp,
) -> Result<State, StoreError> {
    let tables = current.spaces.values().flat_map(|space| &space.durable);
    let mut records =
        tables.filter(|(kind, _)| *kind != INCARNATION.name).flat_map(|(_, table)| table.rows(now));
    if records.next().is_some() {
        return Err(StoreError::NotEmpty);
    }
    let mut reader = BackupReader::begin(source)?;
    let mut state = State::default();
    for line in &mut reader {
        match line? {
            Line::Event { space, event } => state.append(&space, &[event]),
            Line::Record(BackedUpRecord { space, kind, record, indexes }) => {
                state.space(&space).durable.entry(kind).or_default().put(Row { record, indexes });
            }
        }
    }
    // Larger than every version so far, here and in the backup.
    state.sequence = reader.sequence().max(current.sequence);
    write_incarnation(&mut state, &reader.restored(wanted)?);
    Ok(state)
}

const INCARNATION_KEY: &str = "current";
