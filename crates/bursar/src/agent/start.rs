//! Starting an agent that outlives whoever starts it.

use std::fs::OpenOptions;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use bursar_core::ports::clock::Clock;
use jiff::{SignedDuration, Timestamp};

use crate::cli::SANDBOX;
use crate::config::environment::Environment;
use crate::config::paths::Paths;

/// Where an agent started in the background writes its log.
pub fn log_file(paths: &Paths) -> PathBuf {
    paths.data_folder().join("agent.log")
}

/// Starts one and does not wait for it. One that is there already is left alone: the new one sees it and ends.
pub fn in_background(environment: &Environment, paths: &Paths) -> io::Result<()> {
    let log = log_file(paths);
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Whatever ends it before its own log begins is written there too.
    let log_output = options.open(&log)?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["agent", "run", "--log-file"])
        .arg(&log)
        .current_dir(paths.data_folder())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log_output);
    // What is one terminal's choice is nothing to an agent for all of them.
    for name in environment.names().filter(|name| is_of_one_terminal(name)) {
        command.env_remove(name);
    }
    let _child = command.spawn()?;
    Ok(())
}

/// Starts one for the commands to come, if there is none: nobody waits for it, and nobody hears if it fails.
pub fn on_demand(environment: &Environment, paths: &Paths, clock: &dyn Clock) {
    if !is_wanted(environment) || super::running(paths).is_some() || failed_just_now(paths, clock.now()) {
        return;
    }
    if let Err(error) = in_background(environment, paths) {
        tracing::debug!(%error, "no agent was started");
    }
}

/// Whether an agent started from here would be of use to others: it must be able to open the vault without what only this
/// process was given, and build machines start nothing that outlives the build.
fn is_wanted(environment: &Environment) -> bool {
    let given = ["BURSAR_MASTER_KEY_FD", "BURSAR_SESSION_TOKEN", "CI"];
    !given.iter().any(|name| environment.text(name).is_some())
}

/// Whether the log was written to a moment ago although no agent runs: one that cannot start is not started again and
/// again.
fn failed_just_now(paths: &Paths, now: Timestamp) -> bool {
    let written = std::fs::metadata(log_file(paths)).and_then(|found| found.modified());
    let written = written.ok().and_then(|time| Timestamp::try_from(time).ok());
    written.is_some_and(|written| now.duration_since(written).abs() < PAUSE)
}

fn is_of_one_terminal(name: &str) -> bool {
    name.starts_with("BURSAR_ACCOUNT_")
        || name.starts_with("BURSAR_SESSION")
        || name == "BURSAR_GATEWAY"
        || name == SANDBOX
}

const PAUSE: SignedDuration = SignedDuration::from_secs(30);
