//! Grants: what users let clients do, listed and taken back.

use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::records::grant::{GRANT, Grant};
use crate::engine::issuer::refusal::IssueError;
use crate::ports::document::{self, Stored};
use crate::ports::store::{Page, Record, StoreError};

/// Whose grants are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrantsOf<'a> {
    /// Only those of the user of this id.
    pub user: Option<&'a str>,
    /// Only those for the client of this id.
    pub client: Option<&'a str>,
}

impl AuthorizationServer {
    /// Grants in the order of their keys: at most `limit` after the key `after`. Those that were taken back are left out, so
    /// a page can be shorter than the next one; only one without a [`GrantPage::next`] is the last.
    pub async fn grants(
        &self,
        of: GrantsOf<'_>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<GrantPage, StoreError> {
        if let GrantsOf { user: Some(user), client: Some(client) } = of {
            let grant = self.grant(&Grant::key_of(user, client)).await?;
            return Ok(GrantPage { grants: grant.into_iter().collect(), next: None });
        }
        let page = Page { after: after.map(str::to_owned), limit };
        let (store, space) = (self.store(), self.space());
        let records = match of {
            GrantsOf { user: Some(user), .. } => store.find(space, &GRANT, "user", user, page).await?,
            GrantsOf { client: Some(client), .. } => {
                store.find(space, &GRANT, "client", client, page).await?
            }
            GrantsOf { .. } => store.list(space, &GRANT, page).await?,
        };
        let next = next_of(&records.value, limit);
        let grants = records.value.iter().map(document::decode::<Grant>).collect::<Result<Vec<_>, _>>()?;
        Ok(GrantPage { grants: grants.into_iter().filter_map(living).collect(), next })
    }

    /// The grant of this key, if it was not taken back.
    pub async fn grant(&self, key: &str) -> Result<Option<Grant>, StoreError> {
        let grant = document::get::<Grant>(self.store(), self.space(), key).await?.value;
        Ok(grant.and_then(living))
    }

    /// Takes back the grant of this key, and ends everything issued under it. `None`: there is no such grant.
    pub async fn withdraw_grant_of_key(&self, key: &str) -> Result<Option<Grant>, IssueError> {
        let Some(grant) = self.grant(key).await? else { return Ok(None) };
        let is_withdrawn = self.withdraw_grant(&grant.user, &grant.client).await?;
        Ok(Some(grant).filter(|_| is_withdrawn))
    }
}

/// Some of a list of grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantPage {
    /// The grants.
    pub grants: Vec<Grant>,
    /// What the next page comes after; `None`: this was the last.
    pub next: Option<String>,
}

fn living(grant: Stored<Grant>) -> Option<Grant> {
    Some(grant.document).filter(|grant| !grant.consents.is_empty())
}

/// What the page after `records` comes after, if there may be one.
pub(super) fn next_of(records: &[Record], limit: usize) -> Option<String> {
    records.last().filter(|_| records.len() >= limit).map(|record| record.key.clone())
}
