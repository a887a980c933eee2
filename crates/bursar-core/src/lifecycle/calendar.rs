//! What will need a person, and when: every deadline of every login in order of date.
//!
//! Access tokens that bursar renews by itself are no deadlines. What `status` warns about is [`super::shown`].

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::account::{Account, LoginMethod, Renewal, Standing};
use super::deadlines::access_expires_at;

/// One date of one login.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deadline<'a> {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub account: &'a Account,
    /// What happens then.
    pub occasion: Occasion,
}

/// What happens at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// The login has been over since then.
    LoginRequired,
    /// The access token ends, and nobody can renew it.
    TokenEnds,
    /// The login ends, however often it is used.
    LoginEnds,
    /// The login ends unless it is used before.
    LoginUnused,
    /// The login is old enough to be made anew.
    RotateAfter,
}

impl Occasion {
    /// The word in `--json` and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoginRequired => "login_required",
            Self::TokenEnds => "token_ends",
            Self::LoginEnds => "login_ends",
            Self::LoginUnused => "login_unused",
            Self::RotateAfter => "rotate_after",
        }
    }
}

/// The deadlines of these accounts, the earliest first; those that have passed stay until somebody acts.
pub fn calendar<'a>(accounts: impl IntoIterator<Item = &'a Account>) -> Vec<Deadline<'a>> {
    let mut all: Vec<Deadline<'a>> = accounts.into_iter().flat_map(deadlines).collect();
    all.sort_by_cached_key(|deadline| (deadline.at, deadline.account.reference.key(), deadline.occasion));
    all
}

/// From when on a reminder asks to make the login anew; `None`: never.
///
/// It asks people only: what a machine logs in with has no age that a new login would mend.
pub fn rotate_at(account: &Account) -> Option<Timestamp> {
    let by_person = matches!(
        account.method,
        LoginMethod::Browser | LoginMethod::Device | LoginMethod::Paste | LoginMethod::ApiKey
    );
    let limit = account.policy.rotate_after.unwrap_or(GENERAL_ROTATION);
    if !by_person || limit <= SignedDuration::ZERO {
        return None;
    }
    account.logged_in_at.checked_add(limit).ok()
}

