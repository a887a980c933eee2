//! The file format of backups: JSON lines, the same from and for every backend.
//!
//! A header, then records and events in any order, then a count that proves the file is whole. Values that were sealed
//! in the store stay sealed in the backup.

use std::collections::BTreeMap;
use std::io::{BufRead, Read as _, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::Event;
use super::store::{Incarnation, Origin, Record, SandboxId, Sequence, Space, StoreError, Version};

/// One line of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A durable record.
    Record(BackedUpRecord),
    /// An event, in the order it was committed.
    Event {
        /// Whose log it belongs to.
        space: Space,
        /// The event.
        event: Event,
    },
}

/// A record with all a backend needs to rebuild its indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUpRecord {
    /// Where it lives.
    pub space: Space,
    /// Name of its kind.
    pub kind: String,
    /// The record.
    pub record: Record,
    /// Values of its indexes.
    pub indexes: BTreeMap<String, String>,
}

/// Writes a backup.
#[derive(Debug)]
pub struct BackupWriter<W> {
    sink: W,
    written: End,
}

impl<W: Write> BackupWriter<W> {
    /// Starts with the header. `sequence` is the last commit the picture contains.
    pub fn begin(sink: W, incarnation: &Incarnation, sequence: Sequence) -> Result<Self, StoreError> {
        let mut writer = Self { sink, written: End::default() };
        let header = Header { bursar_backup: FORMAT, sequence, incarnation: incarnation.clone() };
        writer.write(&header)?;
        Ok(writer)
    }

    /// Adds a line.
    pub fn line(&mut self, line: Line) -> Result<(), StoreError> {
        match line {
            Line::Record(_) => self.written.records += 1,
            Line::Event { .. } => self.written.events += 1,
        }
        self.write(&WireLine::from(line))
    }

    /// Ends the backup; without this it counts as cut short.
    pub fn end(mut self) -> Result<(), StoreError> {
        self.write(&WireLine::End(self.written))?;
        self.sink.flush().map_err(|error| unwritten(&error))
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), StoreError> {
        let mut text =
            serde_json::to_vec(line).map_err(|_| StoreError::Misuse("a record cannot be written as JSON"))?;
        text.push(b'\n');
        self.sink.write_all(&text).map_err(|error| unwritten(&error))
    }
}

/// Reads a backup; an iterator over its lines that ends with an error unless the file is whole.
#[derive(Debug)]
pub struct BackupReader<R> {
    source: R,
    header: Header,
    read: End,
    finished: bool,
}

impl<R: BufRead> BackupReader<R> {
    /// Reads the header.
    pub fn begin(mut source: R) -> Result<Self, StoreError> {
        let first = read_line(&mut source)?.ok_or_else(cut_short)?;
        let header: Header = serde_json::from_slice(&first)
            .map_err(|_| StoreError::Damaged("this is no bursar backup".to_owned()))?;
        if header.bursar_backup > FORMAT {
            return Err(StoreError::Newer { found: header.bursar_backup, known: FORMAT });
        }
        if header.sequence > HIGHEST_SEQUENCE {
            return Err(StoreError::Damaged("the backup counts more commits than there can be".to_owned()));
        }
        Ok(Self { source, header, read: End::default(), finished: false })
    }

    /// The incarnation the backup was made of.
    pub fn incarnation(&self) -> &Incarnation {
        &self.header.incarnation
    }

    /// The last commit the backup contains.
    pub fn sequence(&self) -> Sequence {
        self.header.sequence
    }

    /// The incarnation a store lives after this backup is restored into it: named as `wanted`, from where the backup
    /// says it comes.
    pub fn restored(&self, wanted: Incarnation) -> Result<Incarnation, StoreError> {
        if wanted.id == self.header.incarnation.id {
            return Err(StoreError::Misuse("a restored store needs an incarnation of its own"));
        }
        let (source_is_dead, grants_stand) = match wanted.origin {
            Origin::Restored { source_is_dead, grants_stand, .. } => (source_is_dead, grants_stand),
            Origin::Fresh => (false, false),
        };
        let from = self.header.incarnation.id.clone();
        // What was taken back in the other life stays so, whatever is said in this one.
        let honours_from = self.header.incarnation.honours_from().max(wanted.honours_from());
        let origin = Origin::Restored { from, source_is_dead, grants_stand, honours_from };
        Ok(Incarnation { id: wanted.id, origin })
    }

