//! Processes that start and end when they are told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ports::processes::{ProcessId, Processes};

/// The processes of a machine under a test's control. Clones share the same machine.
#[derive(Clone, Debug)]
pub struct ManualProcesses {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    boots: u64,
    started: u64,
    running: BTreeMap<u32, ProcessId>,
}

impl ManualProcesses {
    /// A machine on which only this process, number 1, runs.
    pub fn new() -> Self {
        let state = State { boots: 1, started: 0, running: BTreeMap::new() };
        let processes = Self { state: Arc::new(Mutex::new(state)) };
        processes.start(OWN);
        processes
    }

    /// Starts a process; one that had this number ends.
    pub fn start(&self, number: u32) -> ProcessId {
        let mut state = self.state();
        state.started += 1;
        let process = ProcessId {
            machine: "machine".to_owned(),
            boot: state.boots.to_string(),
            namespace: String::new(),
            number,
            started: Some(state.started),
        };
        state.running.insert(number, process.clone());
        process
    }

    /// Ends a process.
    pub fn end(&self, number: u32) {
        self.state().running.remove(&number);
    }

    /// Ends everything and starts the machine again, and in it this process.
    pub fn reboot(&self) {
        let mut state = self.state();
        state.boots += 1;
        state.started = 0;
        state.running.clear();
        drop(state);
        self.start(OWN);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves nothing half-done here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualProcesses {
    fn default() -> Self {
        Self::new()
    }
}

impl Processes for ManualProcesses {
    fn own(&self) -> ProcessId {
        self.find(OWN).unwrap_or_else(|| self.start(OWN))
    }

    fn find(&self, number: u32) -> Option<ProcessId> {
        self.state().running.get(&number).cloned()
    }
}

/// The number of the process the test itself is.
const OWN: u32 = 1;
