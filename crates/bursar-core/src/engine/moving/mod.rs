//! Backups, restored copies, and moves from one store to another.
//!
//! A backup is all that is durable, encrypted under a key that the master key leads to. What is restored lives a new life:
//! [`copy`] is about what it may not do before somebody has said what became of the original. A move (`migration`) seals
//! the source instead of asking.

pub mod copy;
pub(in crate::engine) mod departure;
mod file;
pub mod inventory;
pub mod migration;
mod sealed_file;
mod tally;
#[cfg(test)]
mod tests;
mod under_way;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};

use jiff::Timestamp;

use self::file::Header;
use self::sealed_file::{OpeningReader, SealingWriter};
pub use self::tally::Contents;
use self::tally::Counting;
use super::Engine;
use super::sandboxes::{Sandbox, Sandboxes};
use super::vault::VaultError;
use super::vault::succession::Succession;
use crate::ports::backup::BackupReader;
use crate::ports::document::{self, Stored};
use crate::ports::random::unguessable;
use crate::ports::store::{Incarnation, Kind, Origin, SandboxId, Space, StoreError};

/// A backup that was written, or read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The life of the store it was made of.
    pub incarnation: String,
    /// When.
    pub created_at: Timestamp,
    /// What is in it.
    pub contents: Contents,
}

/// Why a backup was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no vault, and so no key to encrypt it with.
    #[error("there is no vault yet, so there is no key to encrypt a backup with")]
    NoVault,
    /// It is no backup at all.
    #[error("this is no bursar backup")]
    NotABackup,
    /// A newer bursar wrote it.
    #[error("the backup has format {found}, this bursar knows {known}")]
    Newer {
        /// Format found.
        found: u32,
        /// Newest format this build knows.
        known: u32,
    },
    /// It is not as it was written.
    #[error("{0}")]
    Damaged(String),
    /// It was made under another master key.
    #[error("the master key does not open this backup")]
    WrongMasterKey,
    /// The vault cannot be used.
    #[error(transparent)]
    Vault(VaultError),
    /// Keys were changed while it was made: what is in it may be sealed with one that is not.
    #[error("keys changed while the backup was made")]
    KeysChanged,
    /// It cannot be read or written.
    #[error("the backup cannot be {act}")]
    Io {
        /// What was tried.
        act: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(StoreError),
}

impl Engine {
    /// Writes everything durable to `sink`, as it was at one moment; others go on writing to the store meanwhile.
    ///
    /// # Errors
    /// There is no vault, or store, vault or `sink` cannot be used: then what was written is no backup.
    pub async fn back_up(&self, sink: &mut (dyn Write + Send)) -> Result<Backup, BackupError> {
        let (data_key, vault) = self.portable_data_key().await?.ok_or(BackupError::NoVault)?;
        let sandbox_keys = self.sandbox_keys().await?;
        let header = Header::new(data_key.clone(), self.now(), &*self.ports.random);
        let incarnation = self.incarnation().await?.id;
        let associated = header.write(sink).map_err(unwritten)?;
        let key = vault.derivation().backup_key(header.salt.as_bytes());
        let mut counted = Counting::new(SealingWriter::new(sink, &key, associated));
        self.ports.store.backup(&mut counted).await?;
        // Redis shows each space as it was at a moment of its own.
        let (keys_now, now) = (self.data_key().await?, self.sandbox_keys().await?);
        let has_changed = |(space, keys)| now.get(space).is_some_and(|now| now != keys);
        if keys_now.map(|stored| stored.document) != Some(data_key) || sandbox_keys.iter().any(has_changed) {
            return Err(BackupError::KeysChanged);
        }
        let (contents, sealing) = counted.end();
        sealing.finish().map_err(unwritten)?;
        Ok(Backup { incarnation, created_at: header.created_at, contents })
    }

    /// The data key of every sandbox, as it is recorded.
    async fn sandbox_keys(&self) -> Result<BTreeMap<String, (u32, Succession)>, StoreError> {
        let sandboxes = document::list::<Sandbox>(&*self.ports.store, &Space::System).await?;
        let keys = sandboxes.into_iter().map(|Stored { document, .. }| {
            (document.space.as_str().to_owned(), (document.key_id, document.succession))
        });
        Ok(keys.collect())
    }

