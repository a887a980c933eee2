//! How much of everything there may be: asked before something is added.
//!
//! Counts what there is, and only as far as it matters: quotas are small where there are any.

use crate::engine::Engine;
use crate::engine::issuer::AuthorizationServer;
use crate::engine::issuer::records::client::Client;
use crate::engine::issuer::records::grant::Grant;
use crate::engine::issuer::records::user::User;
use crate::engine::issuer::refusal::Refusal;
use crate::engine::vault::VaultError;
use crate::lifecycle::account::Account;
use crate::oauth::error::ErrorCode;
use crate::ports::document::{self, Document};
use crate::ports::store::{Page, StoreError};

/// There may be no further one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {most} {what} already, and may be no more")]
pub struct QuotaReached {
    /// Of what, in the plural.
    pub what: &'static str,
    /// How many there may be.
    pub most: u64,
}

impl From<QuotaReached> for Refusal {
    fn from(reached: QuotaReached) -> Self {
        Self::new(ErrorCode::AccessDenied, "there is no room for more here").because(reached.to_string())
    }
}

impl AuthorizationServer {
    /// Whether there is room for one more client that stays. What nobody has agreed to yet has limits of its own.
    pub(in crate::engine::issuer) async fn room_for_client(
        &self,
    ) -> Result<Result<(), QuotaReached>, StoreError> {
        let most = self.rules().quotas.clients;
        self.engine()
            .room::<Client>("clients", most, |client| {
                client.removed_at.is_none() && client.forgotten_at.is_none()
            })
            .await
    }

    /// Whether there is room for one more user.
    pub(super) async fn room_for_user(&self) -> Result<Result<(), QuotaReached>, StoreError> {
        self.engine().room::<User>("users", self.rules().quotas.users, |_| true).await
    }

    /// Whether there is room for one more grant.
    pub(in crate::engine::issuer) async fn room_for_grant(
        &self,
    ) -> Result<Result<(), QuotaReached>, StoreError> {
        let most = self.rules().quotas.grants;
        self.engine().room::<Grant>("grants", most, |grant| !grant.consents.is_empty()).await
    }
}

impl Engine {
    /// Whether there is room for one more account in the sandbox.
    pub(in crate::engine) async fn room_for_account(&self) -> Result<Result<(), QuotaReached>, VaultError> {
        let sandbox = self.sandbox_now().await?;
        let most = sandbox.and_then(|sandbox| sandbox.settings.quotas.accounts);
        Ok(self.room::<Account>("accounts", most, |_| true).await?)
    }

    async fn room<T: Document>(
        &self,
        what: &'static str,
        most: Option<u64>,
        counts: impl Fn(&T) -> bool,
    ) -> Result<Result<(), QuotaReached>, StoreError> {
        let Some(most) = most else { return Ok(Ok(())) };
        let (mut found, mut page) = (0, Page::first(PAGE));
        loop {
            let records = self.ports.store.list(&self.space, T::KIND, page.clone()).await?.value;
            for record in &records {
                found += u64::from(counts(&document::decode::<T>(record)?.document));
            }
            if found >= most {
                return Ok(Err(QuotaReached { what, most }));
            }
            if records.len() < page.limit {
                return Ok(Ok(()));
            }
            page.after = records.last().map(|record| record.key.clone());
        }
    }
}

const PAGE: usize = 256;
