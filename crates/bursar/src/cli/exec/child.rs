//! One child process in the foreground: it gets our terminal and our signals, and we end the way it ends.

use std::io;
use std::process::{Command, ExitStatus};

use tokio::runtime::{Builder, Runtime};

use crate::exit::{Exit, Failure};

/// Everything that has to be ready before the first token is fetched: a signal that arrives from now on is not lost.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Apart from the command's own: that one ends work when a signal comes, this one passes signals on.
    runtime: Runtime,
    signals: signals::Signals,
}

impl Prepared {
    pub(super) fn new() -> Result<Self, Failure> {
        let ready = || -> io::Result<Self> {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let signals = {
                let _inside = runtime.enter();
                signals::Signals::listen()?
            };
            Ok(Self { runtime, signals })
        };
        ready().map_err(|error| Failure::of(Exit::Error, &error).hint("run `bursar doctor`"))
    }

    /// Runs the command to its end, however long it takes.
    pub(super) fn run(mut self, command: Command) -> Result<Exit, Failure> {
        let program = command.get_program().to_owned();
        self.runtime.block_on(async move {
            let mut child = tokio::process::Command::from(command)
                .spawn()
                .map_err(|error| not_started(&program.to_string_lossy(), &error))?;
            let mut id = child.id();
            loop {
                tokio::select! {
                    biased;
                    status = child.wait() => {
                        let status = status.map_err(|error| Failure::of(Exit::Error, &error))?;
                        return Ok(Exit::Code(code(status)));
                    }
                    signal = self.signals.next() => signals::pass_on(signal, &mut id),
                }
            }
        })
    }
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

#[cfg(unix)]
mod signals {
    use std::future::poll_fn;
    use std::io;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;
    use std::task::Poll;

    use rustix::process::{Pid, Signal, getpgrp, getpid, kill_process};
    use rustix::termios::tcgetpgrp;
    use tokio::signal::unix::{self, SignalKind};

    /// What somebody who means the command may send to us instead.
    const FORWARDED: [Signal; 9] = [
        Signal::INT,
        Signal::TERM,
        Signal::HUP,
        Signal::QUIT,
        Signal::USR1,
        Signal::USR2,
        Signal::WINCH,
        Signal::TSTP,
        Signal::CONT,
    ];

    #[derive(Debug)]
    pub(super) struct Signals(Vec<(Signal, unix::Signal)>);

    impl Signals {
        pub(super) fn listen() -> io::Result<Self> {
            let ignored = ignored();
            let streams = FORWARDED
                .into_iter()
                .filter(|signal| !is_in(ignored, *signal))
                .map(|signal| Ok((signal, unix::signal(SignalKind::from_raw(signal.as_raw()))?)));
            Ok(Self(streams.collect::<io::Result<_>>()?))
        }

        pub(super) async fn next(&mut self) -> Signal {
            poll_fn(|context| {
                let arrived = self
                    .0
                    .iter_mut()
                    .find_map(|(signal, stream)| stream.poll_recv(context).is_ready().then_some(*signal));
                arrived.map_or(Poll::Pending, Poll::Ready)
            })
            .await
        }
    }

    /// Gives a signal to the child, unless the terminal has already given it to both of us.
    pub(super) fn pass_on(signal: Signal, child: &mut Option<u32>) {
        let from_terminal = matches!(signal, Signal::INT | Signal::QUIT | Signal::WINCH | Signal::TSTP);
        let child = child.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(child) = child.filter(|_| !(from_terminal && in_foreground())) {
            // A child that has just ended needs no signal.
            let _ended = kill_process(child, signal);
        }
        if signal == Signal::TSTP {
            // Whoever stops us waits for us to stop; SIGCONT comes through here too.
            let _running = kill_process(getpid(), Signal::STOP);
        }
    }

    pub(super) fn ended_by(status: ExitStatus) -> Option<i32> {
        status.signal()
    }

    /// Whether keys like Ctrl-C go to our process group, which is the child's too.
    fn in_foreground() -> bool {
        let terminal = std::fs::File::open("/dev/tty");
        terminal.is_ok_and(|terminal| tcgetpgrp(&terminal).is_ok_and(|group| group == getpgrp()))
    }

    /// Signals our caller had us ignore, one bit each: `nohup` means the child too, and a handler of ours would undo it.
    fn ignored() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }

    fn is_in(mask: u64, signal: Signal) -> bool {
        u32::try_from(signal.as_raw() - 1)
            .is_ok_and(|bit| mask.checked_shr(bit).is_some_and(|rest| rest & 1 == 1))
    }
}

#[cfg(not(unix))]
mod signals {
    use std::io;
    use std::process::ExitStatus;

    /// Ctrl-C, which the console gives to the child as well.
    #[derive(Debug)]
    pub(super) struct Signals;

    impl Signals {
        pub(super) fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn next(&mut self) {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    pub(super) fn pass_on((): (), _child: &mut Option<u32>) {}

    pub(super) fn ended_by(_status: ExitStatus) -> Option<i32> {
        None
    }
}
