//! The commit: sent until it is known what became of it, or too late.

use bursar_core::ports::store::{Answer, Batch, Commit, StoreError, Version};

use super::errors::{Failure, unexpected};
use super::link::{PATIENCE, PAUSE};
use super::reply::Reply;
use super::request::commit;
use super::store::RedisStore;

impl RedisStore {
    /// Does the batch whole or not at all.
    pub(super) async fn commit_whole(&self, batch: Batch) -> Result<Answer<Commit>, StoreError> {
        batch.check()?;
        let touched = batch.writes().iter().map(|(write, _)| write.target().0);
        for kind in touched.chain(batch.guards().iter().map(|guard| guard.kind)) {
            self.check(batch.space(), kind)?;
        }
        let clock = self.link.clock();
        let began = clock.stopwatch();
        let mut lost = None;
        loop {
            let detail = match self.try_commit(&batch).await {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => "the request took too long to arrive".to_owned(),
                Err(Failure::NotDone(detail)) => detail,
                // Asking again under the same id does it once at most.
                Err(Failure::Lost(detail)) => lost.insert(detail).clone(),
                Err(failure) => {
                    let error = failure.into_unavailable();
                    return Err(lost.map_or(error, StoreError::UnknownOutcome));
                }
            };
            if clock.stopwatch().saturating_sub(began) >= PATIENCE {
                return Err(lost.map_or(StoreError::Unavailable(detail), StoreError::UnknownOutcome));
            }
            clock.sleep(PAUSE).await;
        }
    }

    /// One try; `None` if it came too late to be done.
    async fn try_commit(&self, batch: &Batch) -> Result<Option<Answer<Commit>>, Failure> {
        self.register(batch.space()).await?;
        for _ in 0..LATE_TRIES {
            let now = self.now();
            let request = commit(batch, &self.names, &self.origin, self.link.deadline());
            let mut reply = self.link.attempt(&request, now).await?;
            let time = now.unwrap_or_else(|| reply.timestamp());
            let value = self.read_commit(batch, &mut reply).map_err(Failure::Final)?;
            if let Some(value) = value {
                return Ok(Some(Answer { value, time }));
            }
            // Its answer set our idea of the server's clock right, which may have been moved.
        }
        Ok(None)
    }

    fn read_commit(&self, batch: &Batch, reply: &mut Reply) -> Result<Option<Commit>, StoreError> {
        match reply.text()?.as_str() {
            "done" => {
                let sequence = reply.number()?;
                if reply.text()? == "1" {
                    self.hints.announce();
                }
                Ok(Some(Commit::Done(Version(sequence))))
            }
            "conflict" => {
                let position: usize = reply.number()?;
                let writes = batch.writes().iter().map(|(write, _)| write.target());
                let guards = batch.guards().iter().map(|guard| (guard.kind, guard.key.as_str()));
                let (kind, key) =
                    writes.chain(guards).nth(position.wrapping_sub(1)).ok_or_else(unexpected)?;
                Ok(Some(Commit::Conflict { kind: kind.name, key: key.to_owned() }))
            }
            _ => Ok(None),
        }
    }
}

/// The first may meet a moved clock, the second knows it.
const LATE_TRIES: usize = 3;
