//! The end of everything that was issued here, for a server whose records are older than what was true.

use futures::future::ready;
use futures::{TryStreamExt as _, stream};

use super::AuthorizationServer;
use super::administration::first_code::FIRST_CODE;
use super::administration::grants::GrantsOf;
use super::records::browser_session::BROWSER_SESSION;
use super::records::code::CODE;
use super::records::device::DEVICE;
use super::records::reset_code::RESET_CODE;
use super::refusal::IssueError;
use crate::ports::store::{Kind, Page};

impl AuthorizationServer {
    /// Takes back every grant, with all tokens under it, and ends every sign-in, whose clients are told, and every code. Clients
    /// and users stay. How many grants it was.
    ///
    /// Interrupted, some are left; repeated, it goes on.
    pub async fn end_everything_issued(&self) -> Result<u64, IssueError> {
        let (mut ended, mut after) = (0_u64, None::<String>);
        loop {
            let page = self.grants(GrantsOf::default(), after.as_deref(), PAGE).await?;
            let grants = stream::iter(page.grants.into_iter().map(Ok::<_, IssueError>));
            let withdrawn = grants.map_ok(|grant| async move {
                self.withdraw_grant(&grant.user, &grant.client).await.map(u64::from)
            });
            // Together, because a store makes many commits durable at once.
            ended +=
                withdrawn.try_buffer_unordered(AT_ONCE).try_fold(0, |sum, one| ready(Ok(sum + one))).await?;
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        self.end_sessions_of_all().await?;
        for kind in CARRIED_BY_PEOPLE {
            self.remove_all(kind).await?;
        }
        Ok(ended)
    }

    async fn end_sessions_of_all(&self) -> Result<(), IssueError> {
        let mut page = Page::first(PAGE);
        loop {
            let sessions = self.store().list(self.space(), &BROWSER_SESSION, page.clone()).await?.value;
            page.after = sessions.last().map(|session| session.key.clone());
            let is_last = sessions.len() < page.limit;
            let keys = stream::iter(sessions.into_iter().map(|session| Ok::<_, IssueError>(session.key)));
            let ended = keys.map_ok(|key| async move {
                self.end_session_at(&key, &[("cause", "everything_ended")]).await.map(|_| ())
            });
            ended.try_buffer_unordered(AT_ONCE).try_collect::<()>().await?;
            if is_last {
                return Ok(());
            }
        }
    }

    async fn remove_all(&self, kind: &'static Kind) -> Result<(), IssueError> {
        loop {
            let records = self.store().list(self.space(), kind, Page::first(PAGE)).await?.value;
            let is_last = records.len() < PAGE;
            for record in records {
                let batch = self.engine().batch().delete(kind, record.key, record.version);
                // Who has used it up meanwhile has done what was wanted.
                self.store().commit(batch).await?;
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

/// What is left to be shown by somebody who got it before.
static CARRIED_BY_PEOPLE: [&Kind; 4] = [&CODE, &DEVICE, &RESET_CODE, &FIRST_CODE];
const PAGE: usize = 256;
/// As many as a store makes durable together.
const AT_ONCE: usize = 32;
