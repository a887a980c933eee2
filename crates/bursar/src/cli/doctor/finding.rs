//! What one check found, and how it looks on the screen and in JSON.

use serde_json::{Value, json};

use super::super::printer::{ERROR, GOOD, WARN, paint};
use crate::exit::Failure;

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// The check; stable, for scripts.
    pub(super) name: &'static str,
    pub(super) verdict: Verdict,
    /// What is so, in one or two sentences.
    pub(super) what: String,
    /// What to do about it, the command if there is one.
    pub(super) remedy: Option<String>,
}

/// Ordered from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Works, but somebody should look at it.
    Warn,
    /// Something does not work.
    Fail,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    /// The tag before a line, painted, with the spaces that make all tags equally wide.
    pub(super) fn tag(self) -> String {
        match self {
            Self::Ok => format!("{}  ", paint("[OK]", GOOD)),
            Self::Warn => paint("[WARN]", WARN),
            Self::Fail => paint("[FAIL]", ERROR),
        }
    }
}

impl Finding {
    pub(super) fn ok(name: &'static str, what: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, what: what.into(), remedy: None }
    }

    pub(super) fn warn(name: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warn, what: what.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn fail(name: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Fail, what: what.into(), remedy: Some(remedy.into()) }
    }

    /// What would end any other command.
    pub(super) fn failure(name: &'static str, failure: Failure) -> Self {
        let what = [vec![failure.message], failure.causes].concat().join(": ");
        Self { name, verdict: Verdict::Fail, what, remedy: failure.hint }
    }

    /// For scripts.
    pub(super) fn document(&self) -> Value {
        json!({
            "schema": 1,
            "name": self.name,
            "verdict": self.verdict.word(),
            "what": self.what,
            "remedy": self.remedy,
        })
    }

    /// For people: the tag, what is so, and below it the remedy.
    pub(super) fn text(&self) -> String {
        let what = hanging(&format!("{} ", self.verdict.tag()), INDENT, &self.what);
        let remedy = self.remedy.as_deref().unwrap_or_default();
        what + &hanging(&format!("{}-> ", " ".repeat(INDENT)), INDENT + 3, remedy)
    }
}

/// `text` in lines after `mark`, which looks `indent` characters wide.
pub(super) fn hanging(mark: &str, indent: usize, text: &str) -> String {
    let lines = wrap(text, WIDTH - indent).join(&format!("\n{}", " ".repeat(indent)));
    if lines.is_empty() { lines } else { format!("{mark}{lines}\n") }
}

/// The width every terminal has.
const WIDTH: usize = 80;

/// The widest tag and a space.
pub(super) const INDENT: usize = 7;

/// Lines of at most `width` characters. What stands between backticks stays together, because it is copied; a word
/// that is longer than a line is not cut either.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words(text) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Pieces between spaces outside backticks.
fn words(text: &str) -> Vec<&str> {
    let mut quoted = false;
    let split = text.split(|letter: char| {
        quoted ^= letter == '`';
        letter.is_whitespace() && !quoted
    });
    split.filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_fits_into_eighty_columns_and_keeps_commands_whole() {
        let finding = Finding::fail(
            "vault",
            "the master key cannot be had: the key file /home/ada/.local/share/bursar/master.key is not there any \
             more, and this vault's key is nowhere else",
            "restore the file, or set BURSAR_MASTER_KEY_FILE, then run \
             `bursar login google --as work --client-id something-long`",
        );
        let text = anstream::adapter::strip_str(&finding.text()).to_string();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        insta::assert_snapshot!(text, @r"
        [FAIL] the master key cannot be had: the key file
               /home/ada/.local/share/bursar/master.key is not there any more, and this
               vault's key is nowhere else
               -> restore the file, or set BURSAR_MASTER_KEY_FILE, then run
                  `bursar login google --as work --client-id something-long`
        ");
    }

    #[test]
    fn tags_are_equally_wide() {
        let widths: Vec<usize> = [Verdict::Ok, Verdict::Warn, Verdict::Fail]
            .map(|verdict| anstream::adapter::strip_str(&verdict.tag()).to_string().len())
            .to_vec();
        assert_eq!(widths, [INDENT - 1; 3]);
    }

    #[test]
    fn a_document_has_every_field() {
        let text = Finding::ok("store", "opens").document().to_string();
        assert_eq!(text, r#"{"schema":1,"name":"store","verdict":"ok","what":"opens","remedy":null}"#);
    }
}
