//! Work that many want at the same time: done by one after the other, and shared by everybody for whom it counts.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// Attempts at one piece of work.
#[derive(Debug)]
pub struct Together<E> {
    /// Held while somebody tries.
    last: Mutex<Last<E>>,
    /// How many attempts have ended.
    ended: AtomicU64,
}

/// The attempt that ended last: its number, from 1 on, and what came of it.
type Last<E> = Option<(u64, Result<(), E>)>;

impl<E> Default for Together<E> {
    fn default() -> Self {
        Self { last: Mutex::default(), ended: AtomicU64::new(0) }
    }
}

impl<E: Clone> Together<E> {
    /// Done by an attempt that began after this call, be it one's own or another's. An attempt that fails meanwhile has
    /// failed for everybody who waits: nobody stands in a line of people who each wait as long for the same failure.
    pub async fn run<Work>(&self, work: impl FnOnce() -> Work) -> Result<(), E>
    where
        Work: Future<Output = Result<(), E>>,
    {
        let ended = self.ended.load(Ordering::Acquire);
        let mut last = self.last.lock().await;
        if let Some((number, outcome)) = &*last {
            // The first that ended since may have begun before.
            let counts = if outcome.is_ok() { *number > ended + 1 } else { *number > ended };
            if counts {
                return outcome.clone();
            }
        }
        let outcome = work().await;
        *last = Some((self.ended.fetch_add(1, Ordering::AcqRel) + 1, outcome.clone()));
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::executor::block_on;
    use futures::future::{join, join_all};
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn what_succeeds_counts_for_those_who_came_before_it_began() {
        let together = Together::<()>::default();
        let done = Cell::new(0);
        let (start, has_started) = oneshot::channel();
        let work = async || {
            done.set(done.get() + 1);
            Ok(())
        };
        let first = together.run(async || {
            has_started.await.unwrap();
            work().await
        });
        let others = async {
            let others = join_all((0..50).map(|_| together.run(work)));
            start.send(()).unwrap();
            others.await
        };
        let (first, others) = block_on(join(first, others));
        assert!(first.is_ok() && others.iter().all(Result::is_ok));
        assert_eq!(done.get(), 2, "the first had begun when the others came");
        block_on(together.run(work)).unwrap();
        assert_eq!(done.get(), 3, "and who comes later wants it again");
    }

    #[test]
    fn what_fails_has_failed_for_everybody_who_waits() {
        let together = Together::<u32>::default();
        let tried = Cell::new(0);
        let work = async || {
            tried.set(tried.get() + 1);
            Err(tried.get())
        };
        let (start, has_started) = oneshot::channel();
        let first = together.run(async || {
            has_started.await.unwrap();
            work().await
        });
        let others = async {
            let others = join_all((0..50).map(|_| together.run(work)));
            start.send(()).unwrap();
            others.await
        };
        let (first, others) = block_on(join(first, others));
        assert_eq!((first, others), (Err(1), vec![Err(1); 50]));
        assert_eq!(block_on(together.run(work)), Err(2));
    }
}
