//! The gateway beside nginx: both on one core, what they pass requests on to and the load on the other.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use misbehaving_provider::MisbehavingProvider;

use crate::arguments::Arguments;
use crate::home::Home;
use crate::limit_work::Work;
use crate::nginx::Nginx;
use crate::processes::Contestant;
use crate::provider::account;
use crate::report::{Report, Table};
use crate::running::{LOAD_CORE, Running, SERVER_CORE, limit_server, pinned};
use crate::sample::{microseconds, middle};
use crate::wrk::{self, Found};

/// Loads each in turn, on one connection and on many.
pub(crate) fn measure(
    provider: &MisbehavingProvider,
    bursar: &Path,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<()> {
    let home = Home::new()?;
    let (upstream, _upstream) = upstream(&home)?;
    home.log_in(bursar, provider, "work")?;
    let account = account(provider, "work")?;
    home.configure(&format!(
        "[gateway.routes.api]\naccount = \"{account}\"\nupstream = \"http://{upstream}\"\nhosts = [\"{upstream}\"]\n"
    ))?;
    let token = Contestant::new(
        "`bursar gateway token add`",
        bursar.display().to_string(),
        &["gateway", "token", "add", "bench"],
        &home.variables(),
    )
    .printed()?;
    let (gateway, _gateway) = gateway(bursar, &home)?;
    let nginx = Nginx::start(upstream)?;
    let contestants = [
        ("no proxy", format!("http://{upstream}/")),
        ("nginx, static token", nginx.injecting()),
        ("the gateway", format!("{gateway}/gateway/api/")),
        ("nginx, `auth_request`", nginx.checking()),
    ];
    let title = format!("A body of 1 KiB, {} turns of {:?}", arguments.turns, arguments.turn);
    let head =
        ["way", "connections", "requests/s, median turn", "p50", "p99", "p50 above no proxy", "times nginx"];
    let mut table = Table::new(title, &head);
    for connections in [1, MANY] {
        let mut found = contestants.clone().map(|_| Vec::new());
        for turn in 0..=arguments.turns {
            for ((_, url), found) in contestants.iter().zip(&mut found) {
                let one = wrk::run(url, token.trim(), connections, arguments.turn)
                    .with_context(|| nginx.complaints().unwrap_or_default())?;
                // The first warms up.
                if turn > 0 {
                    found.push(one);
                }
            }
        }
        let [direct, peer, ..] = &found;
        let (floor, peer) = (median(direct, |one| one.median), rate(peer));
        for ((name, _), found) in contestants.iter().zip(&found) {
            let p50 = median(found, |one| one.median);
            table.row(vec![
                (*name).to_owned(),
                connections.to_string(),
                format!("{:.0}", rate(found)),
                microseconds(p50),
                microseconds(median(found, |one| one.p99)),
                microseconds(p50.saturating_sub(floor)),
                format!("{:.2}", rate(found) / peer),
            ]);
        }
    }
    report.table(table);
    Ok(())
}

fn rate(found: &[Found]) -> f64 {
    middle(&found.iter().map(|one| one.rate).collect::<Vec<_>>())
}

fn median(found: &[Found], time: impl Fn(&Found) -> Duration) -> Duration {
    let mut times: Vec<Duration> = found.iter().map(time).collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn upstream(home: &Home) -> Result<(SocketAddr, Running)> {
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let answer = home.path("answer");
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    std::fs::write(&answer, format!("{head}{}", "x".repeat(1024)))?;
    let running = limit_server(LOAD_CORE, &address.to_string(), &answer, Work::Nothing)?;
    while std::net::TcpStream::connect(address).is_err() {
        std::thread::yield_now();
    }
    Ok((address, running))
}

/// A gateway in the foreground, and where it says that it listens.
fn gateway(bursar: &Path, home: &Home) -> Result<(String, Running)> {
    let mut command = pinned(SERVER_CORE, bursar);
    command.args(["gateway", "--listen", "127.0.0.1:0"]).env_clear().envs(home.variables());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let said = BufReader::new(child.stderr.take().context("its standard error is a pipe")?);
    let running = Running { child };
    for line in said.lines() {
        let line = line?;
        if let Some((_, origin)) = line.split_once("listens on ") {
            return Ok((origin.trim().to_owned(), running));
        }
    }
    anyhow::bail!("the gateway has ended")
}

const MANY: usize = 32;
