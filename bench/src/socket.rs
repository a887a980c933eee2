//! Hand-outs over the agent's socket, beside a server that answers the same bytes and does nothing else.

use std::path::Path;

use anyhow::Result;
use misbehaving_provider::MisbehavingProvider;

use crate::agent::{Agent, token_request};
use crate::arguments::Arguments;
use crate::home::Home;
use crate::limit_work::Work;
use crate::line::{Load, Place, Same, load};
use crate::provider::account;
use crate::report::{Report, Table};
use crate::running::{Running, SERVER_CORE, limit_server};
use crate::sample::{Sample, microseconds, middle};

/// Times both in turn, on one connection and on many.
pub(crate) fn measure(
    provider: &MisbehavingProvider,
    bursar: &Path,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<()> {
    let home = Home::new()?;
    home.log_in(bursar, provider, "work")?;
    let account = account(provider, "work")?;
    let agent = Agent::start_pinned(bursar, &home, &account)?;
    let (limit_socket, _limit) = limit(&home, &agent.ask(&token_request(&account, "close"))?)?;
    let request = token_request(&account, "keep-alive");
    let title = format!("Hand-outs over the socket, {} turns of {:?}", arguments.turns, arguments.turn);
    let head = ["server", "connections", "requests/s, median turn", "p50", "p99", "ratio to the limit"];
    let mut table = Table::new(title, &head);
    for connections in [1, MANY] {
        let mut found = [(Vec::new(), Sample::default()), (Vec::new(), Sample::default())];
        for turn in 0..=arguments.turns {
            for (socket, (rates, sample)) in [&limit_socket, &agent.socket].into_iter().zip(&mut found) {
                let mut callers = vec![Same(request.clone()); connections];
                let place = Place::Socket(socket.clone());
                let Load { rate, sample: times } = load(&place, &mut callers, arguments.turn)?;
                // The first warms up.
                if turn > 0 {
                    rates.push(rate);
                    sample.extend(times);
                }
            }
        }
        let [(limit, _), (agent, _)] = &found;
        let ratio = middle(agent) / middle(limit);
        for (name, (rates, sample)) in ["bare hyper", "the agent"].into_iter().zip(&found) {
            table.row(vec![
                name.to_owned(),
                connections.to_string(),
                format!("{:.0}", middle(rates)),
                microseconds(sample.median()),
                microseconds(sample.p99()),
                if name == "the agent" { format!("{:.0} %", ratio * 100.0) } else { String::new() },
            ]);
        }
    }
    report.table(table);
    Ok(())
}

fn limit(home: &Home, answer: &[u8]) -> Result<(std::path::PathBuf, Running)> {
    let (file, socket) = (home.path("answer"), home.path("limit.sock"));
    std::fs::write(&file, answer)?;
    let running = limit_server(SERVER_CORE, &format!("unix:{}", socket.display()), &file, Work::Nothing)?;
    while !socket.exists() {
        std::thread::yield_now();
    }
    Ok((socket, running))
}

const MANY: usize = 32;
