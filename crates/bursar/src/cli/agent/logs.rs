//! `bursar agent logs`: the end of the log, and on request what is added to it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use super::Seen;
use crate::agent::start::log_file;
use crate::cli::arguments::agent::AgentLogs;
use crate::config::paths::Paths;
use crate::exit::{Exit, Failure};

pub(super) fn show(paths: &Paths, command: &AgentLogs, seen: &Seen<'_>) -> Result<Exit, Failure> {
    let path = log_file(paths);
    let failed = |error: io::Error| {
        Failure::of(Exit::Error, &error).hint(format!("check the file `{}`", path.display()))
    };
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::new(Exit::Unreachable, "no agent has written a log here yet").hint(
                "start one with `bursar agent start`; one that systemd runs logs to its journal: \
                 `journalctl --user --unit bursar-agent`",
            ));
        }
        Err(error) => return Err(failed(error)),
    };
    let end = last_lines(&mut file, command.lines).map_err(failed)?;
    seen.printer.data(&end);
    if command.follow {
        return Seen::block_on(async {
            let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
            loop {
                let added = rest(&mut file, &path).map_err(failed)?;
                if !added.is_empty() {
                    seen.printer.data(&added);
                }
                tokio::select! {
                    _ = &mut interrupt => return Ok(Exit::Ok),
                    () = seen.clock.sleep(LOOK) => {}
                }
            }
        });
    }
    Ok(Exit::Ok)
}

/// The last `count` lines, and the file left at its end.
fn last_lines(file: &mut File, count: usize) -> io::Result<String> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(FAR_ENOUGH)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(count)..].iter().flat_map(|line| [*line, "\n"]).collect())
}

/// What was added; from the start again if the log was put aside.
fn rest(file: &mut File, path: &std::path::Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    if bytes.is_empty()
        && let Ok(new) = File::open(path)
        && new.metadata()?.len() < file.stream_position()?
    {
        *file = new;
        file.read_to_end(&mut bytes)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Thousands of lines.
const FAR_ENOUGH: u64 = 1 << 20;
const LOOK: Duration = Duration::from_millis(200);
