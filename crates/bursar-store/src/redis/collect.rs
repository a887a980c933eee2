//! Collects what is over and forgets old events, in bites that let others in between.

use bursar_core::ports::store::{Kind, Space, StoreError};
use bursar_core::ports::store_time::to_millisecond;
use jiff::Timestamp;

use super::read::AT_ONCE;
use super::request::Request;
use super::scripts;
use super::store::RedisStore;

impl RedisStore {
    /// Removes at most `limit` expired records of a kind.
    pub(super) async fn collect(
        &self,
        space: &Space,
        kind: &'static Kind,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.check(space, kind)?;
        let mut removed = 0;
        while removed < limit {
            let wanted = (limit - removed).min(AT_ONCE);
            let request = Request::new(&scripts::EXPIRE, &self.names, space)
                .with(kind.name)
                .number(wanted)
                .declared(kind);
            let (mut reply, _) = self.ask(&request).await?;
            let now: usize = reply.number()?;
            removed += now;
            if now < wanted {
                break;
            }
        }
        Ok(removed)
    }

    /// Looks at the `limit` oldest events, and removes those from before `before`.
    pub(super) async fn forget_oldest_events(
        &self,
        space: &Space,
        before: Timestamp,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let (mut removed, mut seen, mut after) = (0, 0, 0_u64);
        while seen < limit {
            let wanted = (limit - seen).min(AT_ONCE);
            let request = Request::new(&scripts::FORGET_EVENTS, &self.names, space)
                .number(to_millisecond(before).as_millisecond())
                .number(after)
                .number(wanted);
            let (mut reply, _) = self.ask(&request).await?;
            let (gone, looked_at): (usize, usize) = (reply.number()?, reply.number()?);
            removed += gone;
            seen += looked_at;
            // Those that stay are passed by, or the next bite would see them again.
            after = reply.number()?;
            if looked_at < wanted {
                break;
            }
        }
        Ok(removed)
    }
}
