//! Accounts that need somebody, with the command that helps.

use bursar_core::lifecycle::account::{Account, Renewal, Standing};
use bursar_core::lifecycle::deadlines::grant_expires_at;
use bursar_core::lifecycle::shown::{ShownState, Warn, shown};
use jiff::Timestamp;

use super::finding::Finding;
use crate::failure::login_hint;

/// One finding for each account in trouble, or one for all if none is. Which account is meant by what is for
/// [`super::selection`].
pub(super) fn check(chosen: &[&Account], warn: Warn, now: Timestamp) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        chosen.iter().filter_map(|account| trouble(account, shown(account, warn, now), now)).collect();
    if findings.is_empty() {
        findings.push(match chosen {
            [] => Finding::ok(NAME, "no accounts yet; `bursar login` makes the first"),
            [account] => Finding::ok(NAME, format!("{} is in order", account.reference)),
            accounts => Finding::ok(NAME, format!("all {} accounts are in order", accounts.len())),
        });
    }
    findings
}

fn trouble(account: &Account, state: ShownState, now: Timestamp) -> Option<Finding> {
    let reference = &account.reference;
    let because = match &account.standing {
        Standing::NeedsLogin { cause, .. } => format!(": {cause}"),
        Standing::Failing(failing) => format!(": {}; next try from {:.0}", failing.cause, failing.next_try),
        // Nothing failed, so it is the time.
        Standing::Active if state == ShownState::LoginRequired => ended(account, now),
        Standing::Active | Standing::Revoked { .. } => String::new(),
    };
    match state {
        ShownState::LoginRequired => Some(Finding::fail(
            NAME,
            format!("{reference} needs a new login{because}"),
            login_hint(reference),
        )),
        ShownState::Revoked => Some(Finding::fail(
            NAME,
            format!("{reference} was revoked at its provider"),
            login_hint(reference),
        )),
        ShownState::Failing => Some(Finding::warn(
            NAME,
            format!("{reference} cannot be refreshed at the moment{because}"),
            format!("it is tried again by itself; try now with `bursar refresh {reference}`"),
        )),
        ShownState::Uncertain => Some(Finding::warn(
            NAME,
            format!("the last refresh of {reference} got no answer, so its refresh token may be spent"),
            format!("it is tried again by itself; try now with `bursar refresh {reference}`"),
        )),
        ShownState::Expiring => Some(Finding::warn(
            NAME,
            match grant_expires_at(account) {
                Some(end) => {
                    format!("the login {reference} ends at {end:.0}, and only a person can renew it")
                }
                None => format!("the login {reference} ends soon, and only a person can renew it"),
            },
            login_hint(reference),
        )),
        ShownState::Valid | ShownState::Expired | ShownState::Paused => None,
    }
}

/// What has come to its end: the whole login, or an access token that nobody can renew.
fn ended(account: &Account, now: Timestamp) -> String {
    let what = if account.renewal() == Renewal::None { "its token" } else { "its grant" };
    match grant_expires_at(account).filter(|end| *end <= now) {
        Some(end) => format!(": {what} expired at {end:.0}"),
        None => format!(": {what} expired"),
    }
}

const NAME: &str = "accounts";
