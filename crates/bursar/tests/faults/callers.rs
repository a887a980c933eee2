//! Many callers of one process, and callers that go away.

use std::time::Duration;

use bursar_core::engine::broker::HandOutError;
use futures::future::{Either, join_all, select};
use misbehaving_provider::{Endpoint, When};

use super::world::{LIFE, World, reference};

#[tokio::test]
async fn callers_of_one_process_share_one_refresh() {
    let world = World::new().await;
    world.login("work").await;
    let old = world.token("work").await;
    world.at(LIFE + 1);
    let tokens = join_all((0..16).map(|_| world.token("work"))).await;
    assert!(tokens.iter().all(|token| token == &tokens[0] && token != &old));
    assert!(world.provider.is_live(&tokens[0]));
    assert_eq!((world.provider.refreshes(), world.provider.reuse_detected()), (1, 0));
}

#[tokio::test]
async fn while_one_refreshes_early_the_others_go_on_with_the_old_token() {
    let world = World::new().await;
    world.login("work").await;
    let old = world.token("work").await;
    // Renewing begins four to five minutes before the end, waiting for it at half of that.
    world.at(LIFE - 200);
    let hold = world.provider.hold(Endpoint::Token, When::AfterProcessing);
    let others = async {
        hold.arrived().await;
        let tokens = join_all((0..8).map(|_| world.token("work"))).await;
        hold.release();
        tokens
    };
    let (new, others) = futures::join!(world.token("work"), others);
    assert!(others.iter().all(|token| token == &old));
    assert!(new != old && world.provider.is_live(&new));
    assert_eq!(world.provider.refreshes(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_in_the_middle_of_the_call_loses_no_token() {
    let world = World::new().await;
    world.login("work").await;
    let old = world.token("work").await;
    world.at(LIFE + 1);
    let hold = world.provider.hold(Endpoint::Token, When::AfterProcessing);
    {
        let caller = std::pin::pin!(world.hand_out("work"));
        let arrived = std::pin::pin!(hold.arrived());
        let Either::Right(((), _dropped)) = select(caller, arrived).await else {
            panic!("nothing can be handed out before the answer")
        };
    }
    assert_eq!(world.provider.refresh_successes(), 1);
    hold.release();
    assert!(world.tasks.drained(Duration::from_secs(30)).await);
    assert_eq!(world.account("work").await.generation.0, 2);
    let new = world.token("work").await;
    assert!(new != old && world.provider.is_live(&new));
    assert_eq!((world.provider.refreshes(), world.provider.reuse_detected()), (1, 0));
}

#[tokio::test]
async fn a_caller_without_patience_gets_what_there_is_and_starts_nothing() {
    let world = World::new().await;
    world.login("work").await;
    let old = world.token("work").await;
    let at_once = || async {
        let ask = bursar_core::lifecycle::refresh::Ask::default();
        world.engine.hand_out(&reference("work"), &ask, Duration::ZERO).await
    };
    world.at(LIFE - 100);
    assert_eq!(at_once().await.unwrap().token.expose(), old);
    world.at(LIFE + 1);
    assert!(matches!(at_once().await, Err(HandOutError::Busy { .. })));
    assert_eq!(world.provider.refreshes(), 0);
}
