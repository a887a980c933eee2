//! Signals that somebody who means the command sends to us.

#[cfg(not(unix))]
pub(super) use self::console::{Signals, ended_by, interrupted, pass_on};
#[cfg(unix)]
pub(super) use self::unix::{Signals, ended_by, interrupted, pass_on};

#[cfg(unix)]
mod unix {
    use std::future::poll_fn;
    use std::io;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;
    use std::task::Poll;

    use rustix::process::{Pid, Signal, getpgrp, getpid, kill_process};
    use rustix::termios::tcgetpgrp;
    use tokio::signal::unix::{self, SignalKind};

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
    pub(in super::super) struct Signals(Vec<(Signal, unix::Signal)>);

    impl Signals {
        pub(in super::super) fn listen() -> io::Result<Self> {
            Self::listen_for(&FORWARDED)
        }

        fn listen_for(wanted: &[Signal]) -> io::Result<Self> {
            let ignored = ignored();
            let streams = wanted
                .iter()
                .filter(|signal| !is_in(ignored, **signal))
                .map(|signal| Ok((*signal, unix::signal(SignalKind::from_raw(signal.as_raw()))?)));
            Ok(Self(streams.collect::<io::Result<_>>()?))
        }

        pub(in super::super) async fn next(&mut self) -> Signal {
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

    /// Completes when somebody wants us to end, before or after there is a command to pass it on to.
    pub(in super::super) async fn interrupted() {
        match Signals::listen_for(&[Signal::INT, Signal::TERM]) {
            Ok(mut signals) => {
                signals.next().await;
            }
            // Without handlers the signals end us by themselves.
            Err(_) => std::future::pending().await,
        }
    }

    /// Gives a signal to the child, unless the terminal has already given it to both of us.
    pub(in super::super) fn pass_on(signal: Signal, child: Option<u32>) {
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

    pub(in super::super) fn ended_by(status: ExitStatus) -> Option<i32> {
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
mod console {
    use std::io;
    use std::process::ExitStatus;

    /// Ctrl-C, which the console gives to the child as well.
    #[derive(Debug)]
    pub(in super::super) struct Signals;

    impl Signals {
        #[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
        pub(in super::super) fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        pub(in super::super) async fn next(&mut self) {
            interrupted().await;
        }
    }

    pub(in super::super) async fn interrupted() {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    pub(in super::super) fn pass_on((): (), _child: Option<u32>) {}

    pub(in super::super) fn ended_by(_status: ExitStatus) -> Option<i32> {
        None
    }
}
