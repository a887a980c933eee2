//! The tree of `bursar status`: providers, their accounts, and a summary.

use std::fmt::Write as _;

use bursar_core::lifecycle::shown::Bucket;
use jiff::Timestamp;

use super::WIDTH;
use super::plain::{plain, shortened, wrapped};
use super::tag::{painted, tag};
use crate::account_view::time_words::both;
use crate::account_view::{AccountView, Viewing};

/// What the screen shows.
#[derive(Debug)]
pub(crate) struct StatusScreen<'a> {
    /// The accounts, those of a provider side by side.
    pub(crate) accounts: &'a [AccountView],
    /// What protects the tokens; `None`: there is no vault.
    pub(crate) protection: Option<&'a str>,
    /// How many given-up logins wait for their provider to revoke them.
    pub(crate) revocations: usize,
}

impl StatusScreen<'_> {
    /// The text, with colours that a plain terminal has to be spared.
    pub(crate) fn render(&self, viewing: &Viewing<'_>) -> String {
        let mut text = String::new();
        let mut heading = None;
        for view in self.accounts {
            let provider = &view.reference.provider;
            if heading != Some(provider) {
                heading = Some(provider);
                let _always = writeln!(text, "{}:", provider_heading(view));
            }
            for line in account_lines(view, viewing) {
                let _always = writeln!(text, "{line}");
            }
            text.push('\n');
        }
        for line in self.summary() {
            let _always = writeln!(text, "{line}");
        }
        text
    }

    fn summary(&self) -> Vec<String> {
        let count = |bucket| self.accounts.iter().filter(|view| view.state.bucket() == bucket).count();
        let mut lines = vec![format!(
            "Healthy: {}  Expiring soon: {}  Expired: {}",
            count(Bucket::Healthy),
            count(Bucket::ExpiringSoon),
            count(Bucket::Expired),
        )];
        if let Some(protection) = self.protection {
            lines.extend(wrapped(&format!("Tokens are sealed; master key: {}", plain(protection)), WIDTH));
        }
        if self.revocations > 0 {
            let logins = if self.revocations == 1 { "login" } else { "logins" };
            let waiting = format!(
                "Waiting to be revoked at the provider: {} {logins}; try again with `bursar cleanup`",
                self.revocations
            );
            lines.extend(wrapped(&waiting, WIDTH));
        }
        lines
    }
}

/// One account in a sentence, for messages.
pub(crate) fn one_line(view: &AccountView) -> String {
    let note = view.note.as_ref().map_or_else(String::new, |note| format!(": {note}"));
    let said = plain(&format!("{} is {}{note}", view.reference, view.state.as_str()));
    format!("{} {said}", painted(&tag(view.state), view.state))
}

fn provider_heading(view: &AccountView) -> String {
    let (name, id) = (plain(&view.surroundings.provider_name), view.reference.provider.as_str());
    // What is typed in commands must be on the screen.
    if name.eq_ignore_ascii_case(id) { name } else { format!("{name} ({id})") }
}

fn account_lines(view: &AccountView, viewing: &Viewing<'_>) -> Vec<String> {
    let mut lines = vec![title(view)];
    for (label, value) in facts(view, viewing) {
        let mut label = label;
        for part in wrapped(&plain(&value), WIDTH - INDENT - LABEL) {
            lines.push(format!("{:INDENT$}{label:LABEL$}{part}", ""));
            label = "";
        }
    }
    lines
}

fn title(view: &AccountView) -> String {
    let tag = tag(view.state);
    let mut remark = String::new();
    for (said, word) in [(view.surroundings.default, ", default"), (view.paused, ", paused")] {
        remark.push_str(if said { word } else { "" });
    }
    let nickname = plain(view.reference.nickname.as_str());
    let room = WIDTH.saturating_sub(INDENT + nickname.chars().count() + remark.len() + " ()".len());
    let who = match &view.identity {
        Some(identity) if room > 1 => format!(" ({})", shortened(&plain(identity), room)),
        _ => String::new(),
    };
    let gap = INDENT - TAG_INDENT - tag.len();
    format!("{:TAG_INDENT$}{}{:gap$}{nickname}{who}{remark}", "", painted(&tag, view.state), "")
}

fn facts(view: &AccountView, viewing: &Viewing<'_>) -> Vec<(&'static str, String)> {
    let told = |time: Timestamp| both(time, viewing.now, viewing.zone);
    let mut facts = vec![
        ("state", view.state.as_str().to_owned()),
        ("expires", view.expires_at.map_or_else(|| "no known end".to_owned(), told)),
    ];
    // Without renewal the two ends are one.
    if view.grant_expires_at != view.expires_at {
        facts.extend(view.grant_expires_at.map(|end| ("login ends", told(end))));
    }
    facts.push(("logged in", told(view.created_at)));
    facts.push(("last refreshed", view.last_refreshed.map_or_else(|| "never".to_owned(), told)));
    facts.extend(view.surroundings.last_used.map(|time| ("last used", told(time))));
    facts.push(("sessions", view.surroundings.sessions.to_string()));
    facts.extend(view.note.clone().map(|note| ("note", note)));
    facts
}

const TAG_INDENT: usize = 2;
/// Room for the longest tag, `[ERROR]`, and a space.
const INDENT: usize = TAG_INDENT + 8;
/// Room for the longest label, `last refreshed`, and two spaces.
const LABEL: usize = 16;
