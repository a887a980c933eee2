//! The processes of this machine, as the system tells about them.
//!
//! Linux tells in `/proc`, macOS by its own tools; elsewhere nothing is said about other processes, and whoever asks
//! gets [`Life::Unknown`](bursar_core::ports::processes::Life::Unknown). What follows from that is decided by
//! `bursar_core::engine::sessions`.

#[cfg(any(target_os = "macos", test))]
mod apple_words;
#[cfg_attr(target_os = "linux", path = "processes/linux.rs")]
#[cfg_attr(target_os = "macos", path = "processes/macos.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "macos")), path = "processes/elsewhere.rs")]
mod system;

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bursar_core::ports::processes::{ProcessId, Processes};

/// The real processes. Nothing is read before somebody asks.
#[derive(Debug, Default)]
pub struct SystemProcesses {
    own: OnceLock<ProcessId>,
}

impl SystemProcesses {
    /// The processes of this machine.
    pub fn new() -> Self {
        Self::default()
    }

    fn this(&self) -> &ProcessId {
        self.own.get_or_init(|| {
            let number = std::process::id();
            ProcessId {
                machine: machine(),
                boot: system::boot(),
                namespace: system::namespace(),
                number,
                started: match system::look(number) {
                    Look::Runs(started) => Some(started),
                    Look::Gone | Look::Unclear => None,
                },
            }
        })
    }
}

impl Processes for SystemProcesses {
    fn own(&self) -> ProcessId {
        self.this().clone()
    }

    fn find(&self, number: u32) -> Option<ProcessId> {
        let started = match system::look(number) {
            Look::Runs(started) => Some(started),
            Look::Unclear => None,
            Look::Gone => return None,
        };
        Some(ProcessId { number, started, ..self.own() })
    }
}

/// What the system says about a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// A process that started then has it.
    Runs(u64),
    /// No process has it, or one that has ended and was not taken notice of yet.
    Gone,
    /// It may be a process's; nothing more can be said.
    Unclear,
}

/// A name for this machine that gives its identifier away to nobody: systemd asks for that (machine-id(5)).
fn machine() -> String {
    let identifier = format!("bursar session\0{}", system::machine());
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, identifier.as_bytes()).as_ref()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_under_its_own_number() {
        let processes = SystemProcesses::new();
        let own = processes.own();
        assert_eq!(processes.find(own.number), Some(own.clone()));
        assert!(processes.is_running(&own));
        assert_eq!(own, SystemProcesses::new().own());
    }
}
