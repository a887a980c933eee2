//! What has ended leaves by itself, a bounded number of records at a time.

use super::AuthorizationServer;
use super::records::family::{FAMILY, Family};
use super::refusal::IssueError;
use crate::engine::records::KINDS;
use crate::ports::document;
use crate::ports::store::{Expected, Group, Scope};

impl AuthorizationServer {
    /// Erases answers nobody may ask for again, and removes what has ended. How many records it was.
    pub async fn tidy_up(&self) -> Result<usize, IssueError> {
        let erased = self.erase_answers().await?;
        self.within.known.forget_old_marks(self.now());
        let mut removed = 0;
        for kind in KINDS.iter().filter(|kind| kind.scope == Scope::Sandbox && kind.group == Group::Durable) {
            while removed < MOST_AT_A_TIME {
                let gone = self.store().expire(self.space(), kind, BATCH).await?;
                removed += gone;
                if gone < BATCH {
                    break;
                }
            }
        }
        for kind in KINDS.iter().filter(|kind| kind.scope == Scope::Sandbox && kind.group == Group::Ephemeral)
        {
            removed += self.store().expire(self.space(), kind, BATCH).await?;
        }
        let reaped = self.reap_clients(BATCH).await?;
        Ok(erased + removed + reaped)
    }

    /// The answer of a rotation is kept for a second asking, and no longer.
    async fn erase_answers(&self) -> Result<usize, IssueError> {
        let mut erased = 0;
        while erased < MOST_AT_A_TIME {
            let due = self.store().due(self.space(), &FAMILY, self.now(), BATCH).await?.value.records;
            for record in &due {
                let family = document::decode::<Family>(record)?;
                let line = family.document.line.map(crate::lifecycle::rotation::Line::without_answer);
                let without = Family { line, ..family.document };
                let batch =
                    document::put(self.engine().batch(), &without, Expected::Version(family.version))?;
                // Whoever has changed it meanwhile has put another answer there.
                self.store().commit(batch).await?;
            }
            erased += due.len();
            if due.len() < BATCH {
                break;
            }
        }
        Ok(erased)
    }
}

const BATCH: usize = 256;
/// So that one round ends soon: what is left is for the next.
const MOST_AT_A_TIME: usize = 10_000;
