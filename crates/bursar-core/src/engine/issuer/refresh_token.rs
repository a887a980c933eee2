//! Refresh tokens as they travel: which family, which generation, chance, and a code that only we can make.
//!
//! The code lets a made-up token be refused without a look at the store, so that guessing ends nobody's login.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::engine::vault::derivation::{Authenticator, Derivation, Purpose};
use crate::identifier::Identifier;
use crate::lifecycle::rotation::TokenDigest;
use crate::ports::random::Random;
use crate::ports::store::Space;
use crate::secret::Secret;

/// What every refresh token begins with, so that people and secret scanners know what they have found.
pub const REFRESH_TOKEN_PREFIX: &str = "brt_";

/// An authentic refresh token.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Its family.
    pub family: Identifier,
    /// Which token of the family it is.
    pub generation: u32,
    text: Secret,
}

/// Makes and reads refresh tokens.
#[derive(Clone, Debug)]
pub(super) struct RefreshTokens {
    authenticator: Authenticator,
    /// Makes the chance in tokens that follow others.
    successors: Authenticator,
}

impl RefreshTokens {
    pub(super) fn new(keys: &Derivation, space: &Space, now: Timestamp) -> Self {
        Self {
            authenticator: keys.authenticator(space, Purpose::RefreshTokens, now),
            successors: keys.authenticator(space, Purpose::Successors, now),
        }
    }

    /// The first token of a family.
    pub(super) fn first(&self, family: Identifier, random: &dyn Random) -> RefreshToken {
        let mut chance = [0; CHANCE];
        random.fill(&mut chance);
        self.make(family, 0, &chance)
    }

    /// The token that follows `spent` where the access token beside it is called `id`: the same whenever it is made, and
    /// made by nobody who lacks any of the three, this installation's key, the token that was spent, and what the store
    /// remembers of its rotation.
    pub(super) fn successor(&self, spent: &RefreshToken, id: &str) -> RefreshToken {
        let occasion = [spent.text.expose().as_bytes(), id.as_bytes()].concat();
        let mut chance = [0; CHANCE];
        chance.copy_from_slice(&self.successors.code(&occasion)[..CHANCE]);
        self.make(spent.family, spent.generation + 1, &chance)
    }

    /// What [`RefreshTokens::successor`] makes, or made with a key that another has replaced since.
    pub(super) fn successors<'a>(
        &'a self,
        spent: &'a RefreshToken,
        id: &'a str,
    ) -> impl Iterator<Item = RefreshToken> + 'a {
        let keys = self.authenticator.each().zip(self.successors.each());
        keys.map(|(authenticator, successors)| Self { authenticator, successors }.successor(spent, id))
    }

    fn make(&self, family: Identifier, generation: u32, chance: &[u8; CHANCE]) -> RefreshToken {
        let message = [
            family.to_bytes().as_slice(),
            &generation.to_be_bytes(),
            &self.authenticator.key_id().to_be_bytes(),
            chance,
        ]
        .concat();
        let code = self.authenticator.code(&message);
        let bytes = [message.as_slice(), &code[..CODE]].concat();
        let text = Secret::new(format!("{REFRESH_TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)));
        RefreshToken { family, generation, text }
    }

    /// Reads a token; `None`: we did not make it.
    pub(super) fn read(&self, text: &Secret) -> Option<RefreshToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text.expose().strip_prefix(REFRESH_TOKEN_PREFIX)?).ok()?;
        let (message, code) = bytes.split_at_checked(MESSAGE)?;
        if code.len() != CODE || !self.authenticator.verifies(message, code) {
            return None;
        }
        let (family, rest) = message.split_first_chunk::<16>()?;
        let (generation, _) = rest.split_first_chunk::<4>()?;
        Some(RefreshToken {
            family: Identifier::from_bytes(*family),
            generation: u32::from_be_bytes(*generation),
            text: text.clone(),
        })
    }
}

impl RefreshToken {
    /// The token itself.
    pub fn text(&self) -> &Secret {
        &self.text
    }

    /// What is stored of it.
    pub fn digest(&self) -> TokenDigest {
        token_digest(&self.text)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RefreshToken({} {})", self.family, self.generation)
    }
}

/// What is stored of a token that was issued. Tokens have at least 128 random bits, so no salt and no slow hash is needed.
pub(super) fn token_digest(token: &Secret) -> TokenDigest {
    TokenDigest(URL_SAFE_NO_PAD.encode(digest(&SHA256, token.expose().as_bytes())))
}

const CHANCE: usize = 16;
const CODE: usize = 16;
/// Family, generation, number of the key, chance.
const MESSAGE: usize = 16 + 4 + 4 + CHANCE;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::random::SeededRandom;
    use crate::ports::store::SandboxId;

    fn tokens(data_key: u8, sandbox: &str) -> RefreshTokens {
        let space = Space::Sandbox(SandboxId::parse(sandbox).unwrap());
        RefreshTokens::new(&Derivation::for_test(1, &[data_key; 32]), &space, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_token_is_read_as_it_was_made_and_nothing_else_is() {
        let (ours, random) = (tokens(1, "a"), SeededRandom::new(3));
        let token = ours.successor(&ours.first(Identifier::from_bytes([9; 16]), &random), "a1");
        assert_eq!(ours.read(token.text()), Some(token.clone()));
        assert_eq!(token.text().expose().len(), 79);
        assert_eq!(tokens(2, "a").read(token.text()), None, "another installation");
        assert_eq!(tokens(1, "b").read(token.text()), None, "another sandbox");
        let text = token.text().expose();
        for at in 0..text.len() {
            let mut forged = text.as_bytes().to_vec();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = Secret::new(String::from_utf8(forged).unwrap());
            assert_eq!(ours.read(&forged), None, "{}", forged.expose());
        }
        for broken in ["", "brt_", "brt_AAAA", &text[..text.len() - 1], &format!("{text}A")] {
            assert_eq!(ours.read(&Secret::new(broken)), None, "{broken}");
        }
        assert!(!format!("{token:?}").contains(&text[4..20]));
    }

    #[test]
    fn a_successor_is_the_same_again_for_the_same_token_and_rotation_alone() {
        let (ours, random) = (tokens(1, "a"), SeededRandom::new(3));
        let [spent, other] = [0; 2].map(|_| ours.first(Identifier::from_bytes([9; 16]), &random));
        let next = ours.successor(&spent, "a1");
        assert_eq!((next.family, next.generation), (spent.family, 1));
        assert_eq!(ours.successor(&spent, "a1"), next);
        for another in [
            ours.successor(&spent, "a2"),
            ours.successor(&other, "a1"),
            tokens(2, "a").successor(&spent, "a1"),
            tokens(1, "b").successor(&spent, "a1"),
        ] {
            assert_ne!(another.text(), next.text());
        }
    }
}
