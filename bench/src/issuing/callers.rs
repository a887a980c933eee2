//! Callers that use what they were given.

use anyhow::{Result, ensure};

use super::question::{Question, member};
use crate::line::Caller;

/// Keeps the access tokens it gets.
#[derive(Debug)]
pub(super) struct Collecting {
    pub(super) question: Vec<u8>,
    pub(super) tokens: Vec<String>,
}

impl Caller for Collecting {
    fn question(&mut self) -> &[u8] {
        &self.question
    }

    fn hear(&mut self, body: &[u8]) -> Result<()> {
        self.tokens.push(member(body, "access_token")?.to_owned());
        Ok(())
    }
}

/// Asks about one token after the other, all of which must be good.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    questions: Vec<Vec<u8>>,
    next: usize,
}

impl Asking {
    /// Starts with the question at `first`, so that no two callers ask the same at a time.
    pub(super) fn new(questions: Vec<Vec<u8>>, first: usize) -> Self {
        Self { next: first, questions }
    }
}

impl Caller for Asking {
    fn question(&mut self) -> &[u8] {
        self.next = (self.next + 1) % self.questions.len();
        &self.questions[self.next]
    }

    fn hear(&mut self, body: &[u8]) -> Result<()> {
        let is_active = body.windows(ACTIVE.len()).any(|part| part == ACTIVE);
        ensure!(is_active, "a good token that is not active: {}", String::from_utf8_lossy(body));
        Ok(())
    }
}

/// Spends the refresh token it has for the next one.
#[derive(Debug)]
pub(super) struct Refreshing {
    pub(super) path: &'static str,
    pub(super) client: String,
    pub(super) token: String,
    question: Vec<u8>,
}

impl Refreshing {
    pub(super) fn new(path: &'static str, client: &str, token: &str) -> Self {
        Self { path, client: client.to_owned(), token: token.to_owned(), question: Vec::new() }
    }
}

impl Caller for Refreshing {
    fn question(&mut self) -> &[u8] {
        let fields = vec![
            ("grant_type", "refresh_token"),
            ("client_id", &self.client),
            ("refresh_token", &self.token),
        ];
        self.question = Question { path: self.path, client: None, fields }.bytes();
        &self.question
    }

    fn hear(&mut self, body: &[u8]) -> Result<()> {
        self.token.clear();
        self.token.push_str(member(body, "refresh_token")?);
        Ok(())
    }
}

const ACTIVE: &[u8] = b"\"active\":true";
