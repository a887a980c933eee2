//! The code that a person reads on one device and types on another (RFC 8628 §6.1).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::engine::vault::derivation::Authenticator;
use crate::ports::random::Random;
use crate::secret::Secret;

/// Eight letters.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(Secret);

impl UserCode {
    /// A new one: 34 bits of chance.
    pub(super) fn draw(random: &dyn Random) -> Self {
        let mut letters = String::with_capacity(LENGTH);
        while letters.len() < LENGTH {
            let mut byte = [0];
            random.fill(&mut byte);
            // The last few of 256 would make some letters likelier than others.
            if usize::from(byte[0]) < 256 - 256 % ALPHABET.len() {
                letters.push(char::from(ALPHABET[usize::from(byte[0]) % ALPHABET.len()]));
            }
        }
        Self(Secret::new(letters))
    }

    /// Reads what a person typed: in any case, with dashes and blanks wherever they like. `None`: it can be no code.
    pub fn read(typed: &str) -> Option<Self> {
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
        let fits = letters.len() == LENGTH && letters.bytes().all(|letter| ALPHABET.contains(&letter));
        fits.then(|| Self(Secret::new(letters)))
    }

    /// As it is shown.
    pub fn shown(&self) -> Secret {
        let (first, second) = self.0.expose().split_at(LENGTH / 2);
        Secret::new(format!("{first}-{second}"))
    }

    /// What is stored of it: without the key, trying all codes would find it in minutes.
    pub(super) fn digest(&self, key: &Authenticator) -> String {
        URL_SAFE_NO_PAD.encode(key.code(self.0.expose().as_bytes()))
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UserCode(…)")
    }
}

/// Consonants alone spell no words, and none of these is taken for a digit or for another (RFC 8628 §6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;
/// Eight letters with generous ornament.
const LONGEST_TYPED: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::memory::random::SeededRandom;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = UserCode::draw(&SeededRandom::new(1));
        let shown = code.shown();
        let shown = shown.expose();
        assert_eq!((shown.len(), shown.find('-')), (9, Some(4)));
        let plain = shown.replace('-', "");
        let apart = plain.chars().map(String::from).collect::<Vec<_>>().join(" ");
        for typed in
            [shown, &plain, &shown.to_lowercase(), &format!("  {plain}\n"), &apart, &shown.replace('-', "–")]
        {
            assert_eq!(UserCode::read(typed).as_ref(), Some(&code), "{typed}");
        }
    }

    #[test]
    fn what_can_be_no_code_is_none() {
        for typed in
            ["", "BCDF", "BCDF-GHJA", "BCDF-GHJKL", "BCDFGHJ\u{212A}", &"-".repeat(1000), "BCDF-GHJ\0"]
        {
            assert_eq!(UserCode::read(typed), None, "{typed:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_and_what_is_read_is_shown_in_one_way(typed in "\\PC{0,80}|[b-zB-Z -]{8,12}") {
            if let Some(code) = UserCode::read(&typed) {
                prop_assert_eq!(UserCode::read(code.shown().expose()), Some(code));
            }
        }
    }
}
