//! Accounts for the tests of this folder.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::account::{
    AccessFacts, Account, ClientFacts, Generation, Identity, LoginMethod, RefreshFacts, RefreshPolicy,
    Standing,
};
use super::reference::{AccountReference, Nickname};
use crate::oauth::client_authentication::Method;
use crate::oauth::scope::Scope;
use crate::provider::ProviderId;
use crate::secret::{Fingerprint, Sealed, Secret};

/// The moment the sample account logged in.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// So many seconds after [`start`].
pub(crate) fn at(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

/// The fingerprint of the sample's access token.
pub(crate) fn access_fingerprint() -> Fingerprint {
    Secret::new("access").fingerprint()
}

/// `google:work`: logged in at [`start`], access token for an hour, refresh token without end.
pub(crate) fn account() -> Account {
    Account {
        reference: AccountReference {
            provider: ProviderId::parse("google").unwrap(),
            nickname: Nickname::parse("work").unwrap(),
        },
        identity: Some(Identity { subject: "ada".into(), label: "ada@example.com".into() }),
        method: LoginMethod::Browser,
        client: ClientFacts { id: "client".into(), method: Method::None },
        assertion: None,
        variables: BTreeMap::new(),
        resource: Vec::new(),
        redirect_uri: None,
        scope: Scope::from_answer("openid email"),
        token_type: "Bearer".into(),
        logged_in_at: start(),
        last_refreshed: None,
        generation: Generation(1),
        access: Some(AccessFacts {
            fingerprint: access_fingerprint(),
            issued_at: start(),
            expires_at: Some(at(3600)),
        }),
        refresh: Some(RefreshFacts {
            fingerprint: Secret::new("refresh").fingerprint(),
            issued_at: start(),
            expires_at: None,
            proven: false,
        }),
        standing: Standing::Active,
        journal: None,
        paused: false,
        policy: RefreshPolicy::default(),
        clock_skew: SignedDuration::ZERO,
        incarnation: "first".into(),
        kept: serde_json::Map::new(),
        sealed: Sealed(String::new()),
    }
}
