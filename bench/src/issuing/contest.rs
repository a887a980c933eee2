//! Servers under the same load, in turn.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::arguments::Arguments;
use crate::line::{Caller, Load, Place, load};
use crate::report::Table;
use crate::running::Running;
use crate::sample::{Sample, microseconds, middle};

/// A server, and who asks it.
pub(super) struct Contestant<'a, C> {
    name: &'static str,
    host: &'a Host,
    callers: Vec<C>,
}

/// Where a server listens, and its process, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) address: SocketAddr,
    pub(super) running: Running,
}

impl<'a, C: Caller> Contestant<'a, C> {
    /// With one caller for each connection.
    pub(super) fn new(name: &'static str, host: &'a Host, callers: Vec<C>) -> Self {
        Self { name, host, callers }
    }
}

/// What was found of one of them.
#[derive(Debug, Default)]
struct Found {
    rates: Vec<f64>,
    sample: Sample,
    processor_time: Duration,
}

/// What a table of contests begins with.
pub(super) fn table(title: &str, arguments: &Arguments) -> Table {
    let title = format!("{title}, {} turns of {:?}", arguments.turns, arguments.turn);
    Table::new(title, &HEAD)
}

/// Loads each in turn, on so many connections. The first is the limit; [`PEER`] is the peer, if it is among them.
pub(super) fn compete<C: Caller>(
    contestants: &mut [Contestant<'_, C>],
    connections: usize,
    arguments: &Arguments,
    table: &mut Table,
) -> Result<()> {
    let mut found: Vec<Found> = contestants.iter().map(|_| Found::default()).collect();
    for turn in 0..=arguments.turns {
        for (contestant, found) in contestants.iter_mut().zip(&mut found) {
            let callers = contestant.callers.get_mut(..connections).context("too few callers")?;
            let Host { address, running } = contestant.host;
            let before = running.processor_time()?;
            let Load { rate, sample } = load(&Place::Address(*address), callers, arguments.turn)
                .with_context(|| format!("while {} was asked", contestant.name))?;
            // The first warms up.
            if turn > 0 {
                found.processor_time += running.processor_time()?.saturating_sub(before);
                found.rates.push(rate);
                found.sample.extend(sample);
            }
        }
    }
    let peer = contestants.iter().zip(&found).find_map(|(one, found)| (one.name == PEER).then_some(found));
    for (position, (contestant, one)) in contestants.iter().zip(&found).enumerate() {
        let others = [found.first().filter(|_| position > 0), peer];
        let [limit, peer] = others.map(|other| other.map(|other| one.ratios_to(other)));
        let percent = |(rate, time): (f64, f64)| format!("{:.0} %, {:.0} %", rate * 100.0, time * 100.0);
        table.row(vec![
            contestant.name.to_owned(),
            connections.to_string(),
            format!("{:.0}", middle(&one.rates)),
            microseconds(one.sample.median()),
            microseconds(one.sample.p99()),
            format!("{:.1} µs", one.each() * 1_000_000.0),
            limit.map_or_else(String::new, percent),
            peer.map_or_else(String::new, |(rate, time)| format!("{rate:.1}, {time:.1}")),
        ]);
    }
    Ok(())
}

impl Found {
    /// Seconds on a processor for each answer.
    fn each(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let answers = self.sample.len() as f64;
        self.processor_time.as_secs_f64() / answers
    }

    /// How many times as quick as `other`: by what was answered in a second, and by time on a processor.
    fn ratios_to(&self, other: &Self) -> (f64, f64) {
        (middle(&self.rates) / middle(&other.rates), other.each() / self.each())
    }
}

const HEAD: [&str; 8] = [
    "server",
    "connections",
    "requests/s, median turn",
    "p50",
    "p99",
    "on a processor, each",
    "of the limit: by requests/s, by processor time",
    "times `oidc-provider`: likewise",
];
/// What the peer is called.
pub(super) const PEER: &str = "`oidc-provider`";
/// On how many connections the budgets are told, beside one.
pub(super) const MANY: usize = 32;
