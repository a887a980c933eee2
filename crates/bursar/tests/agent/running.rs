//! An agent of a test: started in the foreground, its log in a file, ended when dropped.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::support::{Ended, Home};

/// A running agent that answers.
#[derive(Debug)]
pub(crate) struct Agent {
    child: Child,
    log: PathBuf,
}

impl Agent {
    /// Starts one and waits until it answers.
    pub(crate) async fn start(home: &Home) -> Self {
        Self::starting(home).answering(home).await
    }

    /// Starts one and does not wait.
    pub(crate) fn starting(home: &Home) -> Self {
        Self::of(home, &mut home.command(&["agent", "run"]))
    }

    /// Starts a prepared `agent run` and does not wait.
    pub(crate) fn of(home: &Home, command: &mut Command) -> Self {
        let log = home.beside(&format!("agent-{}.log", std::process::id()));
        command.arg("--log-file").arg(&log).stdout(Stdio::null()).stderr(Stdio::null());
        Self { child: command.spawn().unwrap(), log }
    }

    /// Itself, as soon as it answers.
    pub(crate) async fn answering(self, home: &Home) -> Self {
        while home.run(&["agent", "status"]).await.code != 0 {
            assert!(self.is_there(), "the agent has ended:\n{}", self.log());
        }
        self
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

    /// Waits until its log has these words; the test's own time limit ends a wait for what never comes.
    pub(crate) async fn writes(&self, words: &str) {
        while !self.log().contains(words) {
            a_moment().await;
        }
    }

    /// Ends its standard input, if that is a pipe.
    pub(crate) fn goes_on(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(pid(self.id()), signal).unwrap();
    }

    /// Waits for its end; its exit code, -1 if a signal ended it.
    pub(crate) async fn ended(&mut self) -> i32 {
        self.child.wait().await.unwrap().code().unwrap_or(-1)
    }
}

/// An agent that a command has started in the background, ended when dropped.
#[derive(Debug)]
pub(crate) struct Background {
    process: u32,
}

impl Background {
    /// The agent of this home, as soon as it answers.
    pub(crate) async fn of(home: &Home) -> Self {
        loop {
            let document = status(home).await;
            if let Some(process) = document["process"].as_u64() {
                return Self { process: process.try_into().unwrap() };
            }
            a_moment().await;
        }
    }

    /// Its process number.
    pub(crate) fn id(&self) -> u32 {
        self.process
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // The number may be another's by now.
        let line = std::fs::read(format!("/proc/{}/cmdline", self.process)).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains("agent\0run") {
            let _gone = rustix::process::kill_process(pid(self.process), Signal::KILL);
        }
    }
}

/// `agent status --json`.
pub(crate) async fn status(home: &Home) -> Value {
    let Ended { stdout, .. } = home.run(&["agent", "status", "--json"]).await;
    serde_json::from_str(&stdout).unwrap_or_default()
}

/// Lets others work between two looks at something that will change.
pub(crate) async fn a_moment() {
    let never = std::future::pending::<()>();
    let _passed = tokio::time::timeout(Duration::from_millis(10), never).await;
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.cast_signed()).unwrap()
}
