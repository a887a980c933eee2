//! The real program with a home of its own: nothing of the machine's environment, home or keychain reaches it.

mod running;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use misbehaving_provider::{MisbehavingProvider, PUBLIC_CLIENT};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;

pub(crate) use self::running::{Running, redirect_of, visit};

/// A folder for one test: the home, which is not made yet, and beside it a key file.
#[derive(Debug)]
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

/// How a run of the program ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The exit code; -1 if a signal ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Home {
    /// A folder with a key file in it.
    pub(crate) fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        home.write_key("j0Rfr9dIw1cprKuwTz/dr78cKTiu5C+Oz1lpB8vYu4M=");
        home
    }

    /// `BURSAR_HOME`.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A place outside the home.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `BURSAR_MASTER_KEY_FILE`.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.beside("key")
    }

    /// Puts another key, in base64, into the key file.
    pub(crate) fn write_key(&self, key: &str) {
        write_private(&self.key_file(), key);
    }

    /// Writes `config.toml`, and makes the home if it is not there.
    pub(crate) fn write_config(&self, text: &str) {
        if !self.path().exists() {
            use std::os::unix::fs::DirBuilderExt as _;
            std::fs::DirBuilder::new().mode(0o700).create(self.path()).unwrap();
        }
        std::fs::write(self.path().join("config.toml"), text).unwrap();
    }

    /// The program with these arguments, ready to be started; add variables as the test needs them.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bursar"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", "/usr/bin:/bin")
            .env("TZ", "UTC")
            .env("BURSAR_HOME", self.path())
            .env("BURSAR_MASTER_KEY_FILE", self.key_file())
            // A test that wants an agent starts it, and ends it.
            .env("BURSAR_AGENT_ON_DEMAND", "false")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs the program to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        ended(&mut self.command(arguments)).await
    }

    /// Logs in with the browser flow, as a person who agrees to everything.
    pub(crate) async fn login(&self, provider: &MisbehavingProvider, nickname: &str) -> Ended {
        self.login_with(provider, nickname, &[]).await
    }

    /// The same with further arguments.
    pub(crate) async fn login_with(
        &self,
        provider: &MisbehavingProvider,
        nickname: &str,
        more: &[&str],
    ) -> Ended {
        let issuer = provider.issuer();
        let arguments = ["login", &issuer, "--client-id", PUBLIC_CLIENT, "--no-browser", "--as", nickname];
        let mut child = self.command(&[&arguments, more].concat()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut stderr = String::new();
        let mut visited = false;
        while let Some(line) = lines.next_line().await.unwrap() {
            let url =
                line.split_whitespace().find(|word| word.starts_with(&issuer) && word.contains("state="));
            if let Some(url) = url.filter(|_| !visited) {
                visited = true;
                let browser = reqwest::Client::builder().no_proxy().build().unwrap();
                browser.get(url).send().await.unwrap();
            }
            stderr.push_str(&line);
            stderr.push('\n');
        }
        let mut stdout = String::new();
        child.stdout.take().unwrap().read_to_string(&mut stdout).await.unwrap();
        let status = child.wait().await.unwrap();
        Ended { code: status.code().unwrap_or(-1), stdout, stderr }
    }

    /// Every file of the home with its bytes, to prove that nothing changed.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        collect(&self.path(), &mut files);
        files.sort();
        files
    }
}

/// Runs a prepared command to its end.
pub(crate) async fn ended(command: &mut Command) -> Ended {
    let output = command.output().await.unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// What differs from run to run, for snapshots: temporary folders and ports.
pub(crate) const FILTERS: [(&str, &str); 2] =
    [(r"/[^\s'`)]*/\.tmp[0-9A-Za-z]{6}", "[FOLDER]"), (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]")];

/// Puts [`FILTERS`] to work on every snapshot as long as the answer lives.
pub(crate) fn filters() -> impl Drop {
    let mut settings = insta::Settings::clone_current();
    for (differs, name) in FILTERS {
        settings.add_filter(differs, name);
    }
    settings.bind_to_scope()
}

impl fmt::Display for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            files.push((path, bytes));
        }
    }
}
