//! What was found, as Markdown.

use std::fmt::Write as _;

/// Lines about the machine, and tables.
#[derive(Debug, Default)]
pub(crate) struct Report {
    notes: Vec<String>,
    tables: Vec<Table>,
}

/// One table.
#[derive(Debug)]
pub(crate) struct Table {
    title: String,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Report {
    /// Starts with what is known about the machine.
    pub(crate) fn new(notes: Vec<String>) -> Self {
        Self { notes, tables: Vec::new() }
    }

    /// Adds a line under the tables.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Adds a table.
    pub(crate) fn table(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// The whole report.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        for Table { title, head, rows } in &self.tables {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "## {title}\n\n| {} |", head.join(" | "));
            let _ = writeln!(text, "|---|{}", "---:|".repeat(head.len() - 1));
            for row in rows {
                let _ = writeln!(text, "| {} |", row.join(" | "));
            }
            text.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(text, "- {note}");
        }
        text
    }
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(title: impl Into<String>, head: &[&'static str]) -> Self {
        Self { title: title.into(), head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, with one text for each column.
    pub(crate) fn row(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }
}
