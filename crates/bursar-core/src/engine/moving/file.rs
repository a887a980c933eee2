//! The beginning of a backup file: which key opens the rest, and a digest that tells damage from a wrong key.
//!
//! Two lines: a JSON object, and its SHA-256 in hexadecimal. What is in it opens nothing without the master key.

use std::fmt::Write as _;
use std::io::{self, BufRead, Read as _, Write};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::BackupError;
use crate::engine::records::DataKey;
use crate::ports::random::{Random, unguessable};

/// What is told in the open.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Header {
    bursar_backup_file: u32,
    pub(super) created_at: Timestamp,
    /// Makes the key one of this file alone.
    pub(super) salt: String,
    /// What the key is derived from, wrapped by the master key.
    pub(super) data_key: DataKey,
}

/// As much of a newer header as every build can read.
#[derive(Deserialize)]
struct Known {
    bursar_backup_file: u32,
}

impl Header {
    pub(super) fn new(data_key: DataKey, created_at: Timestamp, random: &dyn Random) -> Self {
        let salt = unguessable(random).expose().to_owned();
        Self { bursar_backup_file: FORMAT, created_at, salt, data_key }
    }

    /// Writes it, and tells what binds the rest of the file to it.
    pub(super) fn write(&self, sink: &mut (dyn Write + Send)) -> io::Result<Vec<u8>> {
        let mut line = serde_json::to_string(self).map_err(io::Error::other)?;
        line.push('\n');
        let digest = sha256(line.as_bytes());
        sink.write_all(line.as_bytes())?;
        sink.write_all(format!("{}\n", hexadecimal(&digest)).as_bytes())?;
        Ok(digest)
    }

    /// Reads it, with what binds the rest of the file to it.
    pub(super) fn read(source: &mut (dyn BufRead + Send)) -> Result<(Self, Vec<u8>), BackupError> {
        let line = read_line(source)?;
        if !line.starts_with(BEGINNING) {
            return Err(BackupError::NotABackup);
        }
        let said = read_line(source)?;
        let digest = sha256(&line);
        if said != format!("{}\n", hexadecimal(&digest)).as_bytes() {
            return Err(BackupError::Damaged("the beginning of the backup is damaged".to_owned()));
        }
        let known: Known = serde_json::from_slice(&line).map_err(|_| BackupError::NotABackup)?;
        if known.bursar_backup_file > FORMAT {
            return Err(BackupError::Newer { found: known.bursar_backup_file, known: FORMAT });
        }
        let header = serde_json::from_slice(&line).map_err(|_| BackupError::NotABackup)?;
        Ok((header, digest))
    }
}

fn read_line(source: &mut (dyn BufRead + Send)) -> Result<Vec<u8>, BackupError> {
    let mut line = Vec::new();
    let read = source.take(LONGEST_LINE).read_until(b'\n', &mut line);
    read.map_err(|source| BackupError::Io { act: "read", source })?;
    match line.last() {
        Some(b'\n') => Ok(line),
        _ if line.starts_with(BEGINNING) => Err(BackupError::Damaged("the backup is cut short".to_owned())),
        _ => Err(BackupError::NotABackup),
    }
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Raised when an older bursar could no longer read what a newer one writes.
const FORMAT: u32 = 1;
const BEGINNING: &[u8] = b"{\"bursar_backup_file\"";
/// A header has a few hundred bytes; whatever is longer is not ours.
const LONGEST_LINE: u64 = 64 * 1024;
