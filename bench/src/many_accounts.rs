//! What many accounts cost: a hand-out by reference should not notice them, a list should grow with them alone.

use std::path::Path;

use anyhow::{Result, ensure};
use tokio::runtime::Runtime;

use crate::home::{Home, add_keys};
use crate::processes::{Contestant, compete};
use crate::report::{Report, Table};
use crate::sample::milliseconds;

/// Times `bursar token` with few and many accounts, and `bursar status` of a thousand.
pub(crate) fn measure(runtime: &Runtime, bursar: &Path, rounds: usize, report: &mut Report) -> Result<()> {
    let homes = [FEW, THOUSAND, MANY].map(|count| home_with(runtime, count));
    let [few, thousand, many] = homes;
    let (few, thousand, many) = (few?, thousand?, many?);
    let program = bursar.display().to_string();
    let account = "example:key-00005";
    let run = |name: String, arguments: &[&str], home: &Home| {
        Contestant::new(name, &program, arguments, &home.variables())
    };
    let mut contestants = vec![
        Contestant::new("`/bin/true`", "/bin/true", &[], &[]),
        run(format!("`bursar token`, {FEW} accounts"), &["token", account], &few),
        run(format!("`bursar token`, {MANY} accounts"), &["token", account], &many),
        run(format!("`bursar status`, {FEW} accounts"), &["status"], &few),
        run(format!("`bursar status`, {THOUSAND} accounts"), &["status"], &thousand),
    ];
    ensure!(contestants[1].printed()? == contestants[2].printed()?, "the two homes hold different keys");
    ensure!(
        contestants[4].printed()?.lines().count() >= THOUSAND,
        "a status that does not show every account"
    );
    compete(&mut contestants, rounds.div_ceil(2))?;

    let head = ["process", "median", "p99", "median above `/bin/true`", "ratio to the few"];
    let mut table = Table::new(format!("Many accounts, {} rounds in turn", rounds.div_ceil(2)), &head);
    let floor = contestants[0].sample.median();
    let above = |position: usize| contestants[position].sample.median().saturating_sub(floor);
    for (position, compared) in [(1, None), (2, Some(1)), (3, None), (4, Some(3))] {
        let ratio = compared.map(|few: usize| above(position).as_secs_f64() / above(few).as_secs_f64());
        table.row(vec![
            contestants[position].name.clone(),
            milliseconds(contestants[position].sample.median()),
            milliseconds(contestants[position].sample.p99()),
            milliseconds(above(position)),
            ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        ]);
    }
    report.table(table);
    Ok(())
}

fn home_with(runtime: &Runtime, accounts: usize) -> Result<Home> {
    let home = Home::new()?;
    runtime.block_on(add_keys(&home.engine(None)?, accounts))?;
    Ok(home)
}

const FEW: usize = 10;
const THOUSAND: usize = 1000;
const MANY: usize = 10_000;
