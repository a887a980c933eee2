//! The table of `bursar status --calendar`: one line a deadline, the earliest first, and what to do about the first.

use std::fmt::Write as _;

use bursar_core::lifecycle::calendar::{Deadline, Occasion};
use jiff::Timestamp;
use serde_json::Value;

use super::WIDTH;
use super::plain::{plain, shortened, wrapped};
use crate::account_view::Viewing;
use crate::account_view::note::deadline_command;
use crate::account_view::time_words::{absolute, relative};
use crate::http::wire::DeadlineDocument;

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
    let documents = deadlines.iter().map(|deadline| DeadlineDocument::of(deadline, now));
    documents.map(|document| serde_json::to_value(document).unwrap_or_default()).collect()
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
        plain(&deadline_command(deadline))
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

const COLUMNS: usize = 4;
const REFERENCE: usize = 2;
const GAP: usize = 2;
