//! Very many grants and held accounts beside ten thousand of each, on one store after the other: whoever asks for one should
//! not notice the others.
//!
//! The engine is asked in this process, as the server and the agent ask it, so that what is timed is the store and what it
//! is asked for. `people` makes logins, `fill` multiplies them, `issued` asks about them.

mod fill;
mod issued;
mod people;

use anyhow::Result;
use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;
use tokio::runtime::Runtime;

use self::issued::Issued;
use crate::arguments::{Arguments, GrowingStore};
use crate::databases::LargePostgres;
use crate::home::Home;
use crate::million::{COUNT, FEW, Populated, RATE, WHAT};
use crate::report::{Report, Table};
use crate::sample::{Sample, microseconds, times};

/// Fills each store twice, and times both in turn.
pub(crate) fn measure(runtime: &Runtime, arguments: &Arguments, report: &mut Report) -> Result<()> {
    for store in [GrowingStore::File, GrowingStore::Postgres] {
        if arguments.store.is_none_or(|wanted| wanted == store) {
            compare(runtime, store, arguments, report)?;
        }
    }
    Ok(())
}

fn compare(runtime: &Runtime, store: GrowingStore, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let many = match (arguments.grants, store) {
        (Some(grants), _) => grants,
        (None, GrowingStore::File) => 1_000_000,
        (None, GrowingStore::Postgres) => 10_000_000,
    };
    let mut few = Stand::new(runtime, store, FEW, FEW, arguments.turns)?;
    let mut many = Stand::new(runtime, store, many, arguments.accounts, arguments.turns)?;
    for turn in 0..=arguments.turns {
        for stand in [&mut few, &mut many] {
            stand.held.turn(runtime, turn > 0)?;
            stand.issued.turn(runtime, &stand.held.wired.tasks, turn > 0)?;
        }
    }
    report.table(sizes(&[&few, &many]));
    let title = format!(
        "{} grants and {} held accounts beside {FEW} of each on {}, {RATE} a second, {} turns of {COUNT} each",
        many.issued.grants, arguments.accounts, many.name, arguments.turns
    );
    let mut table =
        Table::new(title, &["what", "p50 of few", "of many", "ratio", "p95 of few", "of many", "ratio"]);
    for ((what, first), (_, second)) in few.samples().zip(many.samples()) {
        let [medians, p95s] = [Sample::median, Sample::p95].map(|of| [of(first), of(second)]);
        let cells = [medians, p95s].into_iter().flat_map(|[few, many]| {
            [microseconds(few), microseconds(many), format!("{:.2}", times(many, few))]
        });
        table.row(std::iter::once(what.to_owned()).chain(cells).collect());
    }
    report.table(table);
    many.tell_tables(report);
    Ok(())
}

/// A store with what was put into it, and everybody who asks it.
struct Stand {
    name: String,
    // Closed before its folder vanishes and its server ends.
    issued: Issued,
    held: Populated,
    bytes: u64,
    postgres: Option<LargePostgres>,
}

impl Stand {
    fn new(
        runtime: &Runtime,
        store: GrowingStore,
        grants: usize,
        accounts: usize,
        turns: usize,
    ) -> Result<Self> {
        let (name, home, postgres) = match store {
            GrowingStore::File => ("SQLite (WAL, synchronous=FULL)".to_owned(), Home::new()?, None),
            GrowingStore::Postgres => {
                let server = LargePostgres::start()?;
                (server.promise(), Home::on(server.variables())?, Some(server))
            }
        };
        let held = Populated::at(runtime, home, accounts)?;
        let start = SystemClock.stopwatch();
        let mut issued = Issued::fill(runtime, &held, grants, turns)?;
        issued.filled_in = SystemClock.stopwatch().saturating_sub(start);
        if let Some(postgres) = &postgres {
            postgres.settle();
        }
        let bytes = match &postgres {
            Some(postgres) => postgres
                .tables()
                .iter()
                .flat_map(|row| &row[2..])
                .filter_map(|cell| cell.parse::<u64>().ok())
                .sum(),
            None => held.home.database_size(),
        };
        Ok(Self { name, issued, held, bytes, postgres })
    }

    fn samples(&self) -> impl Iterator<Item = (&'static str, &Sample)> {
        let held = HELD.into_iter().zip(&self.held.samples);
        held.chain(issued::WHAT.into_iter().zip(&self.issued.samples))
    }

    fn tell_tables(&self, report: &mut Report) {
        let Some(postgres) = &self.postgres else { return };
        let title = format!("Tables with {} grants", self.issued.grants);
        let mut table = Table::new(title, &["table", "rows", "bytes a row", "of indexes", "together"]);
        for [name, rows, bytes, indexes] in postgres.tables() {
            let number = |text: &str| text.parse::<u64>().unwrap_or_default();
            let (rows, bytes, indexes) = (number(&rows), number(&bytes), number(&indexes));
            table.row(vec![
                name,
                rows.to_string(),
                (bytes / rows.max(1)).to_string(),
                (indexes / rows.max(1)).to_string(),
                format!("{} MiB", (bytes + indexes) >> 20),
            ]);
        }
        report.table(table);
    }
}

fn sizes(stands: &[&Stand]) -> Table {
    let head = ["grants", "held accounts", "size", "accounts filled in", "grants filled in"];
    let mut table = Table::new(format!("What fills {}", stands[0].name), &head);
    for stand in stands {
        table.row(vec![
            stand.issued.grants.to_string(),
            stand.held.count.to_string(),
            format!("{} MiB", stand.bytes >> 20),
            format!("{:.0} s", stand.held.filled_in.as_secs_f64()),
            format!("{:.0} s", stand.issued.filled_in.as_secs_f64()),
        ]);
    }
    table
}

/// [`WHAT`], told from what is asked of the issuing side.
const HELD: [&str; WHAT.len()] = ["hand-out", "due-scan", "refresh of a held account"];
