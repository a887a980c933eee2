//! Measures bursar against its budgets.
//!
//! Everything that is compared is measured in one run, turn by turn, so that whatever else the machine does meets all
//! of it alike. Nothing is asserted about time: a figure is for people, and a ratio lasts longer than a figure.

mod agent;
mod arguments;
mod databases;
mod gateway;
mod growth;
mod home;
mod in_process;
mod issuing;
mod limit_server;
mod limit_work;
mod line;
mod machine;
mod many_accounts;
mod memory;
mod million;
mod nginx;
mod oidc_agent;
mod pace;
mod partitions;
mod population;
mod processes;
mod program;
mod provider;
mod report;
mod running;
mod sample;
mod sign_in;
mod socket;
mod start;
mod tls_front;
mod warm_token;
mod wrk;

use std::io::Write as _;

use anyhow::{Context as _, Result};
use clap::Parser as _;

use self::arguments::{Arguments, Measurement};
use self::report::Report;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let (Some(address), Some(answer)) = (&arguments.serve, &arguments.answer) {
        return limit_server::serve(address, answer, arguments.work);
    }
    let program = match &arguments.bursar {
        Some(path) => path.clone(),
        None => program::built()?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let _inside = runtime.enter();
    let provider = runtime.block_on(provider::start());
    let (runtime, provider, program) = (&runtime, &provider, program.as_path());

    let mut report = Report::new(machine::description());
    let mut measure = |measurement, measure: &dyn Fn(&mut Report) -> Result<()>| {
        if arguments.wants(measurement) {
            measure(&mut report).with_context(|| format!("while measuring {measurement:?}"))?;
            report.note(machine::load(&format!("after {measurement:?}")));
        }
        Ok::<_, anyhow::Error>(())
    };
    let rounds = arguments.rounds;
    measure(Measurement::Token, &|to| warm_token::measure(runtime, provider, program, rounds, to))?;
    measure(Measurement::Accounts, &|to| many_accounts::measure(runtime, program, rounds, to))?;
    measure(Measurement::HandOuts, &|to| in_process::measure(runtime, arguments.hand_outs, to))?;
    measure(Measurement::Start, &|to| start::measure(runtime, program, to))?;
    measure(Measurement::Memory, &|to| memory::measure(runtime, provider, program, &arguments, to))?;
    measure(Measurement::Socket, &|to| socket::measure(provider, program, &arguments, to))?;
    measure(Measurement::Gateway, &|to| gateway::measure(provider, program, &arguments, to))?;
    measure(Measurement::ClientCredentials, &|to| {
        issuing::client_credentials::measure(runtime, program, &arguments, to)
    })?;
    measure(Measurement::Introspection, &|to| {
        issuing::introspection::measure(runtime, program, &arguments, to)
    })?;
    measure(Measurement::Refresh, &|to| issuing::refresh::measure(runtime, program, &arguments, to))?;
    measure(Measurement::Backends, &|to| {
        issuing::backends::measure(runtime, provider, program, &arguments, to)
    })?;
    measure(Measurement::Server, &|to| issuing::start::measure(runtime, program, to))?;
    measure(Measurement::Million, &|to| million::measure(runtime, program, &arguments, to))?;
    measure(Measurement::Growth, &|to| growth::measure(runtime, &arguments, to))?;
    measure(Measurement::Partitions, &|to| {
        partitions::simulate(to);
        Ok(())
    })?;
    std::io::stdout().write_all(report.markdown().as_bytes())?;
    Ok(())
}
