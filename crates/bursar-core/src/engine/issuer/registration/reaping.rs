//! Clients that brought themselves go when nobody uses them any more. What an administrator added stays.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::records::client::{CLIENT, Client, ClientOrigin};
use crate::engine::issuer::records::client_use::ClientUse;
use crate::engine::issuer::refusal::IssueError;
use crate::ports::document::{self, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Commit, Expected, Page, StoreError};

/// What this process remembers between two rounds.
#[derive(Debug, Default)]
pub(in crate::engine::issuer) struct Housekeeping {
    /// The day on which the use of a client was last noted.
    noted: Mutex<HashMap<String, i64>>,
    /// The client that the last round ended with.
    looked_up_to: Mutex<Option<String>>,
}

impl AuthorizationServer {
    /// Looks at the next `limit` clients, removes those that nobody has used for long, and collects as many records that
    /// nobody agreed to in time. Tells how many went. Whoever calls it again and again sees all of them.
    pub async fn reap_clients(&self, limit: usize) -> Result<usize, IssueError> {
        let mut gone = self.store().expire(self.space(), &CLIENT, limit).await?;
        let after = self.looked_up_to().take();
        let records = self.store().list(self.space(), &CLIENT, Page { after, limit }).await?.value;
        if records.len() == limit {
            *self.looked_up_to() = records.last().map(|record| record.key.clone());
        }
        for record in &records {
            let client = document::decode::<Client>(record)?;
            if self.is_unused(&client.document).await? && self.forget(client).await? {
                gone += 1;
            }
        }
        Ok(gone)
    }

    /// How many clients [`AuthorizationServer::reap_clients`] would remove for having been unused for long.
    pub(in crate::engine::issuer) async fn unused_clients(&self) -> Result<u64, IssueError> {
        let (mut unused, mut after) = (0, None);
        loop {
            let page = Page { after, limit: LOOKED_AT };
            let records = self.store().list(self.space(), &CLIENT, page).await?.value;
            for record in &records {
                let client = document::decode::<Client>(record)?;
                unused += u64::from(self.is_unused(&client.document).await?);
            }
            match records.last() {
                Some(last) if records.len() == LOOKED_AT => after = Some(last.key.clone()),
                _ => return Ok(unused),
            }
        }
    }

    /// Notes that a client is in use, once a day. A note that cannot be made is made another time.
    pub(in crate::engine::issuer) async fn note_client_use(&self, id: &str) {
        let now = self.now();
        let day = now.as_second().div_euclid(DAY.as_secs());
        {
            let mut noted = self.within.housekeeping.noted.lock().unwrap_or_else(PoisonError::into_inner);
            if noted.get(id) == Some(&day) {
                return;
            }
            if noted.len() >= MOST_NOTED {
                noted.clear();
            }
            noted.insert(id.to_owned(), day);
        }
        if let Err(error) = self.write_use(id, now).await {
            tracing::debug!(client = id, %error, "the use of a client could not be noted");
        }
    }

    async fn write_use(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        let kept = self.rules().unused_client.saturating_add(DAY);
        let last_used = Timestamp::from_second(now.as_second().div_euclid(DAY.as_secs()) * DAY.as_secs());
        let client_use = ClientUse {
            client: id.to_owned(),
            last_used: last_used.unwrap_or(now),
            until: now.saturating_add(kept).unwrap_or(Timestamp::MAX),
        };
        let known = document::get::<ClientUse>(self.store(), self.space(), id).await?.value;
        if known.as_ref().is_some_and(|known| known.document.last_used >= client_use.last_used) {
            return Ok(());
        }
        let expected = known.map_or(Expected::Absent, |known| Expected::Version(known.version));
        // Whoever was faster has noted the same.
        let _same = self.store().commit(document::put(self.engine().batch(), &client_use, expected)?).await?;
        Ok(())
    }

    async fn is_unused(&self, client: &Client) -> Result<bool, IssueError> {
        let now = self.now();
        let longest = self.rules().unused_client.max(self.rules().lifetimes.login);
        let is_old = |since: Timestamp| now.duration_since(since) > longest;
        if client.origin == ClientOrigin::Administrator
            || client.removed_at.is_some()
            || !is_old(client.created_at)
        {
            return Ok(false);
        }
        let client_use = document::get::<ClientUse>(self.store(), self.space(), &client.id).await?.value;
        // Noted to the day: the day itself counts as used.
        Ok(client_use.is_none_or(|noted| {
            is_old(noted.document.last_used.saturating_add(DAY).unwrap_or(Timestamp::MAX))
        }))
    }

    async fn forget(&self, client: Stored<Client>) -> Result<bool, IssueError> {
        let event = Event::new(self.now(), "client.forgotten", client.document.id.clone());
        let batch = self.engine().batch().event(event).delete(&CLIENT, client.document.id, client.version);
        Ok(matches!(self.store().commit(batch).await?.value, Commit::Done(_)))
    }

    fn looked_up_to(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.within.housekeeping.looked_up_to.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const DAY: SignedDuration = SignedDuration::from_hours(24);
const LOOKED_AT: usize = 256;
/// Some megabytes at most, and a second note does no harm.
const MOST_NOTED: usize = 10_000;