fn deadlines(account: &Account) -> Vec<Deadline<'_>> {
    let on = |at, occasion| Deadline { at, account, occasion };
    match account.standing {
        Standing::NeedsLogin { at, .. } | Standing::Revoked { at } => {
            return vec![on(at, Occasion::LoginRequired)];
        }
        Standing::Active | Standing::Failing(_) => {}
    }
    let end = final_end(account);
    let unused = unused_end(account);
    let before_the_end = |at: &Timestamp| end.is_none_or(|(end, _)| *at < end);
    [
        end.map(|(at, occasion)| on(at, occasion)),
        unused.filter(before_the_end).map(|at| on(at, Occasion::LoginUnused)),
        rotate_at(account).filter(before_the_end).map(|at| on(at, Occasion::RotateAfter)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The end that no use moves.
fn final_end(account: &Account) -> Option<(Timestamp, Occasion)> {
    match account.renewal() {
        Renewal::None => access_expires_at(account).map(|end| (end, Occasion::TokenEnds)),
        Renewal::RefreshToken => {
            let announced = account.refresh.as_ref().and_then(|refresh| refresh.expires_at);
            let absolute =
                account.policy.grant_absolute.and_then(|life| account.logged_in_at.checked_add(life).ok());
            let end = [announced, absolute].into_iter().flatten().min();
            end.map(|end| (end, Occasion::LoginEnds))
        }
        _ => None,
    }
}

/// The end that every use moves.
fn unused_end(account: &Account) -> Option<Timestamp> {
    if account.renewal() != Renewal::RefreshToken {
        return None;
    }
    let last_used = account.last_refreshed.unwrap_or(account.logged_in_at);
    account.policy.grant_idle.and_then(|life| last_used.checked_add(life).ok())
}

/// Long enough not to nag, short enough that a forgotten login is found within a month.
const GENERAL_ROTATION: SignedDuration = SignedDuration::from_hours(30 * 24);

#[cfg(test)]
mod tests {
    use super::super::failure::{Cause, CauseKind};
    use super::super::sample::{account, at};
    use super::*;
    use crate::lifecycle::reference::Nickname;

    const DAY: i64 = 86_400;

    fn days(days: i64) -> SignedDuration {
        SignedDuration::from_secs(days * DAY)
    }

    /// Days since the login, and what happens.
    fn dates(accounts: &[Account]) -> Vec<(i64, &'static str)> {
        calendar(accounts)
            .iter()
            .map(|deadline| {
                let since = deadline.at.duration_since(at(0)).as_secs();
                assert_eq!(since % DAY, 0, "{deadline:?}");
                (since / DAY, deadline.occasion.as_str())
            })
            .collect()
    }

    #[test]
    fn a_login_without_an_end_is_only_reminded_of() {
        assert_eq!(dates(&[account()]), [(30, "rotate_after")]);
    }

    #[test]
    fn every_end_of_a_login_has_its_date_and_only_what_comes_before_it_matters() {
        let mut account = account();
        account.policy.grant_absolute = Some(days(60));
        account.policy.grant_idle = Some(days(7));
        assert_eq!(
            dates(std::slice::from_ref(&account)),
            [(7, "login_unused"), (30, "rotate_after"), (60, "login_ends")]
        );
        account.last_refreshed = Some(at(58 * DAY));
        assert_eq!(dates(std::slice::from_ref(&account)), [(30, "rotate_after"), (60, "login_ends")]);
        account.refresh.as_mut().unwrap().expires_at = Some(at(5 * DAY));
        assert_eq!(dates(&[account]), [(5, "login_ends")]);
    }

    #[test]
    fn a_key_ends_with_its_token_and_a_machine_never_asks_a_person() {
        let mut key = account();
        key.method = LoginMethod::ApiKey;
        key.refresh = None;
        key.access.as_mut().unwrap().expires_at = Some(at(90 * DAY));
        assert_eq!(dates(&[key]), [(30, "rotate_after"), (90, "token_ends")]);
        let mut machine = account();
        machine.method = LoginMethod::ClientCredentials;
        assert_eq!(dates(&[machine]), []);
    }

    #[test]
    fn a_login_that_is_over_has_been_due_since_then() {
        let mut lost = account();
        lost.policy.grant_absolute = Some(days(60));
        lost.standing =
            Standing::NeedsLogin { cause: Cause::new(CauseKind::GrantRefused, "refused"), at: at(DAY) };
        let mut revoked = account();
        revoked.standing = Standing::Revoked { at: at(2 * DAY) };
        assert_eq!(dates(&[revoked, lost]), [(1, "login_required"), (2, "login_required")]);
    }

    #[test]
    fn the_reminder_follows_the_provider_s_entry_and_can_be_switched_off() {
        let mut account = account();
        account.policy.rotate_after = Some(days(14));
        assert_eq!(rotate_at(&account), Some(at(14 * DAY)));
        account.policy.rotate_after = Some(SignedDuration::ZERO);
        assert_eq!(rotate_at(&account), None);
        account.policy.rotate_after = Some(SignedDuration::MAX);
        assert_eq!(rotate_at(&account), None, "farther than any calendar");
    }

    #[test]
    fn several_accounts_stand_in_order_of_date_and_then_of_name() {
        let [mut one, mut two, mut three] = [account(), account(), account()];
        for (account, nickname, limit) in [(&mut one, "b", 20), (&mut two, "a", 20), (&mut three, "c", 10)] {
            account.reference.nickname = Nickname::parse(nickname).unwrap();
            account.policy.rotate_after = Some(days(limit));
        }
        let all = [one, two, three];
        let names: Vec<&str> =
            calendar(&all).iter().map(|deadline| deadline.account.reference.nickname.as_str()).collect();
        assert_eq!(names, ["c", "a", "b"]);
    }
}
