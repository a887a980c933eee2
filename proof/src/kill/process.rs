//! Runs bursar as processes of their own: to their end, or until they report, to be killed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixListener;
use tokio::process::{Child, Command};

use super::error::Broken;
use crate::halting::{CLOCK_OFFSET, HALT_AT, HALT_REPORT, Place};

/// How to start the halting bursar.
#[derive(Clone, Debug)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// What stands before bursar's own arguments.
    pub leading: Vec<String>,
}

/// What a process is started with.
#[derive(Debug)]
pub(super) struct Start<'a> {
    pub(super) program: &'a Program,
    pub(super) home: &'a Path,
    pub(super) environment: &'a [(String, String)],
    /// How far its clock is ahead.
    pub(super) ahead: Duration,
    pub(super) arguments: &'a [&'a str],
    pub(super) place: Option<Place>,
}

/// A process under way. It is killed when dropped.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    report: Option<(Place, UnixListener)>,
}

/// A process that has ended by itself.
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl fmt::Debug for Ended {
    /// Not what it printed: that is a token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Ended")
            .field("code", &self.code)
            .field("stderr", &self.stderr)
            .finish_non_exhaustive()
    }
}

impl Start<'_> {
    pub(super) fn spawn(self) -> Result<Running, Broken> {
        let mut command = Command::new(&self.program.path);
        command.args(&self.program.leading).args(self.arguments).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env(CLOCK_OFFSET, self.ahead.as_secs().to_string());
        let report = match self.place {
            None => None,
            Some(place) => {
                let socket = self.home.join(format!("{}.socket", place.name()));
                command.env(HALT_AT, place.name()).env(HALT_REPORT, &socket);
                let listener =
                    UnixListener::bind(&socket).map_err(Broken::setup("listening for a report"))?;
                Some((place, listener))
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let child = command.spawn().map_err(Broken::setup("starting bursar"))?;
        Ok(Running { child, report })
    }

    /// Runs to the end.
    pub(super) async fn finish(self) -> Result<Ended, Broken> {
        self.spawn()?.finish().await
    }
}

impl Running {
    /// Waits until the process reports its place.
    pub(super) async fn reached(&mut self) -> Result<(), Broken> {
        let Some((place, listener)) = self.report.take() else {
            return Err(Broken::Setup { act: "waiting for a report", detail: "none was asked for".into() });
        };
        let accepted =
            async { listener.accept().await.map(|_| ()).map_err(Broken::setup("hearing a report")) };
        self.until(place.name(), accepted).await
    }

    /// Waits for `event`, which must come before the process ends.
    pub(super) async fn until(
        &mut self,
        what: &str,
        event: impl Future<Output = Result<(), Broken>>,
    ) -> Result<(), Broken> {
        let ended = tokio::select! {
            result = in_time(what, event) => return result?,
            status = self.child.wait() => status.map_err(Broken::setup("waiting for bursar"))?,
        };
        let mut stderr = String::new();
        if let Some(mut pipe) = self.child.stderr.take() {
            // What cannot be read is not worth a second error.
            let _ = pipe.read_to_string(&mut stderr).await;
        }
        Err(Broken::Ended { place: what.to_owned(), code: ended.code(), stderr })
    }

    /// Sends a signal.
    pub(super) fn signal(&self, signal: Signal) -> Result<(), Broken> {
        kill_process(self.id()?, signal).map_err(Broken::setup("sending a signal"))
    }

    /// SIGSTOP, and waits until the process stands still.
    pub(super) fn stop(&self) -> Result<(), Broken> {
        self.signal(Signal::STOP)?;
        let status =
            waitpid(Some(self.id()?), WaitOptions::UNTRACED).map_err(Broken::setup("stopping bursar"))?;
        let stopped = status.is_some_and(|(_, status)| status.stopped());
        Broken::unless(stopped, "a process that is sent SIGSTOP stops", "its end")
    }

    fn id(&self) -> Result<Pid, Broken> {
        let gone = || Broken::Setup { act: "finding a process", detail: "it is gone".into() };
        self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).ok_or_else(gone)
    }

    /// SIGKILL, and waits until the process is gone with all its locks.
    pub(super) async fn kill(mut self) -> Result<(), Broken> {
        self.child.kill().await.map_err(Broken::setup("killing bursar"))
    }

    /// Waits for the end.
    pub(super) async fn finish(self) -> Result<Ended, Broken> {
        let output = in_time("the end of bursar", self.child.wait_with_output()).await?;
        let output = output.map_err(Broken::setup("waiting for bursar"))?;
        Ok(Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

/// Nothing here takes longer than some hundred milliseconds on an idle machine.
pub(super) async fn in_time<T>(what: &str, event: impl Future<Output = T>) -> Result<T, Broken> {
    tokio::time::timeout(Duration::from_secs(30), event)
        .await
        .map_err(|_| Broken::Late { what: what.to_owned() })
}
