//! Data goes to stdout, words go to stderr; nothing else in the program prints.

use std::io::{IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};

use super::screen::plain::wrapped;
use crate::exit::Failure;

/// Prints for one command.
#[derive(Debug)]
pub(crate) struct Printer {
    /// Whether data is wanted as JSON.
    pub(crate) json: bool,
}

#[expect(clippy::unused_self, reason = "who may print is decided by who is given the printer")]
impl Printer {
    /// Text on stdout, as it is. A reader who has gone away is not an error.
    pub(crate) fn data(&self, text: &str) {
        let mut out = anstream::stdout().lock();
        let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// One JSON document on stdout.
    pub(crate) fn document(&self, document: &serde_json::Value) {
        let text = serde_json::to_string_pretty(document).unwrap_or_default();
        self.data(&format!("{text}\n"));
    }

    /// A line for the person, on stderr.
    pub(crate) fn say(&self, line: &str) {
        let mut err = anstream::stderr().lock();
        let _gone = writeln!(err, "{line}");
    }

    /// A failed command, with its causes and the next step.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.say(&format!("{}: {}", paint("error", ERROR), failure.message));
        for cause in &failure.causes {
            self.say(&folded("  because: ", cause));
        }
        if let Some(hint) = &failure.hint {
            self.say(&format!("{}{}", paint("hint", HINT), folded(": ", hint)));
        }
    }

    /// Whether a person is reading stderr.
    pub(crate) fn person_is_watching(&self) -> bool {
        std::io::stderr().is_terminal()
    }
}

/// `text` after `lead`, in lines that fit a terminal; a command to copy stays on one line.
fn folded(lead: &str, text: &str) -> String {
    let lines: Vec<String> = text.lines().flat_map(|line| wrapped(line, WIDTH - LONGEST_LEAD)).collect();
    format!("{lead}{}", lines.join(&format!("\n{INDENT}")))
}

/// What every terminal has.
const WIDTH: usize = 80;
/// Of `  because: `, so that a first line fits as well.
const LONGEST_LEAD: usize = 11;
/// Under the words after `hint: `.
const INDENT: &str = "      ";

/// `text` in `style`; what cannot show colour strips it.
pub(crate) fn paint(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}

/// The word before an error.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// The word before a warning.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// The word before something good.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// The word before a hint.
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default();