    /// Reads a backup to its end, and tells what is in it. Nothing is changed.
    ///
    /// # Errors
    /// It is damaged, newer than this build, or made under another master key.
    pub async fn check_backup(&self, source: &mut (dyn BufRead + Send)) -> Result<Backup, BackupError> {
        let (header, opened) = self.open_backup(source).await?;
        let mut counted = Counting::new(BufReader::new(opened));
        let mut lines = BackupReader::begin(&mut counted)?;
        for line in &mut lines {
            line?;
        }
        let incarnation = lines.incarnation().id.clone();
        Ok(Backup { incarnation, created_at: header.created_at, contents: counted.end().0 })
    }

    /// Fills the store, which must hold nothing yet, from a backup. The store lives a new life after it: see [`copy`].
    ///
    /// # Errors
    /// As [`Engine::check_backup`], or the store holds something. Nothing has changed then, unless the store says otherwise.
    pub async fn restore_backup(&self, source: &mut (dyn BufRead + Send)) -> Result<Backup, BackupError> {
        let restored = self.restore_as(source, unguessable(&*self.ports.random).expose().to_owned()).await?;
        // Where its original was going is not where this store goes.
        self.forget_departure().await?;
        Ok(restored)
    }

    async fn restore_as(
        &self,
        source: &mut (dyn BufRead + Send),
        incarnation: String,
    ) -> Result<Backup, BackupError> {
        let (header, opened) = self.open_backup(source).await?;
        let mut counted = Counting::new(BufReader::new(opened));
        let origin = Origin::Restored {
            from: String::new(),
            source_is_dead: false,
            grants_stand: false,
            honours_from: None,
        };
        self.ports.store.restore(&mut counted, Incarnation { id: incarnation, origin }).await?;
        let incarnation = match self.incarnation().await?.origin {
            Origin::Restored { from, .. } => from,
            Origin::Fresh => String::new(),
        };
        Ok(Backup { incarnation, created_at: header.created_at, contents: counted.end().0 })
    }

    async fn open_backup<'a>(
        &self,
        source: &'a mut (dyn BufRead + Send),
    ) -> Result<(Header, OpeningReader<&'a mut (dyn BufRead + Send)>), BackupError> {
        let (header, associated) = Header::read(source)?;
        let vault = self.open_portable(&header.data_key).await?;
        let key = vault.derivation().backup_key(header.salt.as_bytes());
        Ok((header, OpeningReader::new(source, &key, associated)))
    }

    /// Every space that holds something of somebody: this sandbox's installation, and all of its sandboxes.
    async fn inhabited_spaces(&self) -> Result<Vec<Space>, StoreError> {
        let sandboxes = Sandboxes::new(self.clone()).all().await?;
        let own = std::iter::once(Space::Sandbox(SandboxId::personal()));
        Ok(own.chain(sandboxes.into_iter().map(|sandbox| Space::Sandbox(sandbox.space))).collect())
    }

    /// How many records of a kind there are in all of them.
    async fn tally_everywhere(&self, kind: &'static Kind) -> Result<u64, StoreError> {
        let mut sum = 0;
        for space in self.inhabited_spaces().await? {
            sum += self.ports.store.tally(&space, kind).await?.value.alive;
        }
        Ok(sum)
    }
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        match error {
            // Told by whatever reads the lines of the file: the store itself was not looked at yet, or was found empty.
            StoreError::Damaged(detail) => Self::Damaged(detail),
            StoreError::Newer { found, known } => Self::Newer { found, known },
            other => Self::Store(other),
        }
    }
}

impl From<VaultError> for BackupError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::WrongMasterKey => Self::WrongMasterKey,
            VaultError::Store(error) => error.into(),
            other => Self::Vault(other),
        }
    }
}

fn unwritten(source: std::io::Error) -> BackupError {
    BackupError::Io { act: "written", source }
}
