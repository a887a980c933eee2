//! Hand-outs within one process: what is left when no process has to be started.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bursar::system::SystemClock;
use bursar_core::engine::Engine;
use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::lifecycle::refresh::Ask;
use bursar_core::memory::MemoryStore;
use bursar_core::ports::clock::Clock as _;
use tokio::runtime::Runtime;

use crate::home::{Home, add_keys};
use crate::report::{Report, Table};
use crate::sample::Sample;

/// Times hand-outs of ten accounts, one after the other, from the file and from memory in turn.
pub(crate) fn measure(runtime: &Runtime, hand_outs: usize, report: &mut Report) -> Result<()> {
    let (on_file, in_memory) = (Home::new()?, Home::new()?);
    let memory = Arc::new(MemoryStore::new(Arc::new(SystemClock), "bench"));
    let mut stores = [
        ("SQLite", on_file.engine(None)?, Sample::default()),
        ("memory", in_memory.engine(Some(memory))?, Sample::default()),
    ];
    let mut references = Vec::new();
    for (_, engine, _) in &stores {
        references = runtime.block_on(add_keys(engine, ACCOUNTS))?;
    }
    for turn in 0..TURNS {
        for (_, engine, sample) in &mut stores {
            let time = runtime.block_on(hand_out(engine, &references, hand_outs / TURNS))?;
            if turn > 0 {
                sample.add(time);
            }
        }
    }

    let head = ["store", "hand-outs per second, median turn", "best turn", "worst turn"];
    let mut table = Table::new("Hand-outs in one process, one after the other", &head);
    for (name, _, sample) in &stores {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let rate = |time: Duration| format!("{:.0}", (hand_outs / TURNS) as f64 / time.as_secs_f64());
        table.row(vec![
            (*name).to_owned(),
            rate(sample.median()),
            rate(sample.shortest()),
            rate(sample.p99()),
        ]);
    }
    report.table(table);
    Ok(())
}

/// The time `count` hand-outs take.
async fn hand_out(engine: &Engine, references: &[AccountReference], count: usize) -> Result<Duration> {
    let ask = Ask::default();
    let start = SystemClock.stopwatch();
    for reference in references.iter().cycle().take(count) {
        engine.hand_out(reference, &ask, Duration::ZERO).await?;
    }
    Ok(SystemClock.stopwatch().saturating_sub(start))
}

const ACCOUNTS: usize = 10;

/// The first warms up and does not count.
const TURNS: usize = 20;
