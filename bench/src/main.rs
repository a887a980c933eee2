//! Measures bursar against its budgets.
//!
//! Everything that is compared is measured in one run, turn by turn, so that whatever else the machine does meets all
//! of it alike. Nothing is asserted about time: a figure is for people, and a ratio lasts longer than a figure.

mod arguments;
mod home;
mod in_process;
mod machine;
mod many_accounts;
mod oidc_agent;
mod processes;
mod program;
mod provider;
mod report;
mod sample;
mod warm_token;

use std::io::Write as _;

use anyhow::{Context as _, Result};
use clap::Parser as _;

use self::arguments::Arguments;
use self::report::Report;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let program = match &arguments.bursar {
        Some(path) => path.clone(),
        None => program::built()?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let _inside = runtime.enter();
    let provider = runtime.block_on(provider::start());

    let mut report = Report::new(machine::description());
    warm_token::measure(&runtime, &provider, &program, arguments.rounds, &mut report)
        .context("while measuring whole processes")?;
    many_accounts::measure(&runtime, &program, arguments.rounds, &mut report)
        .context("while measuring with many accounts")?;
    in_process::measure(&runtime, arguments.hand_outs, &mut report)
        .context("while measuring in one process")?;
    report.note(machine::load("at the end"));
    std::io::stdout().write_all(report.markdown().as_bytes())?;
    Ok(())
}
