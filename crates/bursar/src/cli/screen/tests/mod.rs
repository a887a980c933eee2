//! What every state looks like.

mod calendar;
mod cleanup;
mod json;
mod list;
mod notes;
mod rebuild;
mod states;
mod status;

/// The text without colours.
fn bare(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// No line is wider than a terminal.
fn assert_narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= super::WIDTH, "{} columns: {line}", line.chars().count());
    }
}
