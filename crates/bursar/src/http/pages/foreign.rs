//! Text that strangers wrote, shown so that it can only be read.
//!
//! The templates escape markup. What is left are characters that change how the text around them reads: they reverse it,
//! hide parts of it, or break its lines (Unicode TR 36 §3, TR 9 §3.1).

use std::fmt::{self, Write as _};

/// A name, sentence or address from outside: its `Display` form has no character that acts on its surroundings, and
/// an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign<'a> {
    text: &'a str,
    longest: usize,
}

impl<'a> Foreign<'a> {
    /// A name or a sentence; cut after 160 characters.
    pub const fn new(text: &'a str) -> Self {
        Self { text, longest: LONGEST_SENTENCE }
    }

    /// An address; cut after 400 characters.
    pub const fn address(text: &'a str) -> Self {
        Self { text, longest: LONGEST_ADDRESS }
    }

    /// Words of our own where others stand too; not cut.
    pub(super) const fn own(text: &'a str) -> Self {
        Self { text, longest: usize::MAX }
    }

    /// The same text, cut where a name should have ended long ago.
    pub(super) fn as_name(self) -> Self {
        Self { longest: LONGEST_NAME, ..self }
    }

    /// Whether there is nothing to see.
    pub fn is_blank(&self) -> bool {
        self.text.chars().all(|character| character.is_whitespace() || acts(character))
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }
}

impl<'a> From<&'a str> for Foreign<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Foreign<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = 0;
        let mut marks = 0;
        let mut after_space = true;
        let mut before = ' ';
        let mut rest = self.text.trim_end().chars().peekable();
        while let Some(character) = rest.next() {
            let space = character.is_whitespace();
            marks = if is_mark(character) { marks + 1 } else { 0 };
            if (space && after_space) || marks > MOST_MARKS {
                continue;
            }
            if shown == self.longest {
                return formatter.write_char('…');
            }
            let joins =
                is_joiner(character) && !before.is_ascii() && rest.peek().is_some_and(|c| !c.is_ascii());
            formatter.write_char(match character {
                _ if space => ' ',
                _ if acts(character) && !joins => char::REPLACEMENT_CHARACTER,
                _ => character,
            })?;
            shown += 1;
            after_space = space;
            before = character;
        }
        Ok(())
    }
}

/// Controls, direction marks and overrides, and letters without a shape: `Goo<nothing>gle` must not pass for another name.
fn acts(character: char) -> bool {
    character.is_control()
        || is_joiner(character)
        || matches!(character,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Persian words and emoji need them between their own letters; between Latin ones they only hide.
fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200C}' | '\u{200D}')
}

/// Marks that pile up over a letter, and in great numbers over the lines above it.
fn is_mark(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// Two lines on a small telephone: a name must not push what is proven out of sight.
const LONGEST_NAME: usize = 60;
/// Five lines on a small telephone: enough for what a scope allows.
const LONGEST_SENTENCE: usize = 160;
/// Enough to see what was wrong with an address; whoever needs all of it has it.
const LONGEST_ADDRESS: usize = 400;
/// Vietnamese needs two on a letter; nobody's language needs five.
const MOST_MARKS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_act_become_visible() {
        let cases = [
            ("Plain name", "Plain name"),
            ("moc.elgoog\u{202e}", "moc.elgoog\u{fffd}"),
            ("\u{2066}a\u{2069}", "\u{fffd}a\u{fffd}"),
            ("Goo\u{200b}gle", "Goo\u{fffd}gle"),
            ("Goo\u{200d}gle", "Goo\u{fffd}gle"),
            ("a\0b\u{1b}[31m", "a\u{fffd}b\u{fffd}[31m"),
            ("\u{e0041}", "\u{fffd}"),
            ("  two\r\n\n lines  ", "two lines"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("👩\u{200d}💻", "👩\u{200d}💻"),
            ("a\u{300}\u{300}\u{300}\u{300}\u{300}\u{300}b", "a\u{300}\u{300}\u{300}\u{300}b"),
            ("", ""),
        ];
        for (text, shown) in cases {
            assert_eq!(Foreign::new(text).to_string(), shown, "{text:?}");
        }
    }

    #[test]
    fn long_text_ends() {
        let long = "a".repeat(10_000);
        assert_eq!(Foreign::new(&long).to_string(), format!("{}…", "a".repeat(LONGEST_SENTENCE)));
        assert_eq!(Foreign::address(&long).to_string().chars().count(), LONGEST_ADDRESS + 1);
        assert_eq!(Foreign::new(&long[..LONGEST_SENTENCE]).to_string().len(), LONGEST_SENTENCE);
    }

    #[test]
    fn nothing_to_see_is_blank() {
        for blank in ["", "  ", "\u{200b}\u{2800}", "\u{3164}"] {
            assert!(Foreign::new(blank).is_blank(), "{blank:?}");
        }
        assert!(!Foreign::new("x").is_blank());
    }
}
