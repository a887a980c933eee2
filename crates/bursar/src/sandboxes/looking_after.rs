//! What the servers of sandboxes do by themselves from time to time. Each is looked after by itself: what goes wrong in one is told
//! in the log, and the next one has its turn all the same.

use std::sync::Arc;

use bursar_core::engine::issuer::refusal::IssueError;
use bursar_core::engine::sandboxes::{Sandbox, Sandboxes, Walk};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{SandboxServer, SandboxServers};

impl SandboxServers {
    /// Ends sandboxes whose time is over, clears up after those that have ended, and tidies up in those that are used here.
    ///
    /// # Errors
    /// The store does not say which have ended; what was done stays done.
    pub async fn look_after(&self) -> Result<(), IssueError> {
        let cleared = Sandboxes::new(self.around().engine().clone()).clear_up().await;
        for (sandbox, server) in self.in_use().await {
            noted(&sandbox, server.server.tidy_up().await);
        }
        Ok(cleared.map(|_| ())?)
    }

    /// Tidies up in every sandbox and renews keys that have signed for long enough: those that nobody asks for too.
    ///
    /// # Errors
    /// The store does not say which there are; what was done stays done.
    pub async fn look_after_all(&self) -> Result<(), IssueError> {
        let mut walk = self.walk();
        while let Some(sandbox) = walk.next().await? {
            let Some(server) = self.of(&sandbox) else { continue };
            // What takes long comes last: a key of a sandbox is not used long after it was looked up.
            noted(&sandbox, server.rotate_keys().await);
            noted(&sandbox, server.tidy_up().await);
        }
        Ok(())
    }

    /// Tells clients of sessions that have ended in the sandboxes that are used here.
    pub async fn tell_of_logouts(&self) {
        let all = stream::iter(self.in_use().await);
        all.for_each_concurrent(AT_ONCE, |(sandbox, server)| async move {
            noted(&sandbox, server.server.tell_of_logouts().await);
        })
        .await;
    }

    /// The same in every sandbox.
    ///
    /// # Errors
    /// The store does not say which there are; what was told is told.
    pub async fn tell_of_logouts_in_all(&self) -> Result<(), IssueError> {
        let all = stream::try_unfold(self.walk(), |mut walk| async {
            Ok::<_, IssueError>(walk.next().await?.map(|sandbox| (sandbox, walk)))
        });
        all.try_for_each_concurrent(AT_ONCE, |sandbox| async move {
            if let Some(server) = self.of(&sandbox) {
                noted(&sandbox, server.tell_of_logouts().await);
            }
            Ok(())
        })
        .await
    }

    fn walk(&self) -> Walk {
        Sandboxes::new(self.around().engine().clone()).walk()
    }

    /// Those that are used here; those that are not what they were any more are let go.
    async fn in_use(&self) -> Vec<(Sandbox, Arc<SandboxServer>)> {
        let open: Vec<(Sandbox, Arc<SandboxServer>)> = {
            let servers = self.servers();
            servers.values().map(|open| (open.sandbox.clone(), Arc::clone(&open.server))).collect()
        };
        let mut in_use = Vec::new();
        for (sandbox, server) in open {
            match self.within.directory.named(sandbox.name.as_str()).await {
                Ok(Some(found)) if found.document == sandbox => in_use.push((sandbox, server)),
                Ok(_) => drop(self.servers().remove(&sandbox.space)),
                Err(error) => noted(&sandbox, Err::<(), _>(error.into())),
            }
        }
        in_use
    }
}

fn noted<T>(sandbox: &Sandbox, outcome: Result<T, IssueError>) {
    if let Err(error) = outcome {
        tracing::warn!(sandbox = sandbox.name.as_str(), %error, "a sandbox is looked after another time");
    }
}

/// More tenants than have clients that do not answer, each of which can take all of a round.
const AT_ONCE: usize = 32;
