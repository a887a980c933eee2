//! The two ends of a login: the access token's, and the grant's.

use jiff::Timestamp;

use super::account::{Account, Renewal};

/// When the login itself ends, so that only a person can go on: the earliest of what the provider said and what its
/// description says. `None`: no end known.
pub fn grant_expires_at(account: &Account) -> Option<Timestamp> {
    match account.renewal() {
        Renewal::ClientCredentials | Renewal::JwtBearer => None,
        Renewal::None => account.access.as_ref().and_then(|access| access.expires_at),
        Renewal::RefreshToken => {
            let refresh = account.refresh.as_ref()?;
            let last_used = account.last_refreshed.unwrap_or(account.logged_in_at);
            let absolute =
                account.policy.grant_absolute.and_then(|life| account.logged_in_at.checked_add(life).ok());
            let idle = account.policy.grant_idle.and_then(|life| last_used.checked_add(life).ok());
            [refresh.expires_at, absolute, idle].into_iter().flatten().min()
        }
    }
}

/// When the access token ends.
pub fn access_expires_at(account: &Account) -> Option<Timestamp> {
    account.access.as_ref().and_then(|access| access.expires_at)
}