    fn next_line(&mut self) -> Result<Option<Line>, StoreError> {
        let text = read_line(&mut self.source)?.ok_or_else(cut_short)?;
        let line: WireLine = serde_json::from_slice(&text).map_err(|_| self.unreadable())?;
        match line {
            WireLine::End(end) if end == self.read => return Ok(None),
            WireLine::End(_) => return Err(cut_short()),
            // A later commit would bear the same number, and a stale writer could pass for a current one.
            WireLine::Record(ref record) if record.version.0 > self.header.sequence => {
                return Err(self.unreadable());
            }
            WireLine::Record(_) => self.read.records += 1,
            WireLine::Event { .. } => self.read.events += 1,
        }
        Line::try_from(line).map(Some).map_err(|Unreadable| self.unreadable())
    }

    fn unreadable(&self) -> StoreError {
        // Header is line 1.
        StoreError::Damaged(format!(
            "line {} of the backup cannot be read",
            self.read.records + self.read.events + 2
        ))
    }
}

impl<R: BufRead> Iterator for BackupReader<R> {
    type Item = Result<Line, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let line = self.next_line().transpose();
        self.finished = !matches!(line, Some(Ok(_)));
        line
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Header {
    bursar_backup: u32,
    sequence: Sequence,
    incarnation: Incarnation,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    records: u64,
    events: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireLine {
    Record(WireRecord),
    Event { space: String, event: Event },
    End(End),
}

#[derive(Serialize, Deserialize)]
struct WireRecord {
    space: String,
    kind: String,
    key: String,
    version: Version,
    body: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    indexes: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

impl From<Line> for WireLine {
    fn from(line: Line) -> Self {
        match line {
            Line::Event { space, event } => Self::Event { space: space.as_str().to_owned(), event },
            Line::Record(BackedUpRecord { space, kind, record, indexes }) => Self::Record(WireRecord {
                space: space.as_str().to_owned(),
                kind,
                key: record.key,
                version: record.version,
                body: STANDARD.encode(record.body),
                indexes,
                due_at: record.due_at,
                expires_at: record.expires_at,
            }),
        }
    }
}

struct Unreadable;

impl TryFrom<WireLine> for Line {
    type Error = Unreadable;

    fn try_from(line: WireLine) -> Result<Self, Unreadable> {
        match line {
            WireLine::End(_) => Err(Unreadable),
            WireLine::Event { space, event } => Ok(Self::Event { space: read_space(&space)?, event }),
            WireLine::Record(line) => Ok(Self::Record(BackedUpRecord {
                space: read_space(&line.space)?,
                kind: line.kind,
                record: Record {
                    key: line.key,
                    version: line.version,
                    body: STANDARD.decode(line.body).map_err(|_| Unreadable)?,
                    due_at: line.due_at,
                    expires_at: line.expires_at,
                },
                indexes: line.indexes,
            })),
        }
    }
}

fn read_space(text: &str) -> Result<Space, Unreadable> {
    if text.is_empty() {
        return Ok(Space::System);
    }
    SandboxId::parse(text).map(Space::Sandbox).map_err(|_| Unreadable)
}

fn read_line(source: &mut impl BufRead) -> Result<Option<Vec<u8>>, StoreError> {
    let mut line = Vec::new();
    let read = source.take(LONGEST_LINE).read_until(b'\n', &mut line);
    let read = read.map_err(|error| match error.kind() {
        // Of a file that is checked while it is read.
        std::io::ErrorKind::InvalidData => StoreError::Damaged(error.to_string()),
        _ => StoreError::Unavailable(format!("the backup cannot be read: {error}")),
    })?;
    match (read, line.last()) {
        (0, _) => Ok(None),
        (_, Some(b'\n')) => Ok(Some(line)),
        _ => Err(cut_short()),
    }
}

fn cut_short() -> StoreError {
    StoreError::Damaged("the backup is cut short".to_owned())
}

fn unwritten(error: &std::io::Error) -> StoreError {
    let detail = format!("the backup cannot be written: {error}");
    if error.kind() == std::io::ErrorKind::StorageFull {
        StoreError::Full(detail)
    } else {
        StoreError::Unavailable(detail)
    }
}

/// Raised when an older bursar could no longer read what a newer one writes.
const FORMAT: u32 = 1;

/// Records are a few KiB; a line of 64 MiB is not ours, and must not fill the memory.
const LONGEST_LINE: u64 = 64 << 20;

/// Commits are counted on from here in signed 64 bits; no store ever made so many.
const HIGHEST_SEQUENCE: Sequence = 1 << 62;

#[cfg(test)]
mod tests {
    use super::*;

    fn incarnation() -> Incarnation {
        Incarnation { id: "first".to_owned(), origin: Origin::Fresh }
    }

    fn line() -> Line {
        let record = Record {
            key: "a\u{0}ü".to_owned(),
            version: Version(7),
            body: vec![0, 255],
            due_at: Some(Timestamp::UNIX_EPOCH),
            expires_at: None,
        };
        let indexes = BTreeMap::from([("by".to_owned(), "value".to_owned())]);
        let space = Space::Sandbox(SandboxId::personal());
        Line::Record(BackedUpRecord { space, kind: "account".to_owned(), record, indexes })
    }

    fn backup() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = BackupWriter::begin(&mut bytes, &incarnation(), 9).unwrap();
        writer.line(line()).unwrap();
        let event = Event::new(Timestamp::UNIX_EPOCH, "account.created", "a").with("by", "me");
        writer.line(Line::Event { space: Space::System, event }).unwrap();
        writer.end().unwrap();
        bytes
    }

    #[test]
    fn backup_reads_as_it_was_written() {
        let bytes = backup();
        let reader = BackupReader::begin(bytes.as_slice()).unwrap();
        assert_eq!(reader.sequence(), 9);
        let lines: Vec<Line> = reader.collect::<Result<_, _>>().unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], line());
    }

