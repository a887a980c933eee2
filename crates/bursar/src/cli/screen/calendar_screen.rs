//! The table of `bursar status --calendar`: one line a deadline, the earliest first, and what to do about the first.

use std::fmt::Write as _;

use bursar_core::lifecycle::calendar::{Deadline, Occasion};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::WIDTH;
use super::account_view::{Viewing, rfc3339};
use super::note::login_command;
use super::plain::{plain, shortened, wrapped};
use super::time_words::{absolute, relative};

/// The table, at most 80 columns wide.
pub(crate) fn render(deadlines: &[Deadline<'_>], viewing: &Viewing<'_>) -> String {
    let Some(next) = deadlines.first() else {
        return "No login has an end that is known.\n".to_owned();
    };
    let rows: Vec<[String; COLUMNS]> = deadlines.iter().map(|deadline| row(deadline, viewing)).collect();
    let mut widths = [0; COLUMNS];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let excess = (widths.iter().sum::<usize>() + GAP * (COLUMNS - 1)).saturating_sub(WIDTH);
    widths[REFERENCE] -= excess;
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _always = write!(line, "{:width$}{:GAP$}", shortened(cell, width), "");
        }
        let _always = writeln!(text, "{}", line.trim_end());
    }
    text.push('\n');
    for line in wrapped(&format!("Next: {}", sentence(next, viewing.now)), WIDTH) {
        let _always = writeln!(text, "{line}");
    }
    text
}

/// The array of `--json`.
pub(crate) fn to_json(deadlines: &[Deadline<'_>], now: Timestamp) -> Value {
    deadlines
        .iter()
        .map(|deadline| {
            let account = deadline.account;
            json!({
                "schema": 1,
                "ref": account.reference.to_string(),
                "provider": account.reference.provider.as_str(),
                "account": account.reference.nickname.as_str(),
                "identity": account.identity.as_ref().map(|identity| &identity.label),
                "occasion": deadline.occasion.as_str(),
                "at": rfc3339(deadline.at),
                "seconds_left": deadline.at.duration_since(now).as_secs(),
                "command": command(deadline).trim_matches('`'),
            })
        })
        .collect()
}

fn row(deadline: &Deadline<'_>, viewing: &Viewing<'_>) -> [String; COLUMNS] {
    [
        absolute(deadline.at, viewing.zone),
        relative(deadline.at, viewing.now),
        plain(&deadline.account.reference.to_string()),
        words(deadline, viewing.now).to_owned(),
    ]
}

fn sentence(deadline: &Deadline<'_>, now: Timestamp) -> String {
    let reference = plain(&deadline.account.reference.to_string());
    format!(
        "{reference}: {} {}; run {}",
        words(deadline, now),
        relative(deadline.at, now),
        plain(&command(deadline))
    )
}

fn words(deadline: &Deadline<'_>, now: Timestamp) -> &'static str {
    let over = deadline.at <= now;
    match (deadline.occasion, over) {
        (Occasion::LoginRequired, _) => "login required",
        (Occasion::TokenEnds, false) => "token ends",
        (Occasion::TokenEnds, true) => "token ended",
        (Occasion::LoginEnds, false) => "login ends",
        (Occasion::LoginUnused, false) => "login ends unless used",
        (Occasion::LoginEnds | Occasion::LoginUnused, true) => "login ended",
        (Occasion::RotateAfter, false) => "login gets old",
        (Occasion::RotateAfter, true) => "login is old",
    }
}

fn command(deadline: &Deadline<'_>) -> String {
    match deadline.occasion {
        Occasion::LoginUnused => format!("`bursar refresh {}`", deadline.account.reference),
        _ => login_command(deadline.account),
    }
}

const COLUMNS: usize = 4;
const REFERENCE: usize = 2;
const GAP: usize = 2;
