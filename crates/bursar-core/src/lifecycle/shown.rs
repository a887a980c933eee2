//! The state of an account as people and scripts see it: one word, one tag, one bucket, one exit code.

use jiff::{SignedDuration, Timestamp};

use super::account::{Account, Renewal, Standing};
use super::deadlines::{access_expires_at, grant_expires_at};

/// The one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShownState {
    /// Usable, and no end in sight.
    Valid,
    /// Ends soon, and only a person can help.
    Expiring,
    /// The access token is past its end; it is renewed on next use.
    Expired,
    /// Renewing fails for a transient reason.
    Failing,
    /// Nobody knows whether the refresh token has been taken.
    Uncertain,
    /// A person is needed.
    LoginRequired,
    /// Gone at the provider.
    Revoked,
    /// Kept fresh but not handed out.
    Paused,
}

/// Three words that older tools know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bucket {
    /// Nothing to do.
    Healthy,
    /// Look at it.
    ExpiringSoon,
    /// Not usable as it stands.
    Expired,
}

/// What counts as soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warn {
    /// Before the end of an access token nobody can renew.
    pub access: SignedDuration,
    /// Before the end of the grant.
    pub grant: SignedDuration,
}

impl Default for Warn {
    fn default() -> Self {
        Self { access: SignedDuration::from_hours(2), grant: SignedDuration::from_hours(3 * 24) }
    }
}

/// The state of one account now.
pub fn shown(account: &Account, warn: Warn, now: Timestamp) -> ShownState {
    match &account.standing {
        Standing::NeedsLogin { .. } => return ShownState::LoginRequired,
        Standing::Revoked { .. } => return ShownState::Revoked,
        Standing::Active | Standing::Failing(_) => {}
    }
    if account.journal.as_ref().is_some_and(|journal| !journal.in_flight(now)) {
        return ShownState::Uncertain;
    }
    if matches!(account.standing, Standing::Failing(_)) {
        return ShownState::Failing;
    }
    if account.paused {
        return ShownState::Paused;
    }
    let renewable = account.renewal() != Renewal::None;
    let access_over = access_expires_at(account).is_some_and(|end| end <= now);
    let within = |end: Option<Timestamp>, window: SignedDuration| {
        end.is_some_and(|end| end.duration_since(now) <= window)
    };
    let grant_end = grant_expires_at(account);
    if within(grant_end, SignedDuration::ZERO) && (access_over || !renewable) {
        return ShownState::LoginRequired;
    }
    let grant_soon = within(grant_end, if renewable { warn.grant } else { warn.access });
    match (access_over, renewable) {
        (true, true) => ShownState::Expired,
        (true, false) => ShownState::LoginRequired,
        (false, _) if grant_soon => ShownState::Expiring,
        (false, _) => ShownState::Valid,
    }
}

impl ShownState {
    /// The word in `--json` and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Failing => "failing",
            Self::Uncertain => "uncertain",
            Self::LoginRequired => "login_required",
            Self::Revoked => "revoked",
            Self::Paused => "paused",
        }
    }

    /// The tag before the line.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Valid | Self::Paused => "OK",
            Self::Expiring | Self::Expired | Self::Failing | Self::Uncertain => "WARN",
            Self::LoginRequired | Self::Revoked => "ERROR",
        }
    }

    /// Which line of the summary counts it.
    pub fn bucket(self) -> Bucket {
        match self {
            Self::Valid | Self::Paused => Bucket::Healthy,
            Self::Expiring | Self::Failing | Self::Uncertain => Bucket::ExpiringSoon,
            Self::Expired | Self::LoginRequired | Self::Revoked => Bucket::Expired,
        }
    }

    /// What `status` and `check` exit with if this is the only account.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Valid | Self::Paused => 0,
            Self::LoginRequired | Self::Revoked => 4,
            Self::Failing | Self::Uncertain => 5,
            Self::Expiring | Self::Expired => 9,
        }
    }
}

impl Bucket {
    /// `status` in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "valid",
            Self::ExpiringSoon => "expiring",
            Self::Expired => "expired",
        }
    }
}

/// The exit code of several accounts: that of the worst, in the order 4, 5, 9, 0.
pub fn worst_exit_code(states: impl IntoIterator<Item = ShownState>) -> u8 {
    let codes: Vec<u8> = states.into_iter().map(ShownState::exit_code).collect();
    [4, 5, 9].into_iter().find(|code| codes.contains(code)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::account::{Failing, LoginMethod};
    use super::super::failure::{Cause, CauseKind};
    use super::super::sample::{account, at};
    use super::super::transition::open_journal;
    use super::*;
    use crate::secret::Secret;

    fn state(account: &Account, now: i64) -> ShownState {
        shown(account, Warn::default(), at(now))
    }

    #[test]
    fn a_refreshable_account_is_valid_to_the_end_of_its_access_token() {
        assert_eq!(state(&account(), 0), ShownState::Valid);
        assert_eq!(state(&account(), 3599), ShownState::Valid);
        assert_eq!(state(&account(), 3600), ShownState::Expired);
    }

    #[test]
    fn an_end_that_only_a_person_can_move_is_warned_about() {
        let mut key = account();
        key.method = LoginMethod::ApiKey;
        key.refresh = None;
        key.access.as_mut().unwrap().expires_at = Some(at(10_000));
        assert_eq!(state(&key, 0), ShownState::Valid);
        assert_eq!(state(&key, 10_000 - 7200), ShownState::Expiring);
        assert_eq!(state(&key, 10_000), ShownState::LoginRequired);

        let mut grant = account();
        grant.refresh.as_mut().unwrap().expires_at = Some(at(4 * 86_400));
        assert_eq!(state(&grant, 0), ShownState::Valid);
        grant.access.as_mut().unwrap().expires_at = Some(at(2 * 86_400 + 3600));
        assert_eq!(state(&grant, 2 * 86_400), ShownState::Expiring);
        assert_eq!(state(&grant, 5 * 86_400), ShownState::LoginRequired);
    }

    #[test]
    fn trouble_outranks_deadlines() {
        let mut failing = account();
        let cause = Cause::new(CauseKind::Dns, "dns");
        failing.standing =
            Standing::Failing(Failing { since: at(0), attempts: 1, next_try: at(5), cause: cause.clone() });
        assert_eq!(state(&failing, 4000), ShownState::Failing);
        let mut lost = account();
        lost.standing = Standing::NeedsLogin { cause, at: at(0) };
        assert_eq!(state(&lost, 0), ShownState::LoginRequired);
        let open = open_journal(account(), Secret::new("refresh").fingerprint(), at(0));
        assert_eq!(state(&open, 10), ShownState::Valid, "a call under way is not yet uncertain");
        assert_eq!(state(&open, 100), ShownState::Uncertain);
    }

    #[test]
    fn the_worst_account_decides_the_exit_code() {
        use ShownState::{Expired, Failing, LoginRequired, Paused, Valid};
        assert_eq!(worst_exit_code([]), 0);
        assert_eq!(worst_exit_code([Valid, Paused]), 0);
        assert_eq!(worst_exit_code([Valid, Expired]), 9);
        assert_eq!(worst_exit_code([Expired, Failing]), 5);
        assert_eq!(worst_exit_code([Expired, Failing, LoginRequired]), 4);
    }
}
