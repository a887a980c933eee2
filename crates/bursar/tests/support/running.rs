//! The program while it runs: what it says on stderr is read line by line, so that a test can act when it must.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use super::{Ended, Home};

/// A started program. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    said: String,
}

impl Home {
    /// Starts the program with these arguments.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::of(&mut self.command(arguments))
    }

    /// What is stored, as far as time alone does not change it: every account with its token.
    pub(crate) async fn stored(&self) -> Vec<(serde_json::Value, String)> {
        let list = self.run(&["list", "--json"]).await;
        assert_eq!(list.code, 0, "{list}");
        let accounts: Vec<serde_json::Value> = serde_json::from_str(&list.stdout).unwrap();
        let mut stored = Vec::new();
        for account in accounts {
            let reference = account["ref"].as_str().unwrap().to_owned();
            let token = self.run(&["token", &reference]).await;
            assert_eq!(token.code, 0, "{token}");
            let facts = ["ref", "identity", "expires_at", "generation", "scope", "created_at"];
            stored.push((facts.iter().map(|fact| account[*fact].clone()).collect(), token.stdout));
        }
        stored
    }
}

impl Running {
    /// Starts a prepared command whose stdout and stderr are pipes.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines, said: String::new() }
    }

    /// The process's id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Waits until it says a line of which `found` makes something.
    pub(crate) async fn says<T>(&mut self, found: impl Fn(&str) -> Option<T>) -> T {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            self.said.push_str(&line);
            self.said.push('\n');
            if let Some(found) = found(&line) {
                return found;
            }
        }
        panic!("it ended without saying so:\n{}", self.said);
    }

    /// Waits for something that happens elsewhere, while it runs: what it says meanwhile fills no pipe.
    pub(crate) async fn until<T>(&mut self, event: impl Future<Output = T>) -> T {
        let mut event = std::pin::pin!(event);
        loop {
            tokio::select! {
                value = &mut event => return value,
                line = self.lines.next_line() => match line.unwrap() {
                    Some(line) => {
                        self.said.push_str(&line);
                        self.said.push('\n');
                    }
                    None => panic!("it ended before that:\n{}", self.said),
                },
            }
        }
    }

    /// Waits for the address it wants to be opened.
    pub(crate) async fn address(&mut self) -> String {
        self.says(|line| line.strip_prefix("  ").filter(|rest| rest.starts_with("http")).map(str::to_owned))
            .await
    }

    /// Writes to its stdin, which must be a pipe, and closes it.
    pub(crate) async fn is_told(&mut self, text: &str) {
        let mut stdin = self.child.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).await.unwrap();
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_raw(self.id().cast_signed()).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Waits for a line on stdout.
    pub(crate) async fn prints(&mut self, line: &str) {
        let mut printed = b"\n".to_vec();
        let stdout = self.child.stdout.as_mut().unwrap();
        while !printed.ends_with(format!("\n{line}\n").as_bytes()) {
            printed.push(stdout.read_u8().await.expect("it ended without printing the line"));
        }
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> Ended {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            self.said.push_str(&line);
            self.said.push('\n');
        }
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).await.unwrap();
        let status = self.child.wait().await.unwrap();
        Ended { code: status.code().unwrap_or(-1), stdout, stderr: self.said }
    }
}

/// Opens an address as a browser would: follows every redirect. Returns the last page and where it was.
pub(crate) async fn visit(address: &str) -> (String, String) {
    let browser = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
    let answer = browser.get(address).send().await.unwrap();
    let place = answer.url().to_string();
    (answer.text().await.unwrap(), place)
}

/// The address the provider sends the browser to, without going there.
pub(crate) async fn redirect_of(address: &str) -> String {
    let policy = reqwest::redirect::Policy::none();
    let browser = reqwest::Client::builder().no_proxy().redirect(policy).build().unwrap();
    let answer = browser.get(address).send().await.unwrap();
    answer.headers()["location"].to_str().unwrap().to_owned()
}
