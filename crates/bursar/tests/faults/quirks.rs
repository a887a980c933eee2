//! Answers that succeed, written in every way: the right end, the right refresh token, nothing lost.

use std::time::Duration;

use bursar_core::lifecycle::account::{Account, Standing};
use bursar_core::lifecycle::failure::CauseKind;
use bursar_core::provider::{ExpiryUnit, Provider, Reuse};
use jiff::SignedDuration;
use misbehaving_provider::{AnswerFormat, Behaviour, ExpiryStyle, Identity, KillsAccessToken, Rotation};

use super::world::{LIFE, World};

/// A provider, its description, and what the third token must be like.
struct Quirk {
    name: &'static str,
    behave: fn(&mut Behaviour),
    describe: fn(&mut Provider),
    /// Seconds the access token lives, as far as we know.
    lives: Option<i64>,
    /// Whether the refresh token changes.
    rotates: bool,
}

const HOUR: Option<i64> = Some(LIFE);

fn plain(_: &mut Provider) {}

fn expiry(name: &'static str, behave: fn(&mut Behaviour), describe: fn(&mut Provider)) -> Quirk {
    Quirk { name, behave, describe, lives: HOUR, rotates: true }
}

fn quirks() -> Vec<Quirk> {
    vec![
        expiry("seconds", |behaviour| behaviour.token.expiry = ExpiryStyle::Seconds, plain),
        expiry("seconds as text", |behaviour| behaviour.token.expiry = ExpiryStyle::SecondsAsString, plain),
        expiry(
            "milliseconds",
            |behaviour| behaviour.token.expiry = ExpiryStyle::Milliseconds,
            |provider| provider.token_response.expiry.unit = ExpiryUnit::Milliseconds,
        ),
        expiry(
            "minutes",
            |behaviour| behaviour.token.expiry = ExpiryStyle::Minutes,
            |provider| provider.token_response.expiry.unit = ExpiryUnit::Minutes,
        ),
        expiry(
            "a date",
            |behaviour| behaviour.token.expiry = ExpiryStyle::Iso8601,
            |provider| {
                provider.token_response.expiry.field = "expires_at".into();
                provider.token_response.expiry.unit = ExpiryUnit::Iso8601;
            },
        ),
        expiry(
            "seconds since 1970",
            |behaviour| behaviour.token.expiry = ExpiryStyle::EpochSeconds,
            |provider| {
                provider.token_response.expiry.field = "expires_at".into();
                provider.token_response.expiry.unit = ExpiryUnit::Epoch;
            },
        ),
        expiry(
            "only in the token itself",
            |behaviour| behaviour.token.expiry = ExpiryStyle::JwtExp,
            |provider| provider.token_response.expiry.unit = ExpiryUnit::JwtExp,
        ),
        Quirk {
            name: "never told",
            behave: |behaviour| behaviour.token.expiry = ExpiryStyle::None,
            describe: plain,
            lives: None,
            rotates: true,
        },
        Quirk {
            name: "never told, but declared",
            behave: |behaviour| behaviour.token.expiry = ExpiryStyle::None,
            describe: |provider| provider.token_response.expiry.default_seconds = Some(1800),
            lives: Some(1800),
            rotates: true,
        },
        expiry("a form", |behaviour| behaviour.token.format = AnswerFormat::Form, plain),
        expiry(
            "nested",
            |behaviour| behaviour.token.nested_under = Some("data.authed_user".into()),
            |provider| provider.token_response.roots = vec!["data.authed_user".into()],
        ),
        expiry("no scope", |behaviour| behaviour.token.omit_scope = true, plain),
        expiry("no token type", |behaviour| behaviour.token.omit_token_type = true, plain),
        expiry(
            "scopes with commas",
            |behaviour| behaviour.token.scope_separator = ",".into(),
            |provider| provider.token_response.scope_separator = ',',
        ),
        expiry("no identity token", |behaviour| behaviour.token.id_token = false, plain),
        Quirk {
            name: "the refresh token stays",
            behave: |behaviour| behaviour.token.rotation = Rotation::Never,
            describe: plain,
            lives: HOUR,
            rotates: false,
        },
        Quirk {
            name: "the refresh token stays and is left out",
            behave: |behaviour| behaviour.token.omit_refresh_token = true,
            describe: plain,
            lives: HOUR,
            rotates: false,
        },
        expiry(
            "a refresh ends the access token before it",
            |behaviour| behaviour.token.kills_access_token = KillsAccessToken::Immediately,
            plain,
        ),
        expiry(
            "errors in 200, successes as ever",
            |behaviour| behaviour.token.errors.in_200 = true,
            |provider| {
                provider.token_response.ok_path = Some("ok".into());
            },
        ),
        expiry(
            "members nobody knows",
            |behaviour| {
                behaviour.token.extra_members.insert("error_count".into(), 0.into());
                behaviour.token.extra_members.insert("error".into(), serde_json::Value::Null);
            },
            plain,
        ),
    ]
}

