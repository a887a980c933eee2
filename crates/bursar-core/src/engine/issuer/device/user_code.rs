//! The code that a person reads on one device and types on another (RFC 8628 §6.1).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::engine::issuer::letters;
use crate::engine::vault::derivation::Authenticator;
use crate::ports::random::Random;
use crate::secret::Secret;

/// Eight letters.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(Secret);

impl UserCode {
    /// A new one: 34 bits of chance.
    pub(super) fn draw(random: &dyn Random) -> Self {
        Self(letters::draw(random, LENGTH))
    }

    /// Reads what a person typed: in any case, with dashes and blanks wherever they like. `None`: it can be no code.
    pub fn read(typed: &str) -> Option<Self> {
        letters::read(typed, LENGTH).map(Self)
    }

    /// As it is shown.
    pub fn shown(&self) -> Secret {
        letters::grouped(&self.0, LENGTH / 2)
    }

    /// What is stored of it: without the key, trying all codes would find it in minutes.
    pub(super) fn digest(&self, key: &Authenticator) -> String {
        URL_SAFE_NO_PAD.encode(key.code(self.0.expose().as_bytes()))
    }

    /// What may be stored of it: that, and what keys made of it that another has replaced since.
    pub(super) fn digests(&self, key: &Authenticator) -> Vec<String> {
        key.each().map(|key| self.digest(&key)).collect()
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UserCode(…)")
    }
}

const LENGTH: usize = 8;

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
