//! `bursar status`: how every account is doing, once or again and again.

mod calendar;

use std::io::IsTerminal as _;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use futures::FutureExt as _;

use super::app::App;
use super::arguments::StatusCommand;
use super::screen::status_screen::StatusScreen;
use super::shown_accounts::{self, say_that_there_are_none};
use crate::account_view::ShownAccounts;
use crate::exit::{Exit, Failure};

pub(super) async fn run(app: &App, command: &StatusCommand) -> Result<Exit, Failure> {
    if command.calendar {
        return calendar::run(app, command.account.as_deref()).await;
    }
    if command.watch { watch(app, command).await } else { show(app, command).await }
}

async fn show(app: &App, command: &StatusCommand) -> Result<Exit, Failure> {
    let shown = shown_accounts::read(app, command.account.as_deref(), app.warn(command.warn)).await?;
    if app.printer.json {
        app.printer.document(&shown.to_json());
    } else {
        print(app, &shown).await?;
    }
    Ok(shown.exit())
}

/// The screen for people.
pub(super) async fn print(app: &App, shown: &ShownAccounts) -> Result<(), Failure> {
    if shown.views.is_empty() {
        say_that_there_are_none(app);
    } else {
        let protection = protection(app).await?;
        let revocations = app.engine.queued_revocations().await?.len();
        let screen = StatusScreen { accounts: &shown.views, protection: protection.as_deref(), revocations };
        app.printer.data(&screen.render(&shown.viewing()));
    }
    Ok(())
}

/// What keeps the tokens from being read by whoever has the file. Asks no keychain, so it works with a locked vault.
async fn protection(app: &App) -> Result<Option<String>, Failure> {
    let Some(recorded) = app.engine.recorded_key_source().await? else { return Ok(None) };
    Ok(Some(match app.keys.choice(&recorded) {
        Ok(choice) => format!("{} ({})", choice.backend.name(), choice.origin),
        // Status must show the accounts all the same.
        Err(error) => format!("not available: {error}; run `bursar doctor`"),
    }))
}

/// Shows again at every interval, and at once when the wall clock has jumped. Ends well on an interrupt: that is how
/// a person ends it.
async fn watch(app: &App, command: &StatusCommand) -> Result<Exit, Failure> {
    let interval = command.interval.unwrap_or(app.config.status.interval).unsigned_abs();
    let showing = async {
        loop {
            if std::io::stdout().is_terminal() && !app.printer.json {
                app.printer.data(CLEAR);
            }
            show(app, command).await?;
            wait(&*app.engine.ports().clock, interval.max(SHORTEST_INTERVAL)).await;
        }
    };
    let mut showing = std::pin::pin!(showing.fuse());
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c().fuse());
    futures::select_biased! {
        // First, so that the signal is caught from before the first screen.
        _ = interrupt => Ok(Exit::Ok),
        ended = showing => ended,
    }
}

/// Waits for `interval`, or less if the wall clock and the stopwatch part company: every time on the screen is then
/// wrong.
async fn wait(clock: &dyn Clock, interval: Duration) {
    let (started, wall) = (clock.stopwatch(), clock.now());
    loop {
        let passed = clock.stopwatch().saturating_sub(started);
        let left = interval.saturating_sub(passed);
        let jumped = clock.now().duration_since(wall).unsigned_abs().abs_diff(passed) > BELIEVABLE_DRIFT;
        if left.is_zero() || jumped {
            return;
        }
        clock.sleep(left.min(LONGEST_NAP)).await;
    }
}

/// Clears the screen and goes home (ECMA-48 ED and CUP).
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";
/// Often enough to notice a clock that was set, seldom enough to let a processor sleep.
const LONGEST_NAP: Duration = Duration::from_secs(30);
/// `--interval 0s` must not keep a processor busy.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// Clocks are corrected by less than this all the time.
const BELIEVABLE_DRIFT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use bursar_core::memory::clock::ManualClock;
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn the_next_screen_comes_after_the_interval() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let mut waiting = std::pin::pin!(wait(&clock, HOUR).fuse());
        for _ in 0..119 {
            assert_eq!(waiting.as_mut().now_or_never(), None);
            clock.advance(LONGEST_NAP);
        }
        assert_eq!(waiting.as_mut().now_or_never(), None);
        clock.advance(LONGEST_NAP);
        assert_eq!(waiting.as_mut().now_or_never(), Some(()));
    }

    #[test]
    fn a_wall_clock_that_jumps_is_noticed_within_half_a_minute() {
        for jump in [SignedDuration::from_hours(9), SignedDuration::from_hours(-9)] {
            let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
            let mut waiting = std::pin::pin!(wait(&clock, HOUR).fuse());
            assert_eq!(waiting.as_mut().now_or_never(), None);
            clock.jump(jump);
            clock.advance(LONGEST_NAP);
            assert_eq!(waiting.as_mut().now_or_never(), Some(()));
        }
    }
}
