//! Claude Code's `apiKeyHelper`: a bare token that lives as long as it is kept.

use std::time::Duration;

use super::World;
use crate::support::ended;

#[tokio::test(flavor = "multi_thread")]
async fn the_token_stands_alone_on_its_line() {
    let world = World::with(&["work"]).await;
    let printed = world.ask(&["api-key-helper", "work"], "").await;
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""), "{printed}");
    assert_eq!(printed.stdout, world.token("work").await + "\n");
    assert_eq!(world.provider.refreshes(), 0);
}

/// The caller goes on using it for the time it says, so a token that ends before is no use.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_before_it_is_dropped_is_renewed_first() {
    let world = World::with(&[]).await;
    world.provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_secs(6));
    assert_eq!(world.home.login(&world.provider, "work").await.code, 0);
    world.provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_hours(1));
    // The general rule would not renew before a third is left.
    while world.seconds_left("work").await > 3 {}
    let ask = async |kept: &str| {
        let mut command = world.home.command(&["credential", "api-key-helper", "work"]);
        ended(command.env("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", kept)).await.stdout
    };
    let first = ask("300000").await;
    assert_eq!(world.provider.refreshes(), 1);
    assert!(world.seconds_left("work").await > 300);
    assert_eq!(ask("1800000").await, first);
    let named = world.ask(&["api-key-helper", "work", "--min-valid", "30m"], "").await;
    assert_eq!((named.stdout, world.provider.refreshes()), (first, 1));
}
