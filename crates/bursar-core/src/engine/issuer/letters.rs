//! Codes that a person reads in one place and types in another (RFC 8628 §6.1).

use crate::ports::random::Random;
use crate::secret::Secret;

/// Draws so many letters: each has a little more than four bits of chance.
pub(super) fn draw(random: &dyn Random, length: usize) -> Secret {
    let mut letters = String::with_capacity(length);
    while letters.len() < length {
        let mut byte = [0];
        random.fill(&mut byte);
        // The last few of 256 would make some letters likelier than others.
        if usize::from(byte[0]) < 256 - 256 % ALPHABET.len() {
            letters.push(char::from(ALPHABET[usize::from(byte[0]) % ALPHABET.len()]));
        }
    }
    Secret::new(letters)
}

/// Reads what a person typed: in any case, with dashes and blanks wherever they like. `None`: it can be no code of this
/// length.
pub(super) fn read(typed: &str, length: usize) -> Option<Secret> {
    if typed.len() > LONGEST_TYPED {
        return None;
    }
    let is_ornament = |character: &char| {
        character.is_whitespace() || matches!(character, '-' | '\u{2010}'..='\u{2015}' | '_' | '.')
    };
    let letters: String = typed
        .chars()
        .filter(|character| !is_ornament(character))
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    let fits = letters.len() == length && letters.bytes().all(|letter| ALPHABET.contains(&letter));
    fits.then(|| Secret::new(letters))
}

/// Letters as they are shown: in groups of this size.
pub(super) fn grouped(letters: &Secret, size: usize) -> Secret {
    let letters = letters.expose().as_bytes();
    let groups: Vec<&str> =
        letters.chunks(size).map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    Secret::new(groups.join("-"))
}

/// Consonants alone spell no words, and none of these is taken for a digit or for another (RFC 8628 §6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// The longest code with generous ornament.
const LONGEST_TYPED: usize = 64;
