//! The note of an account: what will happen to it, or what a person has to do, in words.

use bursar_core::lifecycle::account::{Account, LoginMethod, Renewal, Standing};
use bursar_core::lifecycle::calendar::{Deadline, Occasion, rotate_at};
use bursar_core::lifecycle::deadlines::{access_expires_at, grant_expires_at};
use bursar_core::lifecycle::journal::{self, Journal, NextStep};
use bursar_core::lifecycle::shown::ShownState;
use jiff::Timestamp;

use super::Viewing;
use super::time_words::{age_in_days, appointment, relative, span};

/// What to tell about `account`, which shows as `state`; `None`: nothing to tell.
pub(super) fn note(account: &Account, state: ShownState, viewing: &Viewing<'_>) -> Option<String> {
    let now = viewing.now;
    let told = match state {
        ShownState::Valid => under_way(account, now),
        ShownState::Expired => under_way(account, now).or_else(|| Some("refreshed on next use".to_owned())),
        ShownState::Expiring => Some(ending(account, now)),
        ShownState::Failing => Some(failing(account, viewing)),
        ShownState::Uncertain => account.journal.as_ref().map(|open| uncertain(account, open, viewing)),
        ShownState::LoginRequired | ShownState::Revoked => {
            Some(format!("{}; run {}", why_login(account, now), login_command(account)))
        }
        ShownState::Paused => {
            Some(format!("kept fresh but not handed out; run `bursar resume {}`", account.reference))
        }
    };
    // Once is enough to ask for a login.
    let asked = told.as_ref().is_some_and(|told| told.contains(&login_command(account)));
    let reminder = if asked { None } else { old_login(account, now) };
    let told: Vec<String> = [told, reminder].into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// What keeps an account of a restored store from being renewed.
pub(super) const UNCONFIRMED_COPY: &str = "this store is a restored copy, and its original may still refresh the same \
                                           login; when that is gone, run `bursar restore --confirm`";

/// When the next attempt to renew is allowed, if attempts are being held back.
pub(super) fn next_try(account: &Account, now: Timestamp) -> Option<Timestamp> {
    let by_standing = match &account.standing {
        Standing::Failing(failing) => Some(failing.next_try),
        Standing::NeedsLogin { .. } | Standing::Revoked { .. } => return None,
        Standing::Active => None,
    };
    let by_journal = account.journal.as_ref().and_then(|open| after_lost_answer(account, open, now));
    by_standing.max(by_journal)
}

fn after_lost_answer(account: &Account, open: &Journal, now: Timestamp) -> Option<Timestamp> {
    if open.in_flight(now) {
        return None;
    }
    let alive_until = access_expires_at(account).filter(|end| *end > now);
    match journal::next_step(account, open, alive_until, now) {
        NextStep::SpendAgain => None,
        NextStep::NotBefore(time) => Some(time),
    }
}

fn under_way(account: &Account, now: Timestamp) -> Option<String> {
    account.journal.as_ref().filter(|open| open.in_flight(now)).map(|_| "being refreshed now".to_owned())
}

fn ending(account: &Account, now: Timestamp) -> String {
    let end = grant_expires_at(account).unwrap_or(now);
    let when = relative(end, now);
    if account.renewal() == Renewal::None {
        return format!("ends {when} and cannot be refreshed; run {}", login_command(account));
    }
    if extended_by_use(account, end) {
        return format!("login ends {when} unless it is used; run `bursar refresh {}`", account.reference);
    }
    format!("login ends {when}; it cannot be extended; run {}", login_command(account))
}

/// Whether `end` is only the end of an unused login.
fn extended_by_use(account: &Account, end: Timestamp) -> bool {
    let last_used = account.last_refreshed.unwrap_or(account.logged_in_at);
    account.policy.grant_idle.and_then(|life| last_used.checked_add(life).ok()) == Some(end)
}

fn failing(account: &Account, viewing: &Viewing<'_>) -> String {
    let cause = match &account.standing {
        Standing::Failing(failing) => failing.cause.detail.as_str(),
        _ => "refreshing fails",
    };
    format!("{cause}; {}{}", trying_again(account, viewing), still_serving(account, viewing.now))
}

fn uncertain(account: &Account, open: &Journal, viewing: &Viewing<'_>) -> String {
    let why = match &open.cause {
        Some(cause) => format!("the outcome of the last refresh is unknown ({cause})"),
        None => "the last refresh was cut off and its outcome is unknown".to_owned(),
    };
    format!("{why}; {}{}", trying_again(account, viewing), still_serving(account, viewing.now))
}

fn trying_again(account: &Account, viewing: &Viewing<'_>) -> String {
    match next_try(account, viewing.now) {
        Some(time) if time > viewing.now => {
            format!("tries again at {}", appointment(time, viewing.now, viewing.zone))
        }
        _ => "tries again on next use".to_owned(),
    }
}

fn still_serving(account: &Account, now: Timestamp) -> &'static str {
    let alive = account.access.as_ref().is_some_and(|access| access.is_alive(now));
    if alive { "; the current token still serves" } else { "" }
}

fn why_login(account: &Account, now: Timestamp) -> String {
    match &account.standing {
        Standing::NeedsLogin { cause, .. } => return cause.detail.clone(),
        Standing::Revoked { at } => return format!("revoked {}", relative(*at, now)),
        Standing::Active | Standing::Failing(_) => {}
    }
    match (account.renewal(), grant_expires_at(account)) {
        (Renewal::None, Some(end)) => format!("ended {} and cannot be refreshed", relative(end, now)),
        (_, Some(end)) => format!("the login ended {}", relative(end, now)),
        (_, None) => "there is no token and nothing to get one with".to_owned(),
    }
}

fn old_login(account: &Account, now: Timestamp) -> Option<String> {
    let limit = rotate_at(account)?;
    let days = age_in_days(account.logged_in_at, now);
    let after = span(limit.duration_since(account.logged_in_at));
    (now > limit).then(|| {
        format!("login is {days} days old (rotate_after {after}); renew it with {}", login_command(account))
    })
}

/// The command that makes the login again the way it was made.
pub(crate) fn login_command(account: &Account) -> String {
    let way = match account.method {
        LoginMethod::Browser => "",
        LoginMethod::Device => " --device",
        LoginMethod::Paste => " --paste",
        LoginMethod::ClientCredentials => " --grant client-credentials",
        LoginMethod::JwtBearer => " --grant jwt-bearer --key-file FILE",
        LoginMethod::ApiKey => " --api-key-file FILE",
    };
    let reference = &account.reference;
    format!("`bursar login {} --as {}{way}`", reference.provider, reference.nickname)
}

/// The command that moves a deadline.
pub(crate) fn deadline_command(deadline: &Deadline<'_>) -> String {
    match deadline.occasion {
        Occasion::LoginUnused => format!("`bursar refresh {}`", deadline.account.reference),
        _ => login_command(deadline.account),
    }
}
