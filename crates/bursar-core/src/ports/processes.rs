//! Which process is which, and whether it still runs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One process of one boot of one machine. Process numbers are used again; the start time and the boot tell the users
/// of one number apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// Names the boot of the machine it runs on.
    pub boot: String,
    /// Its number.
    pub number: u32,
    /// When it was started, in units of the system's own since boot.
    pub started: u64,
}

/// The processes of this machine.
pub trait Processes: Send + Sync + fmt::Debug {
    /// This process.
    fn own(&self) -> ProcessId;

    /// The process that has this number now, if there is one.
    fn find(&self, number: u32) -> Option<ProcessId>;

    /// Whether exactly this process still runs.
    fn is_running(&self, process: &ProcessId) -> bool;
}
