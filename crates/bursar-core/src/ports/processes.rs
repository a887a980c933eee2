//! Which process is which, and whether it still runs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One process of one boot of one machine. Process numbers are used again; the start time and the boot tell the users
/// of one number apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// Names the machine it runs on.
    pub machine: String,
    /// Names the boot of that machine.
    pub boot: String,
    /// Names the space its number belongs to: every container counts its own processes. Empty if there is only one.
    pub namespace: String,
    /// Its number.
    pub number: u32,
    /// When it was started, in units of the system's own; `None`: the system does not tell.
    pub started: Option<u64>,
}

/// What can be said about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It runs, or is stopped.
    Running,
    /// It has ended, however it ended.
    Ended,
    /// It cannot be seen from here: it belongs to another machine or container, or the system does not tell.
    Unknown,
}

/// The processes of this machine.
pub trait Processes: Send + Sync + fmt::Debug {
    /// This process.
    fn own(&self) -> ProcessId;

    /// The process that has this number now, if there is one. One that has ended and waits for its parent to take
    /// notice is none.
    fn find(&self, number: u32) -> Option<ProcessId>;

    /// Whether exactly this process still runs.
    fn life(&self, process: &ProcessId) -> Life {
        let own = self.own();
        if process.machine != own.machine {
            return Life::Unknown;
        }
        if process.boot != own.boot {
            return Life::Ended;
        }
        if process.namespace != own.namespace {
            return Life::Unknown;
        }
        match self.find(process.number) {
            None => Life::Ended,
            Some(found) => match (found.started, process.started) {
                (Some(found), Some(wanted)) if found == wanted => Life::Running,
                (Some(_), Some(_)) => Life::Ended,
                _ => Life::Unknown,
            },
        }
    }

    /// Whether nothing says that this process has ended.
    fn is_running(&self, process: &ProcessId) -> bool {
        self.life(process) != Life::Ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::processes::ManualProcesses;

    #[test]
    fn a_process_is_told_from_all_who_had_or_have_its_number() {
        let processes = ManualProcesses::new();
        let running = processes.start(7);
        let with = |change: fn(&mut ProcessId)| {
            let mut other = running.clone();
            change(&mut other);
            processes.life(&other)
        };
        assert_eq!(with(|_| {}), Life::Running);
        assert_eq!(with(|other| other.number = 8), Life::Ended);
        assert_eq!(with(|other| other.started = other.started.map(|started| started - 1)), Life::Ended);
        assert_eq!(with(|other| other.boot = "an earlier one".into()), Life::Ended);
        assert_eq!(with(|other| other.started = None), Life::Unknown);
        assert_eq!(with(|other| other.namespace = "a container".into()), Life::Unknown);
        assert_eq!(with(|other| other.machine = "another".into()), Life::Unknown);
        // Nothing of another machine says anything about this one.
        let elsewhere =
            |other: &mut ProcessId| (other.machine, other.boot) = ("another".into(), "its own".into());
        assert_eq!(with(elsewhere), Life::Unknown);
        // A machine that was started again has ended the processes of its containers too.
        let before = |other: &mut ProcessId| {
            (other.namespace, other.boot) = ("a container".into(), "an earlier one".into());
        };
        assert_eq!(with(before), Life::Ended);
        assert!(processes.is_running(&processes.own()));
    }
}
