//! A run of `bursar exec` whose command is talked to while it runs.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use crate::support::{Ended, Home};

/// Dropping it ends it.
#[derive(Debug)]
pub(super) struct Talk {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Lines<BufReader<ChildStderr>>,
    said: String,
}

impl Talk {
    /// Runs `script` in a shell with these options of `exec`.
    pub(super) fn begin(home: &Home, options: &[&str], script: &str) -> Self {
        let arguments = [&["exec"], options, &["--", "sh", "-c", script]].concat();
        Self::of(&mut home.command(&arguments))
    }

    /// Starts a prepared command.
    pub(super) fn of(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()).lines(),
            stderr: BufReader::new(child.stderr.take().unwrap()).lines(),
            child,
            said: String::new(),
        }
    }

    /// Of the process that was started: bursar.
    pub(super) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Sends bursar a signal.
    pub(super) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_raw(self.id().cast_signed()).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// The next line on stdout.
    pub(super) async fn line(&mut self) -> String {
        self.stdout.next_line().await.unwrap().expect("it ended without printing a line")
    }

    /// Waits for a line on stderr with these words.
    pub(super) async fn says(&mut self, words: &str) -> String {
        while let Some(line) = self.stderr.next_line().await.unwrap() {
            self.said.push_str(&line);
            self.said.push('\n');
            if line.contains(words) {
                return line;
            }
        }
        panic!("it ended without saying so:\n{}", self.said);
    }

    /// Writes a line to stdin.
    pub(super) async fn tell(&mut self, line: &str) {
        self.stdin.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Closes stdin and waits for the end; what was read before is not in it, but for what was said.
    pub(super) async fn ended(mut self) -> Ended {
        drop(self.stdin.take());
        let mut stdout = String::new();
        while let Some(line) = self.stdout.next_line().await.unwrap() {
            stdout.push_str(&line);
            stdout.push('\n');
        }
        while let Some(line) = self.stderr.next_line().await.unwrap() {
            self.said.push_str(&line);
            self.said.push('\n');
        }
        let status = self.child.wait().await.unwrap();
        Ended { code: status.code().unwrap_or(-1), stdout, stderr: self.said }
    }
}
