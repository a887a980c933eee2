//! How soon a server answers, with nothing there and with keys, and what it keeps in memory when nobody asks.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use bursar::system::SystemClock;
use bursar_core::ports::clock::Clock as _;
use tokio::runtime::Runtime;

use super::ground::Ground;
use crate::home::Home;
use crate::report::{Report, Table};
use crate::running::Running;
use crate::sample::{Sample, milliseconds};

/// Times the way from the start of the process to the last byte of its first answers.
pub(crate) fn measure(runtime: &Runtime, bursar: &Path, report: &mut Report) -> Result<()> {
    let ground = Ground::new(runtime, 0)?;
    let (mut with_keys, mut empty) = (Found::default(), Found::default());
    for _ in 0..STARTS {
        let home = Home::new()?;
        empty.start(bursar, &home)?;
        with_keys.start(bursar, &ground.home)?;
    }
    let title = format!("A server's first answers, {STARTS} starts in turn");
    let mut table = Table::new(title, &["home", "what", "median", "longest", "shortest"]);
    for (home, found) in [("with keys", &with_keys), ("empty", &empty)] {
        for (what, sample) in [("metadata", &found.metadata), ("keys", &found.keys)] {
            let times = [sample.median(), sample.longest(), sample.shortest()].map(milliseconds);
            table.row([vec![home.to_owned(), what.to_owned()], times.to_vec()].concat());
        }
    }
    report.table(table);
    let mut table = Table::new("A server that nobody asks", &["home", "RSS", "RssAnon"]);
    for (home, running) in [("with keys", with_keys.last), ("empty", empty.last)] {
        let Some(running) = running else { continue };
        let mebibytes = |bytes: u64| format!("{}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20);
        let (resident, anonymous) = (running.resident_memory()?, running.anonymous_memory()?);
        table.row(vec![home.to_owned(), mebibytes(resident), mebibytes(anonymous)]);
    }
    report.table(table);
    Ok(())
}

/// What one kind of home has shown.
#[derive(Debug, Default)]
struct Found {
    metadata: Sample,
    keys: Sample,
    /// The last that was started; it goes on.
    last: Option<Running>,
}

impl Found {
    fn start(&mut self, bursar: &Path, home: &Home) -> Result<()> {
        self.last = None;
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(bursar);
        command.args(["serve", "--listen", &address.to_string()]).env_clear().envs(home.variables());
        let start = SystemClock.stopwatch();
        let mut running = Running::start(&mut command)?;
        for (path, sample) in [(METADATA, &mut self.metadata), (KEYS, &mut self.keys)] {
            while !is_answered(address, path) {
                ensure!(running.child.try_wait()?.is_none(), "the server has ended");
                ensure!(
                    SystemClock.stopwatch().saturating_sub(start) < LONGEST_START,
                    "{path} does not come"
                );
                std::thread::sleep(LOOK_AGAIN);
            }
            sample.add(SystemClock.stopwatch().saturating_sub(start));
        }
        self.last = Some(running);
        Ok(())
    }
}

/// No listener yet, or one that has just come, is no answer.
fn is_answered(address: SocketAddr, path: &str) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok::<_, std::io::Error>(answer.starts_with(b"HTTP/1.1 200 "))
    };
    ask().unwrap_or(false)
}

const METADATA: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/oauth/jwks";
const STARTS: usize = 20;
/// Much shorter than what is measured.
const LOOK_AGAIN: Duration = Duration::from_micros(200);
const LONGEST_START: Duration = Duration::from_mins(1);
