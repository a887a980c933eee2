//! The remotes a repository's own configuration names. Reads no other file: what `include` and `insteadOf` bring in from
//! elsewhere is not followed, and Git is never run.

/// The URLs of all remotes, as they are written. Lines that Git would refuse are passed over.
pub(super) fn remote_urls(text: &str) -> Vec<String> {
    let mut letters = Letters { rest: text.strip_prefix('\u{feff}').unwrap_or(text) };
    let mut in_remote = false;
    let mut urls = Vec::new();
    while let Some(letter) = letters.peek() {
        match letter {
            '[' => {
                in_remote = letters.is_remote_heading();
            }
            letter if letter.is_ascii_alphabetic() => {
                let (name, value) = letters.variable();
                if in_remote && (name.eq_ignore_ascii_case("url") || name.eq_ignore_ascii_case("pushurl")) {
                    urls.extend(value.filter(|url| !url.is_empty()));
                }
            }
            letter if letter.is_whitespace() => letters.rest = &letters.rest[letter.len_utf8()..],
            _ => letters.skip_line(),
        }
    }
    urls
}

struct Letters<'a> {
    rest: &'a str,
}

impl Letters<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.rest = &self.rest[letter.len_utf8()..];
        Some(letter)
    }

    fn skip_line(&mut self) {
        self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
    }

    /// `[remote "name"]`, or `[remote.name]` as old versions wrote it. Goes on behind the bracket.
    fn is_remote_heading(&mut self) -> bool {
        let mut section = String::new();
        let mut quoted = false;
        self.next();
        while let Some(letter) = self.next() {
            match letter {
                '\n' => return false,
                '"' => quoted = !quoted,
                // The letter after it is part of the name, whatever it is.
                '\\' if quoted => {
                    self.next();
                }
                ']' if !quoted => {
                    let name = section.split(['.', ' ', '\t']).next().unwrap_or_default();
                    return name.eq_ignore_ascii_case("remote");
                }
                letter if !quoted => section.push(letter),
                _ => {}
            }
        }
        false
    }

    /// A name and, behind `=`, its value. Goes on at the next line.
    fn variable(&mut self) -> (String, Option<String>) {
        let mut name = String::new();
        while let Some(letter) = self.peek().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
        {
            name.push(letter);
            self.next();
        }
        while self.peek().is_some_and(|letter| matches!(letter, ' ' | '\t')) {
            self.next();
        }
        if self.peek() == Some('=') {
            self.next();
            return (name, Some(self.value()));
        }
        self.skip_line();
        (name, None)
    }

    fn value(&mut self) -> String {
        let (mut value, mut kept, mut quoted) = (String::new(), 0, false);
        while let Some(letter) = self.next() {
            match letter {
                '\n' => break,
                '#' | ';' if !quoted => {
                    self.skip_line();
                    break;
                }
                '"' => {
                    quoted = !quoted;
                    kept = value.len();
                }
                '\\' => {
                    let escaped = match self.next() {
                        Some('\n') | None => continue,
                        Some('\r') if self.peek() == Some('\n') => {
                            self.next();
                            continue;
                        }
                        Some('n') => '\n',
                        Some('t') => '\t',
                        Some('b') => '\u{8}',
                        Some(other) => other,
                    };
                    value.push(escaped);
                    kept = value.len();
                }
                letter if letter.is_whitespace() && !quoted => {
                    // Before the value there is none; inside it, only what something follows.
                    if !value.is_empty() {
                        value.push(letter);
                    }
                }
                letter => {
                    value.push(letter);
                    kept = value.len();
                }
            }
        }
        value.truncate(kept);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_remotes_are_found_and_nothing_else() {
        let table: &[(&str, &[&str])] = &[
            (
                "[core]\n\tbare = false\n\turl = no\n[remote \"origin\"]\n\turl = git@h:a/b.git\n\
                 \tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch \"main\"]\n\tremote = origin\n\turl = no\n",
                &["git@h:a/b.git"],
            ),
            (
                "[remote \"a\"]\nurl=one\n[remote \"b\"]\nurl = two\npushurl = three\n",
                &["one", "two", "three"],
            ),
            ("[Remote \"x\"] URL = one\n", &["one"]),
            ("[remote.x]\nurl = one\n", &["one"]),
            ("[remotes \"x\"]\nurl = no\n", &[]),
            ("[remote \"a\\\"]b\"]\nurl = one\n", &["one"]),
            ("[remote \"x\"]\nurl = \"one # two\" ; three\n", &["one # two"]),
            ("[remote \"x\"]\nurl = one # a comment\n; url = no\n# url = no\n", &["one"]),
            ("[remote \"x\"]\nurl = on\\\ne\n", &["one"]),
            ("[remote \"x\"]\r\nurl = one\r\nfetch = x\r\n", &["one"]),
            ("\u{feff}[remote \"x\"]\nurl = one", &["one"]),
            ("[remote \"x\"]\nurl\nurl =\nurl = one two  \n", &["one two"]),
            ("[remote \"x\"\nurl = no\n", &[]),
            ("[url \"https://h/\"]\ninsteadOf = gh:\n[include]\npath = other\n", &[]),
            ("", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(remote_urls(text), *expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[\\[\\]a-z\"\\\\#;=\n\r\t é\u{0}]{0,200}") {
            let _ = remote_urls(&text);
        }
    }
}
