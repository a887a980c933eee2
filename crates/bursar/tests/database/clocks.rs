//! A database and a Redis beside it whose clocks are minutes apart.

use std::sync::Arc;

use super::world::{Installation, On};
use crate::servers::Servers;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_in_redis_lives_as_long_as_the_database_says() {
    for minutes in [-10, 10] {
        let servers = Arc::new(Servers::start());
        servers.move_clock_of_postgres(minutes);
        let variables = On::Mixed.variables(&servers);
        let installation = Installation::with(servers, variables).await;
        // It would have ended before anybody came with it.
        installation.log_in_with_pushed().await;
        let kept = installation.servers.ask_redis("KEYS bursar:*:r:*");
        assert!(kept.contains("spent"), "{minutes}: {kept}");
    }
}
