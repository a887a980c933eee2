//! A process that runs beside the measurement, on a core of its own, and ends with it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::limit_work::Work;

/// The core of whatever is measured.
pub(crate) const SERVER_CORE: usize = 0;
/// The core of the load, and of everything the measured one calls.
pub(crate) const LOAD_CORE: usize = 1;

/// A child process; it is asked to end, and waited for, when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    /// The process.
    pub(crate) child: Child,
}

impl Running {
    /// Starts `command`, which says nothing that anybody hears.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_owned();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Self { child: child.with_context(|| format!("{} cannot be started", name.display()))? })
    }

    /// Its process number.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// The anonymous memory it holds, in bytes: what is its own, without mapped files.
    pub(crate) fn anonymous_memory(&self) -> Result<u64> {
        self.memory("RssAnon:")
    }

    /// All the memory it holds, in bytes.
    pub(crate) fn resident_memory(&self) -> Result<u64> {
        self.memory("VmRSS:")
    }

    /// How long it has been on a processor, all its threads together; those that have ended do not count.
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        let mut time = Duration::ZERO;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.process()))? {
            // A thread may end while it is looked at.
            let Ok(said) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            let nanoseconds = said.split(' ').next().context("the system does not tell times")?;
            time += Duration::from_nanos(nanoseconds.trim().parse()?);
        }
        Ok(time)
    }

    fn memory(&self, name: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
        let kibibytes = kibibytes.with_context(|| format!("the system does not tell {name}"))?;
        Ok(kibibytes.trim().parse::<u64>()? * 1024)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(process) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // A process that has ended already is what is wanted.
            let _ = kill_process(process, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// A command that runs on one core alone.
pub(crate) fn pinned(core: usize, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("/usr/bin/taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

/// Keeps the calling thread, and those it will start, on one core.
pub(crate) fn pin_this_thread(core: usize) -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

/// This program again, as the server that does only the irreducible work; `address` is as in its arguments.
pub(crate) fn limit_server(core: usize, address: &str, answer: &Path, work: Work) -> Result<Running> {
    let mut command = pinned(core, std::env::current_exe()?);
    command.args(["--serve", address, "--work", work.name(), "--answer"]).arg(answer);
    Running::start(&mut command)
}
