//! A store that was restored from a backup: another may hold the same refresh tokens and still use them, and what the
//! server had issued may have been taken back there since.
//!
//! Held tokens are not spent before somebody confirms that the original is gone, and then only as an open journal allows,
//! because nobody knows which of them it has spent. The server answers nothing that rests on grants before somebody says
//! whether they stand. What ends them all is `AuthorizationServer::end_everything_issued`.

use jiff::Timestamp;

use super::super::Engine;
use super::departure::service;
use crate::engine::issuer::records::grant::GRANT;
use crate::lifecycle::account::{Account, Renewal, Standing};
use crate::lifecycle::failure::{Cause, CauseKind};
use crate::lifecycle::journal::Journal;
use crate::ports::document::{self, Document as _, Stored};
use crate::ports::event::Event;
use crate::ports::store::{Batch, Commit, Expected, Incarnation, Origin, Page, Space, Store, StoreError};

/// What waits in a store for somebody to say something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The life of the store.
    pub incarnation: Incarnation,
    /// How many logins are held.
    pub accounts: u64,
    /// How many grants there are.
    pub grants: u64,
}

impl Engine {
    /// The life of the store, with what may wait there.
    pub async fn waiting(&self) -> Result<Waiting, StoreError> {
        let incarnation = self.incarnation().await?;
        let accounts = self.tally_everywhere(Account::KIND).await?;
        Ok(Waiting { incarnation, accounts, grants: self.tally_everywhere(&GRANT).await? })
    }

    /// The life of a store whose original may still use the same tokens; `None`: there is no such original.
    pub async fn unconfirmed_life(&self) -> Result<Option<Incarnation>, StoreError> {
        Ok(Some(self.incarnation().await?).filter(Incarnation::may_have_living_source))
    }

    /// Whether nothing that was issued is honoured now: by a copy of which nobody has said that its grants stand, or by a store
    /// whose records are going elsewhere.
    pub async fn is_suspended(&self) -> Result<bool, StoreError> {
        let service = service(&*self.ports.store).await?;
        let is_young = service.honours_from.is_some_and(|from| from > self.now());
        Ok(is_young || service.suspension.is_some())
    }

    /// Believes that the original of this store is gone. Its last refreshes are not known here: every login gets an open
    /// journal first, and is renewed as that allows. How many logins there are that came from there.
    ///
    /// Interrupted, nothing is believed yet; repeated, it goes on.
    pub async fn confirm_source_is_dead(&self) -> Result<usize, StoreError> {
        let life = self.incarnation().await?;
        if !life.may_have_living_source() {
            return Ok(0);
        }
        let mut doubted = 0;
        for space in self.inhabited_spaces().await? {
            let mut page = Page::first(PAGE);
            loop {
                let records = self.ports.store.list(&space, Account::KIND, page.clone()).await?.value;
                for record in &records {
                    doubted += usize::from(self.doubt(&space, document::decode(record)?, &life).await?);
                }
                match records.last().filter(|_| records.len() >= page.limit) {
                    Some(last) => page.after = Some(last.key.clone()),
                    None => break,
                }
            }
        }
        self.change_life("store.source_confirmed_dead", |origin, _| match origin {
            Origin::Restored { from, grants_stand, honours_from, .. } => {
                Origin::Restored { from, source_is_dead: true, grants_stand, honours_from }
            }
            Origin::Fresh => Origin::Fresh,
        })
        .await?;
        Ok(doubted)
    }

    /// Lets everything that the server had issued, and that was not taken back here since, count again.
    pub async fn let_grants_stand(&self) -> Result<(), StoreError> {
        self.change_life("store.grants_stand", |origin, _| match origin {
            Origin::Restored { from, source_is_dead, honours_from, .. } => {
                Origin::Restored { from, source_is_dead, grants_stand: true, honours_from }
            }
            Origin::Fresh => Origin::Fresh,
        })
        .await
    }

    /// Lets what the server issues from now on count: all grants have been taken back. Access tokens from before count no
    /// more, those that rest on no grant of this store either. Tokens tell the second in which they were made, so the server
    /// makes none before this one is over.
    pub async fn let_new_grants_stand(&self) -> Result<(), StoreError> {
        self.change_life("store.new_grants_stand", |origin, now| match origin {
            Origin::Restored { from, source_is_dead, .. } => {
                let honours_from = Timestamp::from_second(now.as_second() + 1).ok();
                Origin::Restored { from, source_is_dead, grants_stand: true, honours_from }
            }
            Origin::Fresh => Origin::Fresh,
        })
        .await
    }

    /// Notes that the refresh token of an account may have been spent elsewhere. `false`: it has none that could be.
    async fn doubt(
        &self,
        space: &Space,
        mut stored: Stored<Account>,
        life: &Incarnation,
    ) -> Result<bool, StoreError> {
        loop {
            let Stored { document: mut account, version } = stored;
            if !may_be_spent_elsewhere(&account, life) {
                return Ok(false);
            }
            let Some(refresh) = account.refresh.as_ref().filter(|_| account.journal.is_none()) else {
                return Ok(true);
            };
            // From the first moment at which the original may have spent it: whatever a provider forgives is over.
            let since = account.last_refreshed.unwrap_or(account.logged_in_at);
            account.journal = Some(Journal {
                generation: account.generation,
                fingerprint: refresh.fingerprint.clone(),
                first_opened_at: since,
                opened_at: since,
                attempts: 1,
                cause: Some(Cause::new(
                    CauseKind::LostAnswer,
                    "the store this one was restored from may have used the refresh token",
                )),
            });
            let batch = Batch::new(space.clone(), self.commit_id());
            let batch = document::put(batch, &account, Expected::Version(version))?;
            if let Commit::Done(_) = self.ports.store.commit(batch).await?.value {
                return Ok(true);
            }
            let latest = document::get::<Account>(&*self.ports.store, space, &account.key()).await?.value;
            let Some(latest) = latest else { return Ok(false) };
            stored = latest;
        }
    }

    /// Changes what is recorded of the life of the store, by the store's clock.
    pub(super) async fn change_life(
        &self,
        event: &str,
        change: impl Fn(Origin, Timestamp) -> Origin,
    ) -> Result<(), StoreError> {
        change_life(self, &*self.ports.store, event, change).await
    }
}

/// Whether the original of a store that lives `life` may spend the refresh token of an account, or may have.
pub fn may_be_spent_elsewhere(account: &Account, life: &Incarnation) -> bool {
    account.incarnation != life.id
        && account.renewal() == Renewal::RefreshToken
        && matches!(account.standing, Standing::Active | Standing::Failing(_))
}

pub(super) async fn change_life(
    engine: &Engine,
    store: &dyn Store,
    event: &str,
    change: impl Fn(Origin, Timestamp) -> Origin,
) -> Result<(), StoreError> {
    loop {
        let found = document::get::<Incarnation>(store, &Space::System, Incarnation::CURRENT).await?;
        let lost = || StoreError::Damaged("it has lost its incarnation".to_owned());
        let Stored { document: life, version } = found.value.ok_or_else(lost)?;
        let changed = Incarnation { origin: change(life.origin.clone(), found.time), id: life.id.clone() };
        if changed == life {
            return Ok(());
        }
        let event = Event::new(engine.now(), event, life.id);
        let batch = Batch::new(Space::System, engine.commit_id()).event(event);
        let batch = document::put(batch, &changed, Expected::Version(version))?;
        if let Commit::Done(_) = store.commit(batch).await?.value {
            return Ok(());
        }
    }
}

const PAGE: usize = 500;
