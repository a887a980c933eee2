//! Accounts for the tests of this folder: one in every state, seen at one moment.

use std::collections::BTreeMap;

use bursar_core::lifecycle::account::{
    AccessFacts, Account, ClientFacts, Failing, Generation, Identity, LoginMethod, RefreshFacts,
    RefreshPolicy, Standing,
};
use bursar_core::lifecycle::failure::{Cause, CauseKind};
use bursar_core::lifecycle::journal::Journal;
use bursar_core::lifecycle::reference::{AccountReference, Nickname};
use bursar_core::lifecycle::shown::{ShownState, Warn};
use bursar_core::oauth::client_authentication::Method;
use bursar_core::oauth::scope::Scope;
use bursar_core::provider::ProviderId;
use bursar_core::secret::Secret;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::account_view::{AccountView, Surroundings, Viewing};

/// Everything is seen at five past three in the afternoon.
pub(super) const VIEWING: Viewing<'static> = Viewing { now: NOW, warn: WARN, zone: &TimeZone::UTC };

const NOW: Timestamp = Timestamp::constant(1_795_273_500, 0);
const WARN: Warn = Warn { access: SignedDuration::from_hours(2), grant: SignedDuration::from_hours(3 * 24) };

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A healthy account whose token ends in 25 minutes.
pub(super) fn account(provider: &str, nickname: &str) -> Account {
    Account {
        reference: reference(provider, nickname),
        identity: Some(Identity { subject: "1".into(), label: format!("{nickname}@example.com") }),
        method: LoginMethod::Browser,
        client: ClientFacts { id: "bursar-cli".into(), method: Method::None },
        assertion: None,
        variables: BTreeMap::new(),
        resource: Vec::new(),
        redirect_uri: None,
        scope: Scope::parse("email openid").unwrap(),
        token_type: "Bearer".into(),
        logged_in_at: at("2026-11-01T08:00:00Z"),
        last_refreshed: Some(at("2026-11-21T14:25:00Z")),
        generation: Generation(7),
        access: Some(AccessFacts {
            fingerprint: Secret::new("access").fingerprint(),
            issued_at: at("2026-11-21T14:25:00Z"),
            expires_at: Some(at("2026-11-21T15:30:00Z")),
        }),
        refresh: Some(RefreshFacts {
            fingerprint: Secret::new("refresh").fingerprint(),
            issued_at: at("2026-11-21T14:25:00Z"),
            expires_at: None,
            proven: true,
        }),
        standing: Standing::Active,
        journal: None,
        paused: false,
        policy: RefreshPolicy::default(),
        clock_skew: SignedDuration::ZERO,
        incarnation: "first".into(),
        kept: serde_json::Map::new(),
        sealed: serde_json::from_str("\"AQ\"").unwrap(),
    }
}

pub(super) fn reference(provider: &str, nickname: &str) -> AccountReference {
    AccountReference {
        provider: ProviderId::parse(provider).unwrap(),
        nickname: Nickname::parse(nickname).unwrap(),
    }
}

/// `account` with an access token that ends then.
pub(super) fn ending(mut account: Account, end: &str) -> Account {
    let issued_at = at("2026-11-21T12:00:00Z");
    let access = account.access.as_mut().unwrap();
    (access.issued_at, access.expires_at) = (issued_at, Some(at(end)));
    account.last_refreshed = Some(issued_at);
    account
}

/// One account in each state.
pub(super) fn every_state() -> Vec<(ShownState, Account)> {
    let valid = account("google", "work");

    let mut expiring = account("google", "guest");
    expiring.policy.grant_absolute = Some(SignedDuration::from_hours(22 * 24));

    let expired = ending(account("github", "private"), "2026-11-21T14:00:00Z");

    let mut failing = account("github", "work");
    failing.standing = Standing::Failing(Failing {
        since: at("2026-11-21T15:00:00Z"),
        attempts: 2,
        next_try: at("2026-11-21T15:10:00Z"),
        cause: Cause::new(CauseKind::ServerError, "the provider answered HTTP 503: no JSON"),
    });

    let mut uncertain = ending(account("gitlab", "work"), "2026-11-21T15:08:00Z");
    uncertain.journal = Some(Journal {
        generation: Generation(7),
        fingerprint: Secret::new("refresh").fingerprint(),
        first_opened_at: at("2026-11-21T15:03:00Z"),
        opened_at: at("2026-11-21T15:03:00Z"),
        attempts: 1,
        cause: Some(Cause::new(CauseKind::TimedOut, "no answer within 30 s")),
    });

    let mut login_required = ending(account("slack", "team"), "2026-11-21T14:00:00Z");
    login_required.standing = Standing::NeedsLogin {
        cause: Cause::new(CauseKind::GrantRefused, "the provider answered invalid_grant: token was revoked"),
        at: at("2026-11-21T14:01:00Z"),
    };

    let mut revoked = account("slack", "old");
    revoked.standing = Standing::Revoked { at: at("2026-11-19T15:05:00Z") };

    let mut paused = account("zoom", "default");
    paused.identity = None;
    paused.paused = true;

    vec![
        (ShownState::Valid, valid),
        (ShownState::Expiring, expiring),
        (ShownState::Expired, expired),
        (ShownState::Failing, failing),
        (ShownState::Uncertain, uncertain),
        (ShownState::LoginRequired, login_required),
        (ShownState::Revoked, revoked),
        (ShownState::Paused, paused),
    ]
}

/// `account` as it is shown; `work` accounts are their provider's default and were used a minute ago.
pub(super) fn view(account: &Account) -> AccountView {
    let reference = &account.reference;
    let work = reference.nickname.as_str() == "work";
    let provider_name = match reference.provider.as_str() {
        "google" => "Google",
        "github" => "GitHub",
        "gitlab" => "GitLab Cloud",
        other => other,
    };
    let surroundings = Surroundings {
        number: 1,
        provider_name: provider_name.to_owned(),
        last_used: work.then(|| at("2026-11-21T15:04:00Z")),
        default: work,
        sessions: if work { 2 } else { 0 },
        is_unconfirmed_copy: false,
        sandbox: None,
    };
    AccountView::of(account, surroundings, &VIEWING)
}
