//! Everything that is shown of one account.

use bursar_core::engine::sandboxes::SandboxName;
use bursar_core::lifecycle::account::{Account, LoginMethod, Standing};
use bursar_core::lifecycle::calendar::rotate_at;
use bursar_core::lifecycle::deadlines::{access_expires_at, grant_expires_at};
use bursar_core::lifecycle::failure::CauseKind;
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::lifecycle::shown::{ShownState, Warn, shown};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::note;
use super::time_words::age_in_days;
use crate::http::wire::AccountDocument;

/// From where and when accounts are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Viewing<'a> {
    /// The time.
    pub(crate) now: Timestamp,
    /// What counts as soon.
    pub(crate) warn: Warn,
    /// The time zone of the reader: UTC for programs.
    pub(crate) zone: &'a TimeZone,
}

/// What is known about an account besides its own record.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// Its place among all accounts, from 1 on.
    pub(crate) number: usize,
    /// The provider's name for people.
    pub(crate) provider_name: String,
    /// When the account was last handed out.
    pub(crate) last_used: Option<Timestamp>,
    /// Whether the provider's bare name means it.
    pub(crate) default: bool,
    /// How many running uses there are.
    pub(crate) sessions: usize,
    /// The store is a copy, and its original may still refresh the account.
    pub(crate) is_unconfirmed_copy: bool,
    /// The sandbox it is in; `None`: it is the installation's own.
    pub(crate) sandbox: Option<SandboxName>,
}

/// One account as it is shown.
#[derive(Clone, Debug)]
pub(crate) struct AccountView {
    /// How people name it.
    pub(crate) reference: AccountReference,
    /// What is known besides its record.
    pub(crate) surroundings: Surroundings,
    /// Who it is at the provider.
    pub(crate) identity: Option<String>,
    /// The one word.
    pub(crate) state: ShownState,
    /// The end of the access token; `None`: no known end.
    pub(crate) expires_at: Option<Timestamp>,
    /// The end of the login itself; `None`: no known end.
    pub(crate) grant_expires_at: Option<Timestamp>,
    /// What is left of the access token, never negative.
    pub(crate) seconds_left: Option<i64>,
    /// When the tokens were last renewed.
    pub(crate) last_refreshed: Option<Timestamp>,
    /// When the login was made.
    pub(crate) created_at: Timestamp,
    /// Whole days since then.
    pub(crate) login_age_days: u64,
    /// From when on a reminder asks to make the login anew; `None`: never.
    pub(crate) rotate_after: Option<Timestamp>,
    /// What was granted, separated by spaces.
    pub(crate) scope: String,
    /// How the token is presented.
    pub(crate) token_type: String,
    /// How the login was made.
    pub(crate) method: LoginMethod,
    /// How often the tokens have changed.
    pub(crate) generation: u64,
    /// Whether it is withheld from callers.
    pub(crate) paused: bool,
    /// What will happen, or what to do.
    pub(crate) note: Option<String>,
    /// What went wrong last and still matters.
    pub(crate) last_error: Option<LastError>,
    /// No attempt to renew before this.
    pub(crate) next_try: Option<Timestamp>,
}

/// What went wrong with an account.
#[derive(Clone, Debug)]
pub(crate) struct LastError {
    /// The stable word.
    pub(crate) kind: CauseKind,
    /// The sentence.
    pub(crate) detail: String,
    /// When it began.
    pub(crate) at: Timestamp,
}

impl AccountView {
    /// Looks at `account`.
    pub(crate) fn of(account: &Account, surroundings: Surroundings, viewing: &Viewing<'_>) -> Self {
        let now = viewing.now;
        let state = match shown(account, viewing.warn, now) {
            over @ (ShownState::LoginRequired | ShownState::Revoked) => over,
            _ if surroundings.is_unconfirmed_copy => ShownState::Uncertain,
            state => state,
        };
        let left = account.access.as_ref().and_then(|access| access.remaining(now));
        let note = match state {
            ShownState::Uncertain if surroundings.is_unconfirmed_copy => {
                Some(note::UNCONFIRMED_COPY.to_owned())
            }
            _ => note::note(account, state, viewing),
        };
        Self {
            reference: account.reference.clone(),
            surroundings,
            identity: account.identity.as_ref().map(|identity| identity.label.clone()),
            state,
            expires_at: access_expires_at(account),
            grant_expires_at: grant_expires_at(account),
            seconds_left: left.map(|left| left.as_secs()),
            last_refreshed: account.last_refreshed,
            created_at: account.logged_in_at,
            login_age_days: age_in_days(account.logged_in_at, now),
            rotate_after: rotate_at(account),
            scope: account.scope.to_string(),
            token_type: account.token_type.clone(),
            method: account.method,
            generation: account.generation.0,
            paused: account.paused,
            note,
            last_error: last_error(account),
            next_try: note::next_try(account, now),
        }
    }

    /// The element of `--json`; its keys are documented and only ever added to.
    pub(crate) fn to_json(&self) -> Value {
        // Texts, numbers and nothing that could fail to be written.
        serde_json::to_value(AccountDocument::from(self)).unwrap_or_default()
    }
}

/// `time` for programs: UTC, whole seconds (RFC 3339).
pub(crate) fn rfc3339(time: Timestamp) -> String {
    format!("{time:.0}")
}

fn last_error(account: &Account) -> Option<LastError> {
    let (cause, at) = match &account.standing {
        Standing::Failing(failing) => (&failing.cause, failing.since),
        Standing::NeedsLogin { cause, at } => (cause, *at),
        Standing::Active | Standing::Revoked { .. } => {
            let open = account.journal.as_ref()?;
            (open.cause.as_ref()?, open.opened_at)
        }
    };
    Some(LastError { kind: cause.kind, detail: cause.detail.clone(), at })
}
