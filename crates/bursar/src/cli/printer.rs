//! Data goes to stdout, words go to stderr; nothing else in the program prints.

use std::io::{IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};

use super::exit::Failure;

/// Prints for one command.
#[derive(Debug)]
pub(crate) struct Printer {
    /// Whether data is wanted as JSON.
    pub(crate) json: bool,
}

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
            self.say(&format!("  because: {cause}"));
        }
        if let Some(hint) = &failure.hint {
            self.say(&format!("{}: {hint}", paint("hint", HINT)));
        }
    }

    /// Whether a person is reading stderr.
    pub(crate) fn person_is_watching(&self) -> bool {
        std::io::stderr().is_terminal()
    }
}

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
