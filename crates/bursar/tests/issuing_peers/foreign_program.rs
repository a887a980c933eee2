//! A program by others, or a script that is made of their library; both say on standard output what they need.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A started one. Dropping it ends it.
#[derive(Debug)]
pub(super) struct ForeignProgram {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    said: String,
}

impl ForeignProgram {
    /// A script of `peers/`, for Node.js.
    pub(super) fn of_node(arguments: &[&str]) -> Self {
        Self::of(Command::new(peers().join("node/run")).args(arguments))
    }

    /// A script of `peers/`, for Python.
    pub(super) fn of_python(script: &str) -> Self {
        // Bytecode beside the scripts would be in the way of whoever looks at the folder.
        Self::of(Command::new(python()).arg("-B").arg(peers().join(script)))
    }

    fn of(command: &mut Command) -> Self {
        // A proxy of the machine has no business here. What they complain about goes to the test's own standard error.
        for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("it is installed: run scripts/setup-tests");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { stdin: child.stdin.take().unwrap(), lines, child, said: String::new() }
    }

    /// Tells it something.
    pub(super) async fn is_told(&mut self, line: &Value) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// What it says next; nothing after its end.
    pub(super) async fn says(&mut self) -> Option<String> {
        let line = self.lines.next_line().await.unwrap();
        self.said.extend(line.iter().flat_map(|line| [line.as_str(), "\n"]));
        line
    }

    /// Waits for its end, which must be a good one. Returns what it has said.
    pub(super) async fn succeeded(mut self) -> String {
        let status = self.child.wait().await.unwrap();
        assert!(status.success(), "it ended with {status}:\n{}", self.said);
        self.said
    }
}

#[expect(clippy::disallowed_methods, reason = "where scripts/setup-tests put the Python peers")]
fn python() -> PathBuf {
    let usual = || Path::new(&std::env::var_os("HOME").unwrap()).join(".cache/bursar-tests");
    let home = std::env::var_os("BURSAR_TEST_HOME").map_or_else(usual, PathBuf::from);
    home.join("python/bin/python")
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../peers")
}
