//! What `bursar rebuild` saved and what it could not, and which logins have to be made again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use bursar_core::lifecycle::reference::AccountReference;
use bursar_core::ports::event::Event;
use serde_json::{Value, json};

use super::WIDTH;
use super::plain::{plain, wrapped};

/// What became of a damaged store.
#[derive(Clone, Debug)]
pub(crate) struct Rebuilt {
    /// The store.
    pub(crate) file: PathBuf,
    /// Where the damaged file is now.
    pub(crate) moved_to: PathBuf,
    /// How many accounts were saved.
    pub(crate) accounts: u64,
    /// How many other records were saved.
    pub(crate) others: u64,
    /// How many events were saved.
    pub(crate) events: u64,
    /// What was not saved, one sentence each.
    pub(crate) lost: Vec<String>,
    /// Whether the saved secrets can still be opened: their key is a record too.
    pub(crate) secrets_open: bool,
    /// What to run for each login that is gone.
    pub(crate) login_again: Vec<LostLogin>,
}

/// A login that was in the damaged store and is not in the new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LostLogin {
    /// Its reference, `PROVIDER:NICKNAME`.
    pub(crate) reference: String,
    /// The command that makes it again.
    pub(crate) command: String,
}

/// What the rest of a store still tells about its accounts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traces {
    /// How many accounts there are.
    pub(crate) accounts: u64,
    /// Keys of the accounts that are there, or were given up.
    pub(crate) accounted_for: BTreeSet<String>,
    /// Accounts that other records point to.
    pub(crate) pointed_to: Vec<String>,
    /// The audit log, in order.
    pub(crate) events: Vec<Event>,
    /// Issuers of the providers that are not in the catalogue, by provider.
    pub(crate) issuers: BTreeMap<String, String>,
}

impl Traces {
    /// The logins that must have been there and are not any more.
    pub(crate) fn lost_logins(&self) -> Vec<LostLogin> {
        let mut logged_in: BTreeMap<String, &str> = BTreeMap::new();
        for reference in &self.pointed_to {
            logged_in.insert(reference.to_lowercase(), reference);
        }
        for event in &self.events {
            let key = event.subject.to_lowercase();
            match event.name.as_str() {
                "account.logged_in" => logged_in.insert(key, &event.subject),
                "account.logged_out" => logged_in.remove(&key),
                _ => None,
            };
        }
        logged_in
            .into_iter()
            .filter(|(key, _)| !self.accounted_for.contains(key))
            .filter_map(|(_, reference)| self.lost_login(reference))
            .collect()
    }

    fn lost_login(&self, reference: &str) -> Option<LostLogin> {
        let (provider, nickname) = reference.split_once(':')?;
        let target = self.issuers.get(provider).map_or(provider, String::as_str);
        let command = format!("bursar login {target} --as {nickname}");
        Some(LostLogin { reference: reference.to_owned(), command })
    }
}

/// The key a reference has in [`Traces`].
pub(crate) fn trace_key(reference: &AccountReference) -> String {
    reference.to_string().to_lowercase()
}

impl Rebuilt {
    /// The text.
    pub(crate) fn render(&self) -> String {
        let mut paragraphs = vec![
            format!("rebuilt {}", self.file.display()),
            format!("the damaged file was kept as {}", self.moved_to.display()),
            format!(
                "saved: {}, {}, {}",
                counted(self.accounts, "account"),
                counted(self.others, "other record"),
                counted(self.events, "event")
            ),
        ];
        paragraphs.extend(self.lost.iter().map(|lost| format!("lost: {lost}")));
        if !self.secrets_open {
            paragraphs.push(
                "lost: the key of the saved tokens; restore a backup of the data folder, or log in again to every \
                 account"
                    .to_owned(),
            );
        }
        if !self.login_again.is_empty() {
            paragraphs.push("these logins were lost; make them again:".to_owned());
        }
        let mut text = String::new();
        for paragraph in paragraphs {
            let _always = writeln!(text, "{}", wrapped(&plain(&paragraph), WIDTH - INDENT).join("\n  "));
        }
        for login in &self.login_again {
            // Not wrapped: it is there to be copied.
            let _always = writeln!(text, "  {}", plain(&login.command));
        }
        text
    }

    /// The object of `--json`.
    pub(crate) fn to_json(&self) -> Value {
        let login_again: Vec<Value> = self
            .login_again
            .iter()
            .map(|login| json!({"schema": 1, "ref": login.reference, "command": login.command}))
            .collect();
        json!({
            "schema": 1,
            "rebuilt": true,
            "file": self.file.display().to_string(),
            "damaged_file": self.moved_to.display().to_string(),
            "saved": {"accounts": self.accounts, "other_records": self.others, "events": self.events},
            "lost": self.lost,
            "secrets_open": self.secrets_open,
            "login_again": login_again,
        })
    }
}

fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Of every line of a paragraph but the first.
const INDENT: usize = 2;
