//! A million held accounts beside ten thousand: whoever asks for one should not notice the others.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use bursar::system::SystemClock;
use bursar::wiring::Wired;
use bursar_core::lifecycle::account::Account;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::document::Document as _;
use bursar_core::ports::tasks::Tasks as _;
use jiff::Timestamp;
use tokio::runtime::Runtime;

use crate::agent::Agent;
use crate::arguments::Arguments;
use crate::home::Home;
use crate::pace::{Shuffled, paced};
use crate::population::{account, populate, wired};
use crate::report::{Report, Table};
use crate::sample::{Sample, microseconds, milliseconds, times};

/// Times hand-out, due-scan and refresh at a fixed pace in both, in turn, and the start of an agent.
pub(crate) fn measure(
    runtime: &Runtime,
    bursar: &Path,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<()> {
    let mut homes = [FEW, arguments.accounts].map(|count| Populated::at(runtime, Home::new()?, count));
    let [Ok(few), Ok(many)] = &mut homes else {
        let [few, many] = homes;
        return few.and(many).map(drop);
    };
    for turn in 0..=arguments.turns {
        for home in [&mut *few, &mut *many] {
            home.turn(runtime, turn > 0)?;
        }
    }
    let title = format!(
        "{} accounts beside {FEW}, {RATE} a second, {} turns of {COUNT} each",
        arguments.accounts, arguments.turns
    );
    let mut table = Table::new(title, &["what", "accounts", "p50", "p95", "p50 ratio", "p95 ratio"]);
    for (position, what) in WHAT.into_iter().enumerate() {
        let (first, second) = (&few.samples[position], &many.samples[position]);
        let row = |home: &Populated, ratios: [String; 2]| {
            let sample = &home.samples[position];
            let cells = [
                what.to_owned(),
                home.count.to_string(),
                microseconds(sample.median()),
                microseconds(sample.p95()),
            ];
            cells.into_iter().chain(ratios).collect()
        };
        table.row(row(few, [String::new(), String::new()]));
        let ratio = [times(second.median(), first.median()), times(second.p95(), first.p95())];
        table.row(row(many, ratio.map(|ratio| format!("{ratio:.2}"))));
    }
    report.table(table);

    let head = ["accounts", "first token, median", "longest", "database", "filled in"];
    let mut table = Table::new(format!("Start of an agent, {STARTS} starts in turn"), &head);
    let mut starts = [Sample::default(), Sample::default()];
    for _ in 0..STARTS {
        for (home, sample) in [&*few, &*many].into_iter().zip(&mut starts) {
            sample.add(Agent::start(bursar, &home.home, &account(home.count / 2)?.to_string())?.first_answer);
        }
    }
    for (home, sample) in [&*few, &*many].into_iter().zip(&starts) {
        table.row(vec![
            home.count.to_string(),
            milliseconds(sample.median()),
            milliseconds(sample.p99()),
            format!("{} MiB", home.home.database_size() >> 20),
            format!("{:.0} s", home.filled_in.as_secs_f64()),
        ]);
    }
    report.table(table);
    Ok(())
}

/// A home with accounts, its engine, and what was measured with it.
#[derive(Debug)]
pub(crate) struct Populated {
    // Before the folder vanishes, its store is closed.
    pub(crate) wired: Wired,
    pub(crate) home: Home,
    pub(crate) count: usize,
    pub(crate) filled_in: Duration,
    chosen: Shuffled,
    /// Of [`WHAT`].
    pub(crate) samples: [Sample; 3],
}

impl Populated {
    /// That many accounts in an empty home.
    pub(crate) fn at(runtime: &Runtime, home: Home, count: usize) -> Result<Self> {
        let start = SystemClock.stopwatch();
        populate(runtime, &home, count)?;
        let filled_in = SystemClock.stopwatch().saturating_sub(start);
        let (wired, chosen) = (wired(&home, None)?, Shuffled::below(count));
        Ok(Self { wired, home, count, filled_in, chosen, samples: Default::default() })
    }

    /// All of [`WHAT`] once, of the same accounts in every turn: those in use are asked for again and again.
    pub(crate) fn turn(&mut self, runtime: &Runtime, counts: bool) -> Result<()> {
        self.chosen = Shuffled::below(self.count);
        let samples = [self.hand_outs(runtime)?, self.due_scans(runtime)?, self.refreshes(runtime)?];
        if counts {
            self.samples.iter_mut().zip(samples).for_each(|(all, sample)| all.extend(sample));
        }
        ensure!(runtime.block_on(self.wired.tasks.drained(LONGEST_REST)), "work does not end");
        Ok(())
    }

    fn hand_outs(&mut self, runtime: &Runtime) -> Result<Sample> {
        let (ask, mut sample) = (Ask::default(), Sample::default());
        paced(RATE, COUNT, |_, at| {
            let reference = account(self.chosen.next())?;
            runtime.block_on(self.wired.engine.hand_out(&reference, &ask, Duration::ZERO))?;
            sample.add(SystemClock.stopwatch().saturating_sub(at));
            Ok(())
        })?;
        Ok(sample)
    }

    /// As the agent asks for what is due, with as many answers as it takes at once.
    fn due_scans(&self, runtime: &Runtime) -> Result<Sample> {
        let (engine, mut sample) = (&self.wired.engine, Sample::default());
        paced(RATE, COUNT, |_, at| {
            let due = engine.ports().store.due(engine.space(), Account::KIND, Timestamp::MAX, AT_ONCE);
            ensure!(runtime.block_on(due)?.value.records.len() == AT_ONCE, "too few are due");
            sample.add(SystemClock.stopwatch().saturating_sub(at));
            Ok(())
        })?;
        Ok(sample)
    }

    /// Each a task of its own, as in the agent: a commit may wait for the disk while others begin.
    fn refreshes(&mut self, runtime: &Runtime) -> Result<Sample> {
        let found: Arc<Mutex<Vec<Result<Duration, String>>>> = Arc::default();
        let _inside = runtime.enter();
        paced(RATE, COUNT, |_, at| {
            let (engine, found) = (self.wired.engine.clone(), Arc::clone(&found));
            let reference = account(self.chosen.next())?;
            self.wired.tasks.spawn(Box::pin(async move {
                let refreshed = engine.refresh(&reference, LONGEST_REST).await;
                let time = SystemClock.stopwatch().saturating_sub(at);
                let outcome = refreshed.map(|_| time).map_err(|error| error.to_string());
                found.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
            }));
            Ok(())
        })?;
        ensure!(runtime.block_on(self.wired.tasks.drained(LONGEST_REST)), "refreshes do not end");
        let mut sample = Sample::default();
        for outcome in found.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            sample.add(outcome.map_err(anyhow::Error::msg)?);
        }
        ensure!(sample.len() == COUNT, "a refresh has not ended");
        Ok(sample)
    }
}

/// What is measured with held accounts.
pub(crate) const WHAT: [&str; 3] = ["hand-out", "due-scan", "refresh"];
/// What everything is compared with.
pub(crate) const FEW: usize = 10_000;
/// So many a second.
pub(crate) const RATE: u32 = 500;
/// Two seconds of each.
pub(crate) const COUNT: usize = 1_000;
/// As many as the agent refreshes at a time.
const AT_ONCE: usize = 32;
const STARTS: usize = 5;
/// Longer than anything takes that has begun.
pub(crate) const LONGEST_REST: Duration = Duration::from_mins(1);
