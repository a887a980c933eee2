//! Ten minutes without a provider, with twenty accounts and a caller for each every second.

use std::collections::BTreeMap;

use bursar_core::engine::broker::HandOutError;
use bursar_core::lifecycle::account::Standing;
use bursar_core::lifecycle::failure::CauseKind;
use bursar_core::provider::Reuse;
use jiff::SignedDuration;
use misbehaving_provider::{Behaviour, ErrorBody, Fault, RetryAfter, ReusePolicy};

use super::world::{LIFE, World};

const ACCOUNTS: usize = 20;
const OUTAGE: i64 = 600;
/// Five minutes before the tokens end, so that half of the outage is with tokens that serve and half without.
const BEGIN: i64 = LIFE - OUTAGE / 2;
/// Seven or eight are what the pauses make of ten minutes; ten are promised.
const MOST_CALLS: usize = 10;
/// No pause is longer.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

fn outage(behaviour: &mut Behaviour) {
    let overloaded = Fault::Status { code: 503, retry_after: RetryAfter::None, body: ErrorBody::Empty };
    behaviour.faults.insert(misbehaving_provider::Endpoint::Token, overloaded);
}

#[tokio::test]
async fn ten_minutes_of_outage_cost_few_calls_where_nothing_is_known_about_reuse() {
    live_through_an_outage(World::new().await).await;
}

#[tokio::test]
async fn ten_minutes_of_outage_cost_few_calls_where_reuse_is_harmless() {
    let world = World::with(
        |behaviour| behaviour.token.reuse = ReusePolicy::Harmless,
        |provider| provider.refresh.reuse = Reuse::Harmless,
    )
    .await;
    live_through_an_outage(world).await;
}

async fn live_through_an_outage(world: World) {
    let nicknames: Vec<String> = (1..=ACCOUNTS).map(|number| format!("account-{number}")).collect();
    let mut old = BTreeMap::new();
    for nickname in &nicknames {
        world.login(nickname).await;
        old.insert(nickname.as_str(), world.token(nickname).await);
    }
    world.at(BEGIN);
    world.provider.change(outage);
    let before = world.token_calls();

    for second in 0..OUTAGE {
        world.at(BEGIN + second);
        let ended = BEGIN + second >= LIFE;
        for nickname in &nicknames {
            match world.hand_out(nickname).await {
                Ok(handed) => {
                    assert!(!ended && handed.token.expose() == old[nickname.as_str()], "second {second}");
                }
                Err(HandOutError::TryLater { cause, until, .. }) => {
                    assert!(ended, "an unexpired token was not handed out in second {second}");
                    assert_eq!(cause.kind, CauseKind::ServerError);
                    assert!(
                        until > world.now() && until <= world.now() + LONGEST_PAUSE,
                        "second {second}: {until}"
                    );
                }
                Err(other) => panic!("second {second}: {other}"),
            }
        }
    }
    let calls = world.token_calls() - before;
    assert!((ACCOUNTS..=ACCOUNTS * MOST_CALLS).contains(&calls), "{calls} calls for {ACCOUNTS} accounts");
    for nickname in &nicknames {
        let Standing::Failing(failing) = world.account(nickname).await.standing else { panic!("{nickname}") };
        assert!(usize::try_from(failing.attempts).unwrap() <= MOST_CALLS, "{nickname}: {failing:?}");
    }
    everybody_recovers(&world, &nicknames).await;
}

async fn everybody_recovers(world: &World, nicknames: &[String]) {
    world.provider.change(|behaviour| behaviour.faults.clear());
    let end = world.now();
    let before = world.token_calls();
    let mut next = Vec::new();
    for nickname in nicknames {
        let Standing::Failing(failing) = world.account(nickname).await.standing else { panic!("{nickname}") };
        assert!(failing.next_try <= end + LONGEST_PAUSE, "{nickname}: {failing:?}");
        next.push((failing.next_try, nickname));
    }
    next.sort();
    for (moment, nickname) in next {
        world.forward_to(moment.max(world.now()));
        let token = world.token(nickname).await;
        assert!(world.provider.is_live(&token), "{nickname}");
        assert_eq!(world.account(nickname).await.standing, Standing::Active);
    }
    assert_eq!(world.token_calls() - before, nicknames.len());
    assert_eq!(world.provider.reuse_detected(), 0);
}
