//! Texts of strangers, made harmless for a terminal, and fitted into a line.

/// `text` without anything that moves a cursor, changes a colour or turns the direction of writing.
///
/// Labels and error descriptions come from providers; a terminal obeys escape sequences wherever they come from.
pub(in crate::cli) fn plain(text: &str) -> String {
    text.chars().map(|character| if is_harmless(character) { character } else { '\u{fffd}' }).collect()
}

fn is_harmless(character: char) -> bool {
    let turns_direction =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !character.is_control() && !turns_direction && !matches!(character, '\u{2028}' | '\u{2029}')
}

/// At most `width` characters of `text`; an ellipsis stands for the rest.
pub(super) fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// `text` in lines of at most `width` characters. A command between backticks stays on one line, so that it can be
/// copied, and so does a word that is longer than a line.
pub(in crate::cli) fn wrapped(text: &str, width: usize) -> Vec<String> {
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

fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '`';
        character == ' ' && !quoted
    })
    .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_direction_marks_do_not_reach_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\r\nc\u{9b}1m\u{202e}d"), "a�[2Jb��c�1m�d");
        assert_eq!(plain("Zoë 名前 @example.com"), "Zoë 名前 @example.com");
    }

    #[test]
    fn a_long_text_ends_in_an_ellipsis_and_a_short_one_stays() {
        assert_eq!(shortened("héllo", 5), "héllo");
        assert_eq!(shortened("héllo!", 5), "héll…");
        assert_eq!(shortened("ab", 1), "…");
    }

    #[test]
    fn lines_break_between_words_but_not_inside_a_command() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("now run `bursar list` again", 12), ["now run", "`bursar list`", "again"]);
        assert_eq!(wrapped("", 7), Vec::<String>::new());
    }
}
