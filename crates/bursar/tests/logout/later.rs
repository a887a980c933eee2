//! The program an hour from now, in this process.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bursar::config::environment::Environment;
use bursar::system::SystemClock;
use bursar::wiring::Seams;
use bursar_core::ports::clock::Clock;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::support::Home;

/// Runs `bursar cleanup` as if an hour had passed; whether it ended well.
pub(super) async fn cleans_up(home: &Home) -> bool {
    let (folder, key) = (home.path(), home.key_file());
    // The program brings its own runtime, which must not be inside this one.
    let run = tokio::task::spawn_blocking(move || {
        let environment = Environment::from_pairs([
            ("BURSAR_HOME", folder.to_str().unwrap()),
            ("BURSAR_MASTER_KEY_FILE", key.to_str().unwrap()),
        ]);
        let seams = Seams { clock: Some(Arc::new(HourAhead)), ..Seams::default() };
        bursar::run(environment, ["bursar", "cleanup"].map(Into::into), seams)
    });
    format!("{:?}", run.await.unwrap()) == format!("{:?}", ExitCode::SUCCESS)
}

#[derive(Debug)]
struct HourAhead;

impl Clock for HourAhead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_hours(1)
    }

    fn stopwatch(&self) -> Duration {
        SystemClock.stopwatch()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemClock.sleep(duration)
    }
}