    #[test]
    fn backup_cut_anywhere_is_refused() {
        let bytes = backup();
        for length in 0..bytes.len() {
            let read = BackupReader::begin(&bytes[..length]).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            assert!(matches!(read, Err(StoreError::Damaged(_))), "{length} of {} bytes", bytes.len());
        }
    }

    #[test]
    fn restored_incarnation_comes_from_the_backup() {
        let bytes = backup();
        let reader = BackupReader::begin(bytes.as_slice()).unwrap();
        let wanted = |id: &str| Incarnation { id: id.to_owned(), origin: Origin::Fresh };
        let restored = reader.restored(wanted("second")).unwrap();
        let from = "first".to_owned();
        assert_eq!(
            restored.origin,
            Origin::Restored { from, source_is_dead: false, grants_stand: false, honours_from: None }
        );
        assert!(matches!(reader.restored(wanted("first")), Err(StoreError::Misuse(_))));
    }

    #[test]
    fn impossible_numbers_are_refused() {
        let read = |from: &str, to: &str| {
            let text = String::from_utf8(backup()).unwrap().replacen(from, to, 1);
            BackupReader::begin(text.as_bytes()).and_then(Iterator::collect::<Result<Vec<_>, _>>)
        };
        for (from, to) in [
            ("\"sequence\":9", "\"sequence\":18446744073709551615"),
            ("\"sequence\":9", "\"sequence\":6"),
            ("\"version\":7", "\"version\":10"),
        ] {
            assert!(matches!(read(from, to), Err(StoreError::Damaged(_))), "{to}");
        }
    }

    #[test]
    fn newer_format_is_refused() {
        let text = String::from_utf8(backup()).unwrap().replace("\"bursar_backup\":1", "\"bursar_backup\":2");
        let refused = BackupReader::begin(text.as_bytes()).map(|_| ());
        assert_eq!(refused, Err(StoreError::Newer { found: 2, known: 1 }));
    }
}
