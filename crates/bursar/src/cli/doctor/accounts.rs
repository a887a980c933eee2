//! Accounts that need somebody, with the command that helps.

use bursar_core::engine::accounts::Overview;
use bursar_core::lifecycle::account::{Account, Standing};
use bursar_core::lifecycle::shown::{ShownState, Warn, shown};
use jiff::Timestamp;

use super::finding::Finding;
use crate::failure::login_hint;

/// One finding for each account in trouble, or one for all if none is.
pub(super) fn check(overview: &Overview, chosen: &[&Account], warn: Warn, now: Timestamp) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        chosen.iter().filter_map(|account| trouble(account, shown(account, warn, now))).collect();
    for (provider, default) in &overview.defaults {
        if !overview.accounts.iter().any(|account| account.reference.key() == default.key()) {
            findings.push(Finding::warn(
                NAME,
                format!("{provider} alone means {default}, which is not there any more"),
                "choose another with `bursar use`",
            ));
        }
    }
    if findings.is_empty() {
        findings.push(match chosen {
            [] => Finding::ok(NAME, "no accounts yet; `bursar login` makes the first"),
            [account] => Finding::ok(NAME, format!("{} is in order", account.reference)),
            accounts => Finding::ok(NAME, format!("all {} accounts are in order", accounts.len())),
        });
    }
    findings
}

fn trouble(account: &Account, state: ShownState) -> Option<Finding> {
    let reference = &account.reference;
    let because = match &account.standing {
        Standing::NeedsLogin { cause, .. } => format!(": {cause}"),
        Standing::Failing(failing) => format!(": {}; next try from {:.0}", failing.cause, failing.next_try),
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
        ShownState::Valid | ShownState::Expiring | ShownState::Expired | ShownState::Paused => None,
    }
}

const NAME: &str = "accounts";
