//! A database whose records have moved: a mark in every space, at which all scripts that write refuse.

use bursar_core::ports::store::{SandboxId, Space, StoreError};
use redis::{Cmd, Value};

use super::errors::Failure;
use super::read::{inhabited_spaces, read_spaces};
use super::store::RedisStore;

impl RedisStore {
    /// Seals every space, or with nothing lifts the seal. The installation's own is first: in it stands which spaces there are,
    /// and from then on none is added.
    pub(super) async fn set_seal(&self, moved_to: Option<&str>) -> Result<(), StoreError> {
        let mut spaces = vec![Space::System, Space::Sandbox(SandboxId::personal())];
        self.mark(&spaces, moved_to).await?;
        spaces = read_spaces(&self.link, &self.names).await?;
        self.mark(&spaces, moved_to).await
    }

    async fn mark(&self, spaces: &[Space], moved_to: Option<&str>) -> Result<(), StoreError> {
        for space in spaces {
            let key = format!("{}moved", self.names.space(space));
            let mut command = Cmd::new();
            match moved_to {
                Some(to) => command.arg("SET").arg(key).arg(to),
                None => command.arg("DEL").arg(key),
            };
            self.link.command(&command).await.map_err(Failure::into_unavailable)?;
        }
        Ok(())
    }

    /// Empties a database in which a restore has stopped half-way, and which nobody can have used since. `false`: it is not
    /// such a one.
    pub(super) async fn discard_half_restored(&self) -> Result<bool, StoreError> {
        let system = self.names.space(&Space::System);
        let mut command = Cmd::new();
        command.arg("HGET").arg(format!("{system}meta")).arg("restoring");
        if self.link.command(&command).await.map_err(Failure::into_unavailable)? == Value::Nil {
            return Ok(false);
        }
        let mut spaces = inhabited_spaces(self).await?;
        // Whoever stops on the way must find the rest again: the list of spaces goes after them, and the mark after everything.
        spaces.push(Space::System);
        let mark = format!("{system}meta");
        for space in &spaces {
            for key in self.keys_beneath(&self.names.space(space)).await? {
                if key != mark.as_bytes() {
                    let mut command = Cmd::new();
                    command.arg("DEL").arg(key);
                    self.link.command(&command).await.map_err(Failure::into_unavailable)?;
                }
            }
        }
        let mut command = Cmd::new();
        command.arg("DEL").arg(mark);
        self.link.command(&command).await.map_err(Failure::into_unavailable)?;
        Ok(true)
    }

    async fn keys_beneath(&self, prefix: &str) -> Result<Vec<Vec<u8>>, StoreError> {
        if self.names.cluster {
            let detail = "a restore was not finished; empty all nodes of the cluster and begin again";
            return Err(StoreError::Damaged(detail.to_owned()));
        }
        let (mut keys, mut cursor) = (Vec::new(), b"0".to_vec());
        loop {
            let mut command = Cmd::new();
            command.arg("SCAN").arg(&cursor).arg("MATCH").arg(format!("{prefix}*")).arg("COUNT").arg(SCANNED);
            let answer = self.link.command(&command).await.map_err(Failure::into_unavailable)?;
            let mut parts = super::reply::list(answer)?.into_iter();
            let next = parts.next().ok_or_else(super::errors::unexpected)?;
            let found = parts.next().ok_or_else(super::errors::unexpected)?;
            for key in super::reply::list(found)? {
                keys.push(super::reply::bytes(key)?);
            }
            cursor = super::reply::bytes(next)?;
            if cursor == b"0" {
                return Ok(keys);
            }
        }
    }
}

/// A millisecond's work for the server.
const SCANNED: usize = 1000;