#[tokio::test]
async fn every_dialect_of_success_is_understood_and_the_refresh_token_in_use_is_the_right_one() {
    for quirk in quirks() {
        let name = quirk.name;
        let world = World::with(quirk.behave, quirk.describe).await;
        let first = world.login("work").await.account;
        for round in 1..=3 {
            world.at(round * 1000);
            let before = world.account("work").await;
            let account = world.refresh("work").await.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_renewed(&quirk, &before, &account);
            let token = world.token("work").await;
            assert!(world.provider.is_live(&token), "{name}, round {round}");
            assert_eq!(account.scope, first.scope, "{name}");
            assert_eq!(account.token_type, "Bearer", "{name}");
            assert_eq!(account.identity, first.identity, "{name}");
        }
        assert_eq!(world.provider.refresh_successes(), 3, "{name}");
        assert_eq!(world.provider.reuse_detected(), 0, "{name}");
    }
}

fn assert_renewed(quirk: &Quirk, before: &Account, account: &Account) {
    let name = quirk.name;
    let access = account.access.as_ref().unwrap();
    let lives = access.lifetime().map(|life| life.as_secs());
    // Moments are told in whole seconds, and the provider's clock runs while we look.
    let near = lives.zip(quirk.lives).is_none_or(|(lives, expected)| (lives - expected).abs() <= 3);
    assert!(near && lives.is_some() == quirk.lives.is_some(), "{name}: {lives:?}, not {:?}", quirk.lives);
    let fingerprint = |account: &Account| account.refresh.as_ref().map(|refresh| refresh.fingerprint.clone());
    assert_eq!(fingerprint(before) != fingerprint(account), quirk.rotates, "{name}");
    assert_eq!(account.standing, Standing::Active, "{name}");
    assert_eq!(account.journal, None, "{name}");
}

#[tokio::test]
async fn the_announced_end_of_the_refresh_token_is_kept() {
    let world = World::with(
        |behaviour| {
            behaviour.token.refresh_lifetime = Some(Duration::from_hours(24));
            behaviour.token.refresh_lifetime_member = "x_refresh_token_expires_in".into();
        },
        |_| {},
    )
    .await;
    world.login("work").await;
    world.at(LIFE);
    let account = world.refresh("work").await.unwrap();
    let end = account.refresh.unwrap().expires_at.unwrap();
    assert_eq!(end.duration_since(world.now()), SignedDuration::from_hours(24));
}

#[tokio::test]
async fn tokens_of_somebody_else_are_refused_and_the_old_ones_kept() {
    let world = World::new().await;
    world.login("work").await;
    let old = world.token("work").await;
    world.provider.change(|behaviour| {
        behaviour.token.refreshed_identity =
            Some(Identity { sub: "eve".into(), email: "eve@example.com".into(), name: "Eve".into() });
    });
    world.at(LIFE - 100);
    assert_eq!(world.token("work").await, old);
    let account = world.account("work").await;
    let Standing::NeedsLogin { cause, .. } = &account.standing else { panic!("{account:?}") };
    let message =
        "the provider answered with tokens of eve@example.com, this account is pinned to ada@example.com";
    assert_eq!((cause.kind, cause.detail.as_str()), (CauseKind::IdentityChanged, message));
    assert_eq!(account.identity.unwrap().label, "ada@example.com");
    world.at(LIFE + 1);
    let error = world.hand_out("work").await.unwrap_err();
    assert_eq!(error.to_string(), format!("faulty:work needs a login: {message}"));
}

#[tokio::test]
async fn a_provider_that_refuses_early_refreshes_is_not_asked_early() {
    let world = World::with(
        |behaviour| behaviour.token.earliest_refresh = Some(Duration::from_mins(1)),
        |provider| provider.refresh.earliest_before_expiry = Some(SignedDuration::from_mins(1)),
    )
    .await;
    world.login("work").await;
    let old = world.token("work").await;
    world.at(LIFE - 100);
    assert_eq!(world.token("work").await, old);
    assert_eq!(world.provider.refreshes(), 0);
    world.at(LIFE - 50);
    assert_ne!(world.token("work").await, old);
}

#[tokio::test]
async fn a_lost_answer_costs_nothing_where_a_spent_token_goes_on_working() {
    let policies = [
        (misbehaving_provider::ReusePolicy::Harmless, Reuse::Harmless),
        (misbehaving_provider::ReusePolicy::UntilSuccessorUsed, Reuse::UntilSuccessorUsed),
        (misbehaving_provider::ReusePolicy::Grace { seconds: 60 }, Reuse::Grace { seconds: 60 }),
    ];
    for (policy, declared) in policies {
        let world = World::with(
            |behaviour| behaviour.token.reuse = policy,
            |provider| provider.refresh.reuse = declared,
        )
        .await;
        world.login("work").await;
        let old = world.token("work").await;
        world.at(LIFE - 100);
        let lost = misbehaving_provider::Fault::RotatedButLost;
        world.provider.inject(misbehaving_provider::Endpoint::Token, lost, misbehaving_provider::Times::Once);
        assert_eq!(world.token("work").await, old, "{declared:?}");
        world.at(LIFE - 90);
        let new = world.token("work").await;
        assert!(new != old && world.provider.is_live(&new), "{declared:?}");
    }
}
