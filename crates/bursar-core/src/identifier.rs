//! Names for records we make: unique without asking anybody, and in the order of their making.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use crate::ports::random::Random;

/// 48 bits of time and 80 of chance, written as 26 characters whose order is that of the bits (base32hex in small
/// letters, RFC 4648 §7). Tells when it was made, and is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Identifier([u8; 16]);

impl Identifier {
    /// A new name.
    pub fn new(now: Timestamp, random: &dyn Random) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes[6..]);
        let time = now.as_millisecond().max(0).to_be_bytes();
        bytes[..6].copy_from_slice(&time[2..]);
        Self(bytes)
    }

    /// When it was made, to the millisecond, by the clock of whoever made it.
    pub fn made_at(self) -> Timestamp {
        let mut bytes = [0; 8];
        bytes[2..].copy_from_slice(&self.0[..6]);
        let milliseconds = i64::from_be_bytes(bytes);
        // 48 bits reach as far as the calendar does, and somewhat beyond.
        Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
    }

    /// The bits, for tokens that carry a name.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The name with these bits.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        // 26 characters of 5 bits are 130: the first has only three.
        let digits: [u8; LENGTH] =
            std::array::from_fn(|place| ALPHABET[(bits >> ((LENGTH - 1 - place) * 5)) as usize & 31]);
        formatter.pad(str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Identifier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Identifier {
    type Err = NoIdentifier;

    fn from_str(text: &str) -> Result<Self, NoIdentifier> {
        if text.len() != LENGTH {
            return Err(NoIdentifier);
        }
        let mut bits = 0_u128;
        for byte in text.bytes() {
            let digit = ALPHABET.iter().position(|known| *known == byte).ok_or(NoIdentifier)?;
            // The first character carries three bits; a larger one would be a second way to write another name.
            bits = bits.checked_mul(32).ok_or(NoIdentifier)? + digit as u128;
        }
        Ok(Self(bits.to_be_bytes()))
    }
}

impl TryFrom<String> for Identifier {
    type Error = NoIdentifier;

    fn try_from(text: String) -> Result<Self, NoIdentifier> {
        text.parse()
    }
}

/// A text that is no identifier of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no identifier of 26 characters")]
pub struct NoIdentifier;

const LENGTH: usize = 26;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::memory::random::SeededRandom;

    #[test]
    fn later_ones_sort_after_earlier_ones() {
        let random = SeededRandom::new(1);
        let at = |seconds| Identifier::new(Timestamp::from_second(seconds).unwrap(), &random);
        let names = [at(1), at(1_800_000_000), at(1_800_000_001), at(4_000_000_000)];
        assert!(names.is_sorted());
        assert!(names.map(|name| name.to_string()).is_sorted());
        assert_ne!(at(1), at(1));
    }

    #[test]
    fn there_is_one_way_to_write_each() {
        let text = Identifier::from_bytes([255; 16]).to_string();
        assert_eq!(text, "7vvvvvvvvvvvvvvvvvvvvvvvvv");
        for bad in
            ["", "8vvvvvvvvvvvvvvvvvvvvvvvvv", &text.to_uppercase(), &text[1..], "w0000000000000000000000000"]
        {
            assert_eq!(bad.parse::<Identifier>(), Err(NoIdentifier), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in any::<[u8; 16]>()) {
            let name = Identifier::from_bytes(bytes);
            prop_assert_eq!(name.to_string().parse::<Identifier>(), Ok(name));
        }
    }
}
