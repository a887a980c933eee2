//! Tables and sheets of anything: columns as wide as they must be, at most 80 columns in all.

use super::WIDTH;
use super::plain::{plain, shortened, wrapped};

/// A table with these headings. The column `spare` gives way where a line would be too long.
pub(in crate::cli) fn table<const COLUMNS: usize>(
    headings: [&str; COLUMNS],
    spare: usize,
    rows: &[[String; COLUMNS]],
) -> String {
    let rows: Vec<[String; COLUMNS]> =
        rows.iter().map(|row| std::array::from_fn(|column| plain(&row[column]))).collect();
    let mut widths = headings.map(|heading| heading.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let whole = widths.iter().sum::<usize>() + GAP.len() * COLUMNS.saturating_sub(1);
    widths[spare] = widths[spare].saturating_sub(whole.saturating_sub(WIDTH)).max(LEAST);
    let mut text = line(&headings.map(str::to_owned), &widths);
    for row in &rows {
        text.push_str(&line(row, &widths));
    }
    text
}

/// One thing a line: its name, and what it is. Long texts go on beneath; what is one word is never cut.
pub(in crate::cli) fn sheet(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, fact) in facts {
        let lines: Vec<String> = fact
            .lines()
            .flat_map(|line| wrapped(&plain(line), WIDTH.saturating_sub(width + GAP.len())))
            .collect();
        let mut lead = format!("{name:width$}");
        for line in if lines.is_empty() { vec!["-".to_owned()] } else { lines } {
            text.extend([lead.as_str(), GAP, line.as_str(), "\n"]);
            lead = " ".repeat(width);
        }
    }
    text
}

fn line<const COLUMNS: usize>(cells: &[String; COLUMNS], widths: &[usize; COLUMNS]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, &width)| {
            let cell = shortened(cell, width);
            let padding = width.saturating_sub(cell.chars().count());
            format!("{cell}{}", " ".repeat(padding))
        })
        .collect();
    format!("{}\n", cells.join(GAP).trim_end())
}

const GAP: &str = "  ";
/// A few letters tell more than none.
const LEAST: usize = 8;
