//! Ends of a refresh that are no kill, and what each must come to.

use std::fmt;

use rustix::process::Signal;

use super::error::Broken;
use super::process::Program;
use super::{interruption, lease};

/// Another way in which a refresh loses its caller, its time or its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Ctrl-C during the call.
    Interrupted,
    /// SIGTERM during the call.
    Terminated,
    /// SIGSTOP during the call, SIGCONT later.
    Stopped,
    /// The disk hangs inside the commit of the new tokens.
    CommitStuck,
    /// Inside one process, the task that asked is dropped during the call.
    CallerDropped,
    /// Across machines, the lease ends before the answer comes, and somebody else renews.
    LeaseOverslept,
}

impl Ending {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Interrupted,
        Self::Terminated,
        Self::Stopped,
        Self::CommitStuck,
        Self::CallerDropped,
        Self::LeaseOverslept,
    ];
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Interrupted => "SIGINT during the call",
            Self::Terminated => "SIGTERM during the call",
            Self::Stopped => "SIGSTOP during the call, SIGCONT after the answer",
            Self::CommitStuck => "the disk hangs while the new tokens are committed",
            Self::CallerDropped => "the caller is dropped during the call",
            Self::LeaseOverslept => "the answer comes after the lease has ended",
        })
    }
}

/// Plays `ending` and tells in words what became of the login; anything but what must come out is an error.
pub async fn play(program: &Program, ending: Ending) -> Result<&'static str, Broken> {
    match ending {
        Ending::Interrupted => interruption::signalled(program, Signal::INT).await?,
        Ending::Terminated => interruption::signalled(program, Signal::TERM).await?,
        Ending::Stopped => interruption::stopped(program).await?,
        Ending::CommitStuck => interruption::stuck(program).await?,
        Ending::CallerDropped => interruption::dropped(program).await?,
        Ending::LeaseOverslept => lease::overslept().await?,
    }
    Ok(match ending {
        Ending::Interrupted | Ending::Terminated => {
            "kept, 1 call: the process saves the answer, then ends with exit code 2"
        }
        Ending::Stopped => "kept, 1 call: others get the token at hand meanwhile, nobody else refreshes",
        Ending::CommitStuck => "others get the token at hand",
        Ending::CallerDropped => "kept, 1 call: the refresh goes on without its caller",
        Ending::LeaseOverslept => {
            "kept: the other machine's tokens rule, the late ones stay as a spare and serve when those are refused"
        }
    })
}
