//! Clocks that differ by an hour, and answers whose `Date` is wrong by one.

use bursar_core::lifecycle::account::{Account, Standing};
use bursar_core::lifecycle::failure::CauseKind;
use bursar_core::provider::{AuthenticationRule, ExpiryUnit, Provider};
use bursar_core::secret::Secret;
use jiff::SignedDuration;
use misbehaving_provider::{Behaviour, ClientAuthentication, ExpiryStyle, RegisteredClient};
use serde_json::json;

use super::world::{LIFE, World};

const HOURS: [SignedDuration; 2] = [SignedDuration::from_hours(1), SignedDuration::from_hours(-1)];

/// How a provider writes, and how its description says so.
type Style = (fn(&mut Behaviour), fn(&mut Provider));

/// Ways to tell the end: as a lifetime, and as moments that only the provider's clock makes sense of.
fn styles() -> [Style; 4] {
    [
        (|behaviour| behaviour.token.expiry = ExpiryStyle::Seconds, |_| {}),
        (
            |behaviour| behaviour.token.expiry = ExpiryStyle::Iso8601,
            |provider| {
                provider.token_response.expiry.field = "expires_at".into();
                provider.token_response.expiry.unit = ExpiryUnit::Iso8601;
            },
        ),
        (
            |behaviour| behaviour.token.expiry = ExpiryStyle::EpochSeconds,
            |provider| {
                provider.token_response.expiry.field = "expires_at".into();
                provider.token_response.expiry.unit = ExpiryUnit::Epoch;
            },
        ),
        (
            |behaviour| behaviour.token.expiry = ExpiryStyle::JwtExp,
            |provider| provider.token_response.expiry.unit = ExpiryUnit::JwtExp,
        ),
    ]
}

#[tokio::test]
async fn a_clock_that_is_an_hour_off_changes_no_end() {
    for ahead in HOURS {
        for (number, (behave, describe)) in styles().into_iter().enumerate() {
            let world = World::ahead(ahead, behave, describe).await;
            assert_lives_an_hour(&world.login("work").await.account, ahead, number);
            world.at(LIFE - 100);
            assert_lives_an_hour(&world.refresh("work").await.unwrap(), ahead, number);
            assert!(world.provider.is_live(&world.token("work").await));
        }
    }
}

#[tokio::test]
async fn a_clock_that_goes_wrong_later_is_noticed_at_the_next_refresh() {
    for ahead in HOURS {
        for (number, (behave, describe)) in styles().into_iter().enumerate() {
            let mut world = World::with(behave, describe).await;
            world.login("work").await;
            world.put_ahead(ahead);
            assert_lives_an_hour(&world.refresh("work").await.unwrap(), ahead, number);
        }
    }
}

#[tokio::test]
async fn a_wrong_date_alone_changes_no_lifetime() {
    for seconds in [3600, -3600] {
        let world = World::with(|behaviour| behaviour.date_skew_seconds = seconds, |_| {}).await;
        let ahead = SignedDuration::from_secs(seconds);
        assert_lives_an_hour(&world.login("work").await.account, ahead, 0);
        world.at(LIFE - 100);
        assert_lives_an_hour(&world.refresh("work").await.unwrap(), ahead, 0);
    }
}

#[tokio::test]
async fn client_assertions_are_accepted_by_a_clock_that_is_an_hour_off() {
    for ahead in HOURS {
        let world = robot(ahead).await;
        world.login("work").await;
        world.at(LIFE - 100);
        let account = world.refresh("work").await.unwrap_or_else(|error| panic!("{ahead:#}: {error}"));
        assert_lives_an_hour(&account, ahead, 0);
    }
}

#[tokio::test]
async fn client_assertions_that_came_to_be_refused_by_the_clock_recover_by_themselves() {
    for ahead in HOURS {
        let mut world = robot(SignedDuration::ZERO).await;
        world.login("work").await;
        world.put_ahead(ahead);
        // The first refusal teaches the difference.
        let first = world.refresh("work").await;
        world.at(LIFE - 100);
        let token = world.token("work").await;
        assert!(world.provider.is_live(&token), "{ahead:#}: {first:?}");
        assert_eq!(world.provider.refresh_successes(), if first.is_ok() { 2 } else { 1 }, "{ahead:#}");
    }
}

#[tokio::test]
async fn client_assertions_are_accepted_although_the_date_of_answers_is_wrong() {
    for seconds in [3600, -3600] {
        let world = robot(SignedDuration::ZERO).await;
        world.provider.change(|behaviour| behaviour.date_skew_seconds = seconds);
        world.login("work").await;
        for round in 1..=3 {
            world.at(round * 1000);
            let account = world.refresh("work").await.unwrap_or_else(|error| panic!("{seconds}: {error}"));
            assert_lives_an_hour(&account, SignedDuration::from_secs(seconds), 0);
        }
    }
}

#[tokio::test]
async fn a_client_that_is_refused_for_another_reason_is_asked_for_twice_and_then_left_alone() {
    let world = robot(HOURS[0]).await;
    world.login("work").await;
    let old = world.token("work").await;
    world.provider.change(|behaviour| behaviour.clients.retain(|client| client.id != "robot"));
    world.at(LIFE - 100);
    let before = world.token_calls();
    for _ in 0..5 {
        assert_eq!(world.token("work").await, old);
    }
    assert_eq!(world.token_calls() - before, 2);
    let Standing::Failing(failing) = world.account("work").await.standing else { panic!("it fails") };
    assert_eq!(failing.cause.kind, CauseKind::ClientRefused);
}

/// A client that signs assertions.
async fn robot(ahead: SignedDuration) -> World {
    let behave = |behaviour: &mut Behaviour| {
        behaviour.client_authentication = ClientAuthentication::PrivateKeyJwt;
        behaviour.clients.push(RegisteredClient {
            key: Some(json!({ "kty": "OKP", "crv": "Ed25519", "x": PUBLIC })),
            ..RegisteredClient::public("robot")
        });
    };
    let describe = |provider: &mut Provider| {
        provider.client.authentication = AuthenticationRule::PrivateKeyJwt;
    };
    let mut world = World::ahead(ahead, behave, describe).await;
    "robot".clone_into(&mut world.plan.client_id);
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": PUBLIC, "d": PRIVATE });
    world.plan.client_secret = Some(Secret::new(key.to_string()));
    world
}

/// RFC 8037 Appendix A.1.
const PRIVATE: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

#[track_caller]
fn assert_lives_an_hour(account: &Account, ahead: SignedDuration, style: usize) {
    let lives = account.access.as_ref().unwrap().lifetime().unwrap().as_secs();
    assert!((lives - LIFE).abs() <= 3, "style {style}, {ahead:#} ahead: {lives} s");
}
