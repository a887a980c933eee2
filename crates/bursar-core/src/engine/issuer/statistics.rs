//! How much there is of everything, for whoever runs the server.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::AuthorizationServer;
use super::records::browser_session::BROWSER_SESSION;
use super::records::client::{Client, ClientOrigin};
use super::records::code::Code;
use super::records::device::{Device, DeviceStanding};
use super::records::family::Family;
use super::records::grant::Grant;
use super::records::resource::RESOURCE;
use super::records::revoked::REVOKED;
use super::records::signing_key::SIGNING_KEY;
use super::records::user::User;
use super::refusal::IssueError;
use crate::lifecycle::account::Account;
use crate::ports::document::{self, Document};
use crate::ports::store::{Kind, Page};

/// What the authorization server has issued and knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// Refresh tokens that would work now.
    pub active_tokens: u64,
    /// Clients.
    pub clients: ClientCounts,
    /// Accounts that are held.
    pub accounts: u64,
    /// Users.
    pub users: UserCounts,
    /// Resources.
    pub resources: u64,
    /// Keys that sign or have signed.
    pub signing_keys: u64,
    /// What users let clients do.
    pub grants: GrantCounts,
    /// What clients have done with that: each login is one authorization with all its tokens.
    pub logins: LoginCounts,
    /// Authorization codes.
    pub codes: CodeCounts,
    /// Device codes.
    pub device_codes: CodeCounts,
    /// Browsers in which somebody is signed in.
    pub browser_sessions: u64,
    /// Marks that end access tokens before their time.
    pub revocations: u64,
    /// Records whose time is over and that nobody has collected yet.
    pub expired: u64,
}

/// Clients that are not removed, by where they come from; and those that are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClientCounts {
    /// An administrator added them.
    pub added: u64,
    /// They registered themselves, and somebody has agreed to something.
    pub registered: u64,
    /// Their id is the address of their metadata, and somebody has agreed to something.
    pub by_document: u64,
    /// They were removed, and hear so.
    pub removed: u64,
    /// Those of the first three that nobody has used for so long that they may go.
    pub unused: u64,
}

/// Users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UserCounts {
    /// Those who may sign in.
    pub active: u64,
    /// Those who may not.
    pub disabled: u64,
}

/// Grants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GrantCounts {
    /// Those that stand.
    pub standing: u64,
    /// Those that were taken back.
    pub withdrawn: u64,
}

/// Authorizations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LoginCounts {
    /// Those that can be refreshed, or have an access token that may still be good.
    pub active: u64,
    /// Those of them with an access token that may still be good.
    pub with_access_token: u64,
    /// Those nobody can use any more, and that are kept to tell so.
    pub over: u64,
}

/// Codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CodeCounts {
    /// Those that may still be redeemed.
    pub waiting: u64,
    /// Those that may not, and are kept to tell a second use.
    pub over: u64,
}

impl AuthorizationServer {
    /// Counts everything. Reads every record of most kinds once, page by page.
    pub async fn statistics(&self) -> Result<Statistics, IssueError> {
        let now = self.now();
        let mut counts = Statistics {
            accounts: self.alive(Account::KIND).await?,
            resources: self.alive(&RESOURCE).await?,
            signing_keys: self.alive(&SIGNING_KEY).await?,
            browser_sessions: self.alive(&BROWSER_SESSION).await?,
            revocations: self.alive(&REVOKED).await?,
            expired: self.untidy().await?.expired.iter().map(|(_, count)| count).sum(),
            ..Statistics::default()
        };
        let mut dead = Dead::default();
        counts.clients.unused = self.unused_clients().await?;
        self.each(|client: Client| match client.origin {
            _ if client.removed_at.is_some() => {
                counts.clients.removed += 1;
                dead.clients.insert(client.id);
            }
            ClientOrigin::Administrator => counts.clients.added += 1,
            ClientOrigin::Registered => counts.clients.registered += 1,
            ClientOrigin::MetadataDocument { .. } => counts.clients.by_document += 1,
        })
        .await?;
        self.each(|user: User| {
            if user.disabled {
                counts.users.disabled += 1;
                dead.users.insert(user.id);
            } else {
                counts.users.active += 1;
            }
        })
        .await?;
        self.each(|grant: Grant| {
            if grant.consents.is_empty() {
                counts.grants.withdrawn += 1;
            } else {
                counts.grants.standing += 1;
            }
            if grant.epoch > 0 {
                dead.epochs.insert(grant.key(), grant.epoch);
            }
        })
        .await?;
        self.each(|family: Family| {
            let lives = family.ended.is_none() && !dead.holds(&family);
            let line = family.line.as_ref().filter(|line| line.idle_until > now && line.ends_at > now);
            let (refreshes, has_access) = (lives && line.is_some(), lives && family.access_until > now);
            counts.active_tokens += u64::from(refreshes);
            counts.logins.with_access_token += u64::from(has_access);
            if refreshes || has_access {
                counts.logins.active += 1;
            } else {
                counts.logins.over += 1;
            }
        })
        .await?;
        self.each(|code: Code| counts.codes.count(code.redeemed.is_none() && code.expires_at > now)).await?;
        self.each(|device: Device| {
            let open = matches!(device.standing, DeviceStanding::Waiting | DeviceStanding::Allowed(_));
            counts.device_codes.count(open && device.expires_at > now);
        })
        .await?;
        Ok(counts)
    }

    async fn alive(&self, kind: &'static Kind) -> Result<u64, IssueError> {
        Ok(self.store().tally(self.space(), kind).await?.value.alive)
    }

    async fn each<T: Document>(&self, mut look: impl FnMut(T)) -> Result<(), IssueError> {
        let mut after = None;
        loop {
            let page = Page { after, limit: PAGE };
            let records = self.store().list(self.space(), T::KIND, page).await?.value;
            for record in &records {
                look(document::decode::<T>(record)?.document);
            }
            match records.last() {
                Some(last) if records.len() == PAGE => after = Some(last.key.clone()),
                _ => return Ok(()),
            }
        }
    }
}

impl CodeCounts {
    fn count(&mut self, waiting: bool) {
        if waiting {
            self.waiting += 1;
        } else {
            self.over += 1;
        }
    }
}

/// What families stand on and cannot any more. Few of all there are, so they fit into memory.
#[derive(Debug, Default)]
struct Dead {
    clients: HashSet<String>,
    users: HashSet<String>,
    /// The epochs of grants that were taken back at least once.
    epochs: HashMap<String, u32>,
}

impl Dead {
    fn holds(&self, family: &Family) -> bool {
        let withdrawn = self.epochs.get(&family.grant.key).is_some_and(|epoch| *epoch != family.grant.epoch);
        withdrawn || self.clients.contains(&family.client) || self.users.contains(&family.user)
    }
}

/// Some megabytes at most.
const PAGE: usize = 1000;
