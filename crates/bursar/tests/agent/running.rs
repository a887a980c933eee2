//! An agent of a test: started in the foreground, its log in a file, ended when dropped.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tokio::process::Child;

use crate::support::{Ended, Home};

/// A running agent that answers.
#[derive(Debug)]
pub(crate) struct Agent {
    child: Child,
    log: std::path::PathBuf,
}

impl Agent {
    /// Starts one and waits until it answers.
    pub(crate) async fn start(home: &Home) -> Self {
        let agent = Self::starting(home);
        while home.run(&["agent", "status"]).await.code != 0 {
            assert!(agent.is_there(), "the agent has ended:\n{}", agent.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        agent
    }

    /// Starts one and does not wait.
    pub(crate) fn starting(home: &Home) -> Self {
        let log = home.beside(&format!("agent-{}.log", std::process::id()));
        let child = home
            .command(&["agent", "run", "--log-file", log.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// Whether its process is there.
    pub(crate) fn is_there(&self) -> bool {
        self.child.id().is_some_and(|id| std::fs::exists(format!("/proc/{id}/exe")).unwrap_or(false))
    }

    /// Its process number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// What it has written down.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = rustix::process::Pid::from_raw(self.id().cast_signed()).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Waits for its end; its exit code, -1 if a signal ended it.
    pub(crate) async fn ended(&mut self) -> i32 {
        self.child.wait().await.unwrap().code().unwrap_or(-1)
    }
}

/// `agent status --json` of an agent that runs.
pub(crate) async fn status(home: &Home) -> Value {
    let Ended { stdout, .. } = home.run(&["agent", "status", "--json"]).await;
    serde_json::from_str(&stdout).unwrap()
}
