//! One child process in the foreground: it gets our terminal and our signals, and we end the way it ends.

use std::future::Future;
use std::io;
use std::process::{Command, ExitStatus};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::descriptor::TokenDescriptor;
use super::signals::{self, Signals};
use crate::exit::{Exit, Failure};

/// Everything that has to be ready before the first token is fetched: a signal that arrives from now on is not lost.
#[derive(Debug)]
pub(super) struct Foreground {
    /// Apart from the commands' own, which ends work when a signal comes; this one passes signals on. Its one thread
    /// beside ours finishes a refresh after the child has ended. Always there until the end.
    runtime: Option<Runtime>,
    signals: Signals,
}

impl Foreground {
    pub(super) fn new() -> Result<Self, Failure> {
        let ready = || -> io::Result<Self> {
            let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            let signals = {
                let _inside = runtime.enter();
                Signals::listen()?
            };
            Ok(Self { runtime: Some(runtime), signals })
        };
        ready().map_err(|error| Failure::of(Exit::Error, &error).hint("run `bursar doctor`"))
    }

    /// Does what comes before the child. A signal that wants us to end ends it, as it ends every other command.
    pub(super) fn before<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        self.block_on(async {
            tokio::select! {
                biased;
                done = work => done,
                () = signals::interrupted() => Err(Failure::new(Exit::Usage, "interrupted")),
            }
        })?
    }

    /// Does what comes after the child; a signal ends the wait for it.
    pub(super) fn after(&self, work: impl Future<Output = ()>) {
        let _broken = self.block_on(async {
            tokio::select! {
                () = work => {}
                () = signals::interrupted() => {}
            }
        });
    }

    /// Runs the command to its end, however long it takes, and `beside` as long as it runs. The child, and no other,
    /// inherits `descriptors`.
    ///
    /// `output` is told when the command has ended, and waited for.
    pub(super) fn run(
        &mut self,
        command: Command,
        descriptors: Vec<TokenDescriptor>,
        output: impl AsyncFnOnce(watch::Receiver<bool>),
        beside: impl Future<Output = ()>,
    ) -> Result<Exit, Failure> {
        let Self { runtime, signals } = self;
        let runtime = runtime.as_ref().ok_or_else(no_runtime)?;
        runtime.block_on(async move {
            let mut child = started(command, descriptors)?;
            let (ended, is_ended) = watch::channel(false);
            let mut output = std::pin::pin!(output(is_ended));
            let mut beside = std::pin::pin!(beside);
            let (mut exit, mut passed_on, mut left_alone) = (None, false, false);
            loop {
                tokio::select! {
                    biased;
                    status = child.wait(), if exit.is_none() => {
                        let status = status.map_err(|error| Failure::of(Exit::Error, &error))?;
                        exit = Some(Exit::Code(code(status)));
                        // Whoever listened may have ended before.
                        let _heard = ended.send(true);
                    }
                    signal = signals.next() => match exit {
                        None => signals::pass_on(signal, child.id()),
                        // Nobody reads what is left to be passed on.
                        Some(exit) => return Ok(exit),
                    },
                    () = &mut output, if !passed_on => passed_on = true,
                    () = &mut beside, if !left_alone => left_alone = true,
                }
                if let Some(exit) = exit.filter(|_| passed_on) {
                    return Ok(exit);
                }
            }
        })
    }

    /// Enters the runtime, for what belongs to it.
    pub(super) fn inside<T>(&self, work: impl FnOnce() -> T) -> Result<T, Failure> {
        let runtime = self.runtime.as_ref().ok_or_else(no_runtime)?;
        let _inside = runtime.enter();
        Ok(work())
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        Ok(self.runtime.as_ref().ok_or_else(no_runtime)?.block_on(work))
    }
}

impl Drop for Foreground {
    /// A name lookup that hangs in the system must not keep the process.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn no_runtime() -> Failure {
    Failure::new(Exit::Error, "the runtime has ended")
}

/// Everything given to it is gone afterwards, and with it our hold on what is the child's.
fn started(command: Command, descriptors: Vec<TokenDescriptor>) -> Result<tokio::process::Child, Failure> {
    let program = command.get_program().to_owned();
    let mut command = tokio::process::Command::from(command);
    for descriptor in &descriptors {
        descriptor.let_children_inherit()?;
    }
    let child = command.spawn().map_err(|error| not_started(&program.to_string_lossy(), &error));
    // At once: whatever else is started inherits what is open.
    drop(descriptors);
    child
}

/// The child's code, or 128 and the number of the signal that ended it, as shells say it.
fn code(status: ExitStatus) -> u8 {
    let ended_by = signals::ended_by(status).map(|signal| signal.saturating_add(128));
    let code = status.code().or(ended_by).unwrap_or(1);
    // Windows has larger codes; what does not fit must not look like success.
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// 127 and 126, as shells say it.
fn not_started(program: &str, error: &io::Error) -> Failure {
    let is_path = program.contains(std::path::MAIN_SEPARATOR);
    match error.kind() {
        io::ErrorKind::NotFound if is_path && std::path::Path::new(program).exists() => {
            Failure::new(NOT_EXECUTABLE, format!("cannot run {program}: its interpreter does not exist"))
                .hint("check the first line of the script")
        }
        io::ErrorKind::NotFound => Failure::new(NOT_FOUND, format!("command not found: {program}"))
            .hint("check the name and PATH; a shell's own words need `-- sh -c '…'`"),
        io::ErrorKind::PermissionDenied => {
            Failure::new(NOT_EXECUTABLE, format!("{program} is not executable"))
                .hint(format!("check the file's mode, for example with `ls -l {program}`"))
        }
        _ => {
            let mut failure = Failure::new(NOT_EXECUTABLE, format!("cannot run {program}"));
            failure.causes.push(error.to_string());
            failure.hint("check that it is a program for this machine")
        }
    }
}

const NOT_FOUND: Exit = Exit::Code(127);
const NOT_EXECUTABLE: Exit = Exit::Code(126);
