//! How soon an agent answers, with a key that exists.

use std::path::Path;

use anyhow::Result;
use tokio::runtime::Runtime;

use crate::agent::Agent;
use crate::home::{Home, add_keys};
use crate::report::{Report, Table};
use crate::sample::{Sample, milliseconds};

/// Times the whole way from the start of the process to the last byte of its first token.
pub(crate) fn measure(runtime: &Runtime, bursar: &Path, report: &mut Report) -> Result<()> {
    let home = Home::new()?;
    let accounts = runtime.block_on(add_keys(&home.engine(None)?, ACCOUNTS))?;
    let mut sample = Sample::default();
    for account in accounts.iter().cycle().take(STARTS) {
        sample.add(Agent::start(bursar, &home, &account.to_string())?.first_answer);
    }
    let mut table = Table::new(
        format!("An agent's first token, {STARTS} starts"),
        &["from", "median", "longest", "shortest"],
    );
    table.row(vec![
        "the start of the process".to_owned(),
        milliseconds(sample.median()),
        milliseconds(sample.p99()),
        milliseconds(sample.shortest()),
    ]);
    report.table(table);
    Ok(())
}

const ACCOUNTS: usize = 10;
const STARTS: usize = 40;
