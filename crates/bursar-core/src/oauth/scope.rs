//! What a token is for (RFC 6749 §3.3).
//!
//! Reads scope texts strictly when they are ours and leniently when they are a provider's answer. It does not know
//! what any scope means.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Scope tokens in the order they were given, each once.
///
/// Order carries no meaning on the wire; it is kept so that what is sent looks like what was configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Scope(
    /// As it travels: one space between two tokens.
    String,
);

impl Scope {
    /// Reads tokens separated by spaces; no tokens at all are an empty scope.
    ///
    /// # Errors
    /// A token with a character outside RFC 6749 §3.3, or too many tokens.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        Self::parse_separated(text, ' ')
    }

    /// Reads tokens separated by `separator`, for providers that do not use the space. Spaces around a token are
    /// dropped, and so are empty tokens.
    ///
    /// # Errors
    /// As for [`Scope::parse`].
    pub fn parse_separated(text: &str, separator: char) -> Result<Self, ScopeError> {
        let mut scope = Self::default();
        for token in text.split(separator).map(str::trim).filter(|token| !token.is_empty()) {
            if let Some(character) = token.chars().find(|&character| !is_scope_character(character)) {
                return Err(ScopeError::Character(character));
            }
            scope.add(token)?;
        }
        Ok(scope)
    }

    /// Reads what a provider says it has granted: separated by spaces or commas, whatever was asked with.
    ///
    /// Tokens that break RFC 6749 §3.3 are left out: a strange scope is no reason to lose a token.
    pub fn from_answer(text: &str) -> Self {
        let mut scope = Self::default();
        let tokens = text.split(|character: char| character == ',' || character.is_whitespace());
        for token in tokens.filter(|token| !token.is_empty() && token.chars().all(is_scope_character)) {
            if scope.add(token).is_err() {
                break;
            }
        }
        scope
    }

    /// All tokens with `separator` between them.
    pub fn joined(&self, separator: char) -> String {
        self.0.replace(' ', separator.encode_utf8(&mut [0; 4]))
    }

    /// Whether `token` is one of the tokens.
    pub fn contains(&self, token: &str) -> bool {
        self.iter().any(|known| known == token)
    }

    /// Whether every token is also in `other`.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self.iter().all(|token| other.contains(token))
    }

    /// The tokens of both, those of `self` first. Beyond the largest number there may be, the rest is left out.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for token in other.iter() {
            if both.add(token).is_err() {
                break;
            }
        }
        both
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tokens in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split_terminator(' ')
    }

    /// The tokens for which `keep` is true, in the same order.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.iter().filter(|token| keep(token)).collect::<Vec<_>>().join(" "))
    }

    fn add(&mut self, token: &str) -> Result<(), ScopeError> {
        if self.contains(token) {
            return Ok(());
        }
        if self.iter().count() == MAXIMUM_TOKENS {
            return Err(ScopeError::TooMany);
        }
        if !self.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(token);
        Ok(())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        Self::parse(&text)
    }
}

/// A text that is not a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// RFC 6749 §3.3 allows printable ASCII except space, quote and backslash.
    #[error("a scope must not contain {0:?}")]
    Character(char),
    /// More tokens than anybody needs.
    #[error("a scope must not have more than {MAXIMUM_TOKENS} parts")]
    TooMany,
}

/// The largest lists in use (all scopes of one Google or Microsoft tenant) have some 300 tokens; looking for doubles
/// is quadratic, so the count is bounded.
const MAXIMUM_TOKENS: usize = 500;

fn is_scope_character(character: char) -> bool {
    matches!(character, '\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_keep_their_order_and_appear_once() {
        let scope = Scope::parse("openid  email openid https://www.googleapis.com/auth/drive").unwrap();
        assert_eq!(scope.to_string(), "openid email https://www.googleapis.com/auth/drive");
        assert_eq!(scope.joined(','), "openid,email,https://www.googleapis.com/auth/drive");
        assert!(scope.contains("email") && !scope.contains("mail"));
        assert!(Scope::parse("").unwrap().is_empty());
    }

    #[test]
    fn only_the_characters_of_the_rfc_are_accepted() {
        for character in ['"', '\\', '\n', '\t', '\x7f', '\0', 'é'] {
            let text = format!("a{character}b");
            assert_eq!(Scope::parse(&text), Err(ScopeError::Character(character)), "{character:?}");
        }
        assert!(Scope::parse("!#[]~").is_ok());
    }

    #[test]
    fn other_separators_are_read() {
        assert_eq!(Scope::parse_separated("read, write,", ',').unwrap().to_string(), "read write");
        assert_eq!(Scope::parse("read,write").unwrap().iter().count(), 1);
    }

    #[test]
    fn an_answer_is_read_whatever_its_separator() {
        assert_eq!(Scope::from_answer("repo,gist read:org\"").to_string(), "repo gist");
        assert!(Scope::from_answer(" , ").is_empty());
    }

    #[test]
    fn subsets_ignore_order() {
        let small = Scope::parse("b a").unwrap();
        let large = Scope::parse("a b c").unwrap();
        assert!(small.is_subset_of(&large) && !large.is_subset_of(&small));
        assert!(Scope::default().is_subset_of(&small));
        assert_eq!(large.only(|token| token != "b").to_string(), "a c");
    }

    #[test]
    fn the_number_of_tokens_is_bounded() {
        let text: Vec<String> = (0..=MAXIMUM_TOKENS).map(|number| number.to_string()).collect();
        assert_eq!(Scope::parse(&text.join(" ")), Err(ScopeError::TooMany));
        assert_eq!(Scope::from_answer(&text.join(" ")).iter().count(), MAXIMUM_TOKENS);
    }

    proptest! {
        #[test]
        fn what_is_read_can_be_written_and_read_again(text in ".{0,100}") {
            if let Ok(scope) = Scope::parse(&text) {
                prop_assert_eq!(Scope::parse(&scope.to_string()), Ok(scope));
            }
            let answer = Scope::from_answer(&text);
            prop_assert_eq!(Scope::parse(&answer.to_string()), Ok(answer));
        }
    }
}
