//! The end of a login, whoever asks for it: gone here at once, and the truth about what became of it at the provider.

use bursar_core::engine::Engine;
use bursar_core::engine::logout::RevocationReport;
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::deadlines::{access_expires_at, grant_expires_at};
use jiff::Timestamp;

use crate::exit::Failure;

/// A login that is no more.
#[derive(Debug)]
pub(crate) struct LoggedOut {
    /// As it was.
    pub(crate) account: Account,
    /// What became of its tokens.
    pub(crate) report: RevocationReport,
    /// How many running uses lose it: that is what was asked for, but it must be told.
    pub(crate) sessions: usize,
}

impl LoggedOut {
    /// Ends the login of `account`.
    pub(crate) async fn of(engine: &Engine, account: Account) -> Result<Self, Failure> {
        let sessions = engine.sessions().await?;
        let sessions = sessions.iter().filter(|session| session.uses(&account.reference)).count();
        let report = engine.logout(&account.reference).await?;
        Ok(Self { account, report, sessions })
    }

    /// When the last token of the login ends even if nobody revokes it; `None`: no end known.
    pub(crate) fn ends_by_itself_at(&self) -> Option<Timestamp> {
        let account = &self.account;
        match (account.refresh.is_some(), grant_expires_at(account), access_expires_at(account)) {
            (true, grant, access) => grant.map(|grant| access.map_or(grant, |access| access.max(grant))),
            (false, _, access) => access,
        }
    }
}
