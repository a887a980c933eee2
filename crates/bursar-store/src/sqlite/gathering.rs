//! Where jobs gather for the next group: a channel that wakes its reader once a group, not once a job.
//!
//! Waking a thread costs about as much as a small write, and a writer that looks at each job as it comes has nothing to
//! gain from it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Brings jobs.
pub(super) struct Bringer<T>(Arc<Place<T>>);

/// Takes them in groups.
pub(super) struct Taker<T>(Arc<Place<T>>);

struct Place<T> {
    gathered: Mutex<Gathered<T>>,
    enough: Condvar,
}

struct Gathered<T> {
    jobs: VecDeque<T>,
    /// For so many the taker is to be woken.
    wanted: usize,
    /// One side is gone.
    is_closed: bool,
}

/// Both ends of a new place.
pub(super) fn gathering<T>() -> (Bringer<T>, Taker<T>) {
    let gathered = Gathered { jobs: VecDeque::new(), wanted: 1, is_closed: false };
    let place = Arc::new(Place { gathered: Mutex::new(gathered), enough: Condvar::new() });
    (Bringer(Arc::clone(&place)), Taker(place))
}

impl<T> Bringer<T> {
    /// Adds a job. `false`: nobody takes it any more.
    pub(super) fn bring(&self, job: T) -> bool {
        let mut gathered = self.0.lock();
        if gathered.is_closed {
            return false;
        }
        gathered.jobs.push_back(job);
        let is_enough = gathered.jobs.len() == gathered.wanted;
        // Before anybody is woken who would wait for it.
        drop(gathered);
        if is_enough {
            self.0.enough.notify_one();
        }
        true
    }
}

impl<T> Drop for Bringer<T> {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.enough.notify_one();
    }
}

impl<T> Taker<T> {
    /// Waits for a job, and then for `usual` of them as long as more come within each `moment`; takes `most` at most.
    /// `None`: nobody brings any more, and all have been taken.
    pub(super) fn take(&self, usual: usize, moment: Duration, most: usize) -> Option<Vec<T>> {
        let mut gathered = self.0.lock();
        gathered.wanted = 1;
        while gathered.jobs.is_empty() {
            if gathered.is_closed {
                return None;
            }
            gathered = self.0.enough.wait(gathered).unwrap_or_else(PoisonError::into_inner);
        }
        gathered.wanted = usual;
        let mut seen = 0;
        while gathered.jobs.len() < usual && gathered.jobs.len() > seen && !gathered.is_closed {
            seen = gathered.jobs.len();
            let waited = self.0.enough.wait_timeout(gathered, moment);
            gathered = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let group = gathered.jobs.len().min(most);
        Some(gathered.jobs.drain(..group).collect())
    }

    /// How many jobs have gathered.
    pub(super) fn waiting(&self) -> usize {
        self.0.lock().jobs.len()
    }
}

impl<T> fmt::Debug for Bringer<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Bringer")
    }
}

impl<T> Drop for Taker<T> {
    /// Jobs nobody will do are dropped, so that whoever waits for them hears of it.
    fn drop(&mut self) {
        let mut gathered = self.0.lock();
        gathered.is_closed = true;
        let left = std::mem::take(&mut gathered.jobs);
        drop(gathered);
        drop(left);
    }
}

impl<T> Place<T> {
    fn lock(&self) -> MutexGuard<'_, Gathered<T>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    #[test]
    fn what_has_gathered_is_taken_together_in_its_order_and_not_all_at_once() {
        let (bringer, taker) = gathering();
        assert!((0..5).all(|job| bringer.bring(job)));
        assert_eq!(taker.take(1, MOMENT, 3), Some(vec![0, 1, 2]));
        assert_eq!(taker.take(100, MOMENT, 3), Some(vec![3, 4]), "nobody waits long for who does not come");
        assert!(bringer.bring(5));
        drop(bringer);
        assert_eq!(taker.take(100, Duration::from_hours(1), 3), Some(vec![5]));
        assert_eq!(taker.take(1, MOMENT, 3), None);
    }

    #[test]
    fn who_brings_as_many_as_are_usual_is_not_kept_waiting() {
        let (bringer, taker) = gathering();
        let taking = thread::spawn(move || taker.take(4, Duration::from_hours(1), 9));
        for job in 0..4 {
            assert!(bringer.bring(job));
        }
        assert_eq!(taking.join().unwrap(), Some(vec![0, 1, 2, 3]));
    }

    #[test]
    fn a_taker_that_is_gone_takes_its_jobs_with_it() {
        let (bringer, taker) = gathering();
        let job = Arc::new(());
        assert!(bringer.bring(Arc::clone(&job)));
        drop(taker);
        assert_eq!(Arc::strong_count(&job), 1);
        assert!(!bringer.bring(job));
    }
}
