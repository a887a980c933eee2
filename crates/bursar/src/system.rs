//! The real clock, randomness and tasks.
//!
//! The only file that touches ambient time, ambient randomness and `tokio::spawn`; everybody else is given the ports,
//! so that tests can move time and seed chance.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::random::Random;
use bursar_core::ports::tasks::Tasks;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this file owns the real clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[cfg(target_os = "linux")]
    fn stopwatch(&self) -> Duration {
        // CLOCK_BOOTTIME goes on while the machine is suspended; CLOCK_MONOTONIC does not, and a lease would seem
        // to be good for hours longer than it is.
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::disallowed_methods, reason = "this file owns the real clock")]
    fn stopwatch(&self) -> Duration {
        static START: std::sync::LazyLock<std::time::Instant> =
            std::sync::LazyLock::new(std::time::Instant::now);
        START.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let clock = *self;
        async move {
            let end = clock.stopwatch().saturating_add(duration);
            loop {
                let left = end.saturating_sub(clock.stopwatch());
                if left.is_zero() {
                    return;
                }
                doze(left.min(SLICE)).await;
            }
        }
        .boxed()
    }
}

/// The runtime's timer stands still during a suspend. Looking at the stopwatch this often means that a sleeper is at
/// most so late after the machine wakes up, at the cost of two wake-ups a minute.
const SLICE: Duration = Duration::from_secs(30);

#[expect(clippy::disallowed_methods, reason = "this file owns the real sleep")]
async fn doze(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// Asks the system itself: the cryptographic library first measures the processor's jitter for some 30 ms, which is
    /// several times what a whole hand-out takes.
    #[expect(clippy::disallowed_methods, reason = "this is the port")]
    #[expect(clippy::expect_used, reason = "going on with predictable secrets would be worse than ending")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has randomness");
    }
}

/// Runs tasks on the current tokio runtime and knows how many have not ended.
#[derive(Clone, Debug)]
pub struct TokioTasks {
    running: Arc<watch::Sender<usize>>,
}

impl TokioTasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self { running: Arc::new(watch::Sender::new(0)) }
    }

    /// How many tasks have not ended.
    pub fn running(&self) -> usize {
        *self.running.borrow()
    }

    /// Completes when somebody asks the process to end: Ctrl-C, or SIGTERM from a service manager.
    ///
    /// Each call waits for the next such signal; the first call takes over from the default of ending at once.
    pub fn interrupted(&self) -> impl Future<Output = ()> + Send + 'static {
        interrupted()
    }

    /// Waits until no task is left, but at most `limit`; whether all have ended.
    ///
    /// `main` calls this before the process ends, so that a refresh whose caller is gone still writes down its answer.
    pub fn drained(&self, limit: Duration) -> impl Future<Output = bool> + Send + 'static {
        let mut running = self.running.subscribe();
        async move {
            let ended = async {
                // The sender lives as long as `running` of this struct or of a task; none left means all ended.
                let _ = running.wait_for(|running| *running == 0).await;
            };
            futures::pin_mut!(ended);
            match futures::future::select(ended, SystemClock.sleep(limit)).await {
                futures::future::Either::Left(_) => true,
                futures::future::Either::Right(_) => false,
            }
        }
    }
}

#[cfg(unix)]
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};

    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals keep their default: the process ends, and nobody needs to be told.
        return std::future::pending().await;
    };
    let (interrupt, terminate) = (std::pin::pin!(interrupt.recv()), std::pin::pin!(terminate.recv()));
    futures::future::select(interrupt, terminate).await;
}

#[cfg(not(unix))]
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

impl Default for TokioTasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Tasks for TokioTasks {
    /// # Panics
    /// Outside a tokio runtime.
    #[expect(clippy::disallowed_methods, reason = "this file owns spawning")]
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let running = Running::start(Arc::clone(&self.running));
        tokio::spawn(async move {
            task.await;
            drop(running);
        });
    }
}

/// Counts a task until it ends, by panic or with its runtime too.
#[derive(Debug)]
struct Running(Arc<watch::Sender<usize>>);

impl Running {
    fn start(counter: Arc<watch::Sender<usize>>) -> Self {
        counter.send_modify(|running| *running += 1);
        Self(counter)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn sleep_lasts_as_long_as_the_stopwatch_says() {
        let before = SystemClock.stopwatch();
        SystemClock.sleep(Duration::from_millis(20)).await;
        assert!(SystemClock.stopwatch() >= before + Duration::from_millis(20));
    }

    #[tokio::test]
    async fn drained_waits_for_a_detached_task() {
        let tasks = TokioTasks::new();
        let (release, released) = oneshot::channel::<()>();
        tasks.spawn(Box::pin(async move {
            let _ = released.await;
        }));
        assert_eq!(tasks.running(), 1);
        assert!(!tasks.drained(Duration::from_millis(10)).await);
        release.send(()).unwrap();
        assert!(tasks.drained(Duration::from_secs(10)).await);
        assert_eq!(tasks.running(), 0);
    }

    #[tokio::test]
    async fn a_task_that_panics_is_no_longer_counted() {
        let tasks = TokioTasks::new();
        tasks.spawn(Box::pin(async { panic!("planned") }));
        assert!(tasks.drained(Duration::from_secs(10)).await);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn every_signal_to_end_is_told_once_and_none_ends_the_process() {
        use rustix::process::{Signal, getpid, kill_process};
        let tasks = TokioTasks::new();
        for signal in [Signal::TERM, Signal::INT] {
            let told = async { kill_process(getpid(), signal).unwrap() };
            // The first future is polled first, so the handler is there before the signal.
            futures::join!(tasks.interrupted(), told);
        }
        assert!(tasks.interrupted().now_or_never().is_none());
    }

    #[test]
    fn random_bytes_differ() {
        let (mut one, mut two) = ([0_u8; 32], [0_u8; 32]);
        SystemRandom.fill(&mut one);
        SystemRandom.fill(&mut two);
        assert_ne!(one, two);
    }
}
