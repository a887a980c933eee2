//! What a server does by itself from time to time.

use std::error::Error;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};

/// Something to be done again and again, each time to its end before the next.
///
/// The server's end may come in the middle of it: whatever it changes, it changes in commits that stand by themselves.
pub struct Chore {
    name: &'static str,
    every: Duration,
    work: Box<dyn Fn() -> BoxFuture<'static, Result<(), ChoreError>> + Send + Sync>,
}

/// Why a chore was not done; it is tried again at its next time.
type ChoreError = Box<dyn Error + Send + Sync>;

impl Chore {
    /// `work` under a name for the log, first at once and then `every` so often.
    pub fn new<F>(name: &'static str, every: Duration, work: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), ChoreError>> + Send + 'static,
    {
        Self { name, every, work: Box::new(move || Box::pin(work())) }
    }

    async fn once(&self) {
        match AssertUnwindSafe((self.work)()).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(chore = self.name, %error, cause, "housekeeping will be tried again");
            }
            Err(_panic) => tracing::error!(chore = self.name, "housekeeping has panicked"),
        }
    }
}

impl fmt::Debug for Chore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Chore")
            .field("name", &self.name)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

/// Does chores beside each other.
#[derive(Debug, Default)]
pub struct Housekeeper {
    chores: Vec<Chore>,
}

impl Housekeeper {
    /// With these chores.
    pub fn new(chores: Vec<Chore>) -> Self {
        Self { chores }
    }

    /// Does them for ever.
    pub async fn keep(&self, clock: &dyn Clock) {
        let each = self.chores.iter().map(|chore| async move {
            loop {
                chore.once().await;
                clock.sleep(chore.every).await;
            }
        });
        let _never: Vec<()> = join_all(each).await;
        // Without chores there is an end, and it is not the server's.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use bursar_core::memory::clock::ManualClock;
    use futures::future::select;
    use jiff::Timestamp;

    use super::*;

    #[tokio::test]
    async fn a_chore_that_fails_or_panics_is_done_again_and_keeps_nobody_else_from_theirs() {
        let counts: [Arc<AtomicU32>; 3] = [(); 3].map(|()| Arc::default());
        let [good, bad, worse] = counts.clone();
        let minute = Duration::from_mins(1);
        let housekeeper = Housekeeper::new(vec![
            Chore::new("worse", minute, move || {
                let worse = Arc::clone(&worse);
                async move {
                    worse.fetch_add(1, Ordering::SeqCst);
                    panic!("planned")
                }
            }),
            Chore::new("bad", minute, move || {
                bad.fetch_add(1, Ordering::SeqCst);
                async { Err("planned".into()) }
            }),
            Chore::new("good", minute, move || {
                good.fetch_add(1, Ordering::SeqCst);
                async { Ok(()) }
            }),
        ]);
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let moving = async {
            for _ in 0..3 {
                clock.sleepers_reach(3).await;
                clock.advance(minute);
            }
            clock.sleepers_reach(3).await;
        };
        select(std::pin::pin!(housekeeper.keep(&clock)), std::pin::pin!(moving)).await;
        assert_eq!(counts.map(|count| count.load(Ordering::SeqCst)), [4, 4, 4]);
    }
}
