//! A home that is watched: everything the program says and leaves behind is kept, and searched at the end.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use misbehaving_provider::MisbehavingProvider;
use tokio::process::Command;

use super::needles::Needles;
use super::processes;
use crate::support::{Ended, Home, Running, write_private};

/// What the program is given, and must not pass on.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) home: Home,
    /// Things that were seen, with where.
    seen: Vec<(String, Vec<u8>)>,
    /// Files that the test itself put secrets into.
    given: BTreeSet<PathBuf>,
    needles: Needles,
}

/// The key of [`Home`].
const MASTER_KEY: &str = "Vq8mXoQ3f0xv2J5zT7pLr9cKd1WgYb4NhSaEu6iMjkA=";

impl Watched {
    pub(super) fn new() -> Self {
        let home = Home::new();
        std::fs::create_dir(home.beside("tmp")).unwrap();
        let mut watched =
            Self { home, seen: Vec::new(), given: BTreeSet::new(), needles: Needles::default() };
        watched.home.write_key(MASTER_KEY);
        watched.given.insert(watched.home.key_file());
        watched.needles.add_key("the master key", MASTER_KEY);
        watched
    }

    /// A private file with a secret, which the search then leaves out but its content it looks for.
    pub(super) fn secret_file(&mut self, name: &str, secret: &str) -> String {
        let path = self.home.beside(name);
        write_private(&path, secret);
        self.given.insert(path.clone());
        self.needles.add(name, secret);
        path.to_str().unwrap().to_owned()
    }

    /// The program at its most talkative.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(&[&["-vv"], arguments].concat());
        command.env("BURSAR_LOG", "trace").env("TMPDIR", self.home.beside("tmp"));
        command
    }

    /// Starts a prepared command, and looks at the process at once.
    pub(super) fn start(&mut self, command: &mut Command) -> Running {
        let running = Running::of(command);
        self.look_at(running.id(), "bursar");
        running
    }

    /// Keeps arguments and environment of a process that runs.
    pub(super) fn look_at(&mut self, process: u32, name: &str) {
        for (what, bytes) in processes::visible(process) {
            self.saw(&format!("{what} of {name}"), bytes);
        }
    }

    /// Keeps something that was seen.
    pub(super) fn saw(&mut self, place: &str, bytes: impl Into<Vec<u8>>) {
        self.seen.push((place.to_owned(), bytes.into()));
    }

    /// Runs a command that prints no token; its code must be this one.
    pub(super) async fn run(&mut self, arguments: &[&str], code: i32) -> Ended {
        let mut command = self.command(arguments);
        let running = self.start(&mut command);
        self.kept(&arguments.join(" "), running.ended().await, code)
    }

    /// Runs a command whose business is to print a token: its stdout is left alone.
    pub(super) async fn run_printing(&mut self, arguments: &[&str], code: i32) -> String {
        let mut command = self.command(arguments);
        let running = self.start(&mut command);
        let Ended { stdout, stderr, code: ended } = running.ended().await;
        self.kept(&arguments.join(" "), Ended { code: ended, stdout: String::new(), stderr }, code);
        stdout.trim_end().to_owned()
    }

    /// Keeps what a program said.
    pub(super) fn kept(&mut self, line: &str, ended: Ended, code: i32) -> Ended {
        assert_eq!(ended.code, code, "{line}\n{ended}");
        self.saw(&format!("stdout of `{line}`"), ended.stdout.as_bytes());
        self.saw(&format!("stderr of `{line}`"), ended.stderr.as_bytes());
        self.look_at_files();
        ended
    }

    /// Logs in with the browser flow.
    pub(super) async fn login(&mut self, provider: &MisbehavingProvider, nickname: &str, code: i32) {
        let issuer = provider.issuer();
        let client = misbehaving_provider::PUBLIC_CLIENT;
        let line = ["login", &issuer, "--client-id", client, "--no-browser", "--as", nickname];
        let mut command = self.command(&line);
        let mut running = self.start(&mut command);
        let address = running.address().await;
        self.saw("the address for the browser", address.as_bytes());
        crate::support::visit(&address).await;
        self.kept("login", running.ended().await, code);
    }

    /// Keeps every file of the home, the temporary folder and beside them, as they are now.
    pub(super) fn look_at_files(&mut self) {
        let mut files = Vec::new();
        collect(&self.home.beside(""), &mut files);
        for (path, bytes) in files {
            if !self.given.contains(&path) {
                // The name of a file can tell as much as its content.
                self.saw("names of files", path.to_str().unwrap().as_bytes());
                self.saw(&path.display().to_string(), bytes);
            }
        }
    }

    /// Looks for all secrets of the provider, and those that were given, in all that was seen.
    #[track_caller]
    pub(super) fn assert_clean(mut self, provider: &MisbehavingProvider) {
        self.look_at_files();
        for secret in provider.secrets() {
            self.needles.add(&format!("secret of the provider {secret}"), &secret);
        }
        assert!(
            self.needles.count() > 20 && self.seen.len() > 10,
            "there is something to look for, and somewhere"
        );
        let leaks: BTreeSet<String> = self
            .seen
            .iter()
            .flat_map(|(place, bytes)| {
                self.needles.found_in(bytes).into_iter().map(move |name| format!("{name} in {place}"))
            })
            .collect();
        assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), Vec::from_iter(leaks).join("\n"));
    }
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if let Ok(bytes) = std::fs::read(&path) {
            files.push((path, bytes));
        }
    }
}
