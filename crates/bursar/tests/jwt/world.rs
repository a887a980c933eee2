//! A home with secrets and keys in files, and the program with a token on stdin.

use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;

use crate::support::{Ended, Home, write_private};

/// Shorter ones are found in ordinary words.
const SHORTEST: usize = 10;

pub(super) const SECRET: &str = "a-secret-of-more-than-thirty-two-bytes";

#[derive(Debug)]
pub(super) struct World {
    pub(super) home: Home,
}

impl World {
    pub(super) fn new() -> Self {
        let world = Self { home: Home::new() };
        world.write("secret", SECRET);
        world
    }

    /// Writes a file only its owner can read, and tells its path.
    pub(super) fn write(&self, name: &str, text: &str) -> String {
        let path = self.home.beside(name);
        write_private(&path, text);
        path.display().to_string()
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.home.beside(name).display().to_string()
    }

    /// `bursar jwt` with these arguments; `@name` stands for a file beside the home.
    pub(super) async fn run(&self, arguments: &[&str], stdin: &str) -> Ended {
        let words: Vec<String> = arguments
            .iter()
            .map(|word| word.strip_prefix('@').map_or_else(|| (*word).to_owned(), |name| self.path(name)))
            .collect();
        let mut line = vec!["jwt"];
        line.extend(words.iter().map(String::as_str));
        let mut child = self.home.command(&line).stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        // Who refuses the arguments reads nothing.
        let _gone = input.write_all(stdin.as_bytes()).await;
        drop(input);
        let output = child.wait_with_output().await.unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A token signed with [`SECRET`], as one more file.
    pub(super) async fn mint(&self, arguments: &[&str]) -> String {
        let line = [&["mint", "--secret-file", "@secret"], arguments].concat();
        let ended = self.run(&line, "").await;
        assert_eq!(ended.code, 0, "{ended}");
        ended.stdout.trim().to_owned()
    }

    /// What verifying `token` with [`SECRET`] says, by its word; `good` if it is.
    pub(super) async fn verdict(&self, token: &str, arguments: &[&str]) -> String {
        let line = [&["verify", "--secret-file", "@secret", "--json"], arguments].concat();
        let ended = self.run(&line, token).await;
        let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(document["schema"], 1);
        let is_valid = document["valid"].as_bool().unwrap();
        assert_eq!(ended.code, i32::from(!is_valid), "{ended}");
        assert!(!ended.stderr.contains(token) || token.len() < SHORTEST, "{ended}");
        if is_valid { "good".to_owned() } else { document["error"].as_str().unwrap().to_owned() }
    }
}
