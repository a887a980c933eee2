//! A master key as text: 32 bytes in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar_core::ports::key_source::MasterKey;
use bursar_core::ports::random::Random;
use bursar_core::secret::Secret;
use zeroize::Zeroizing;

/// What `openssl rand -base64 32` prints. The alphabet for URLs and missing padding are taken too.
pub(super) fn decode(text: &str) -> Result<MasterKey, NotAKey> {
    let usual: Zeroizing<String> = text
        .trim()
        .trim_end_matches('=')
        .chars()
        .map(|letter| match letter {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect::<String>()
        .into();
    let bytes = Zeroizing::new(
        base64::engine::general_purpose::STANDARD_NO_PAD.decode(&*usual).map_err(|_| NotAKey)?,
    );
    <[u8; 32]>::try_from(bytes.as_slice()).map(MasterKey::new).map_err(|_| NotAKey)
}

/// The text to keep.
pub(super) fn encode(key: &MasterKey) -> Secret {
    Secret::new(STANDARD.encode(key.expose()))
}

/// A new key.
pub(super) fn generate(random: &dyn Random) -> MasterKey {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    random.fill(&mut *bytes);
    MasterKey::new(*bytes)
}

/// The text is something else; it is not repeated, because it may be nearly a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not 32 bytes in base64")]
pub(super) struct NotAKey;

/// How to make one.
pub(super) const HOW_TO_MAKE_ONE: &str =
    "a key is 32 random bytes in base64, as printed by: openssl rand -base64 32";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_of_a_key_is_read() {
        let key = MasterKey::new([0xfb; 32]);
        let text = encode(&key);
        let text = text.expose();
        let spellings = [
            text.to_owned(),
            format!(" {text}\r\n"),
            text.trim_end_matches('=').to_owned(),
            text.replace('+', "-").replace('/', "_"),
        ];
        for spelling in spellings {
            assert_eq!(decode(&spelling), Ok(key.clone()), "{spelling}");
        }
    }

    #[test]
    fn anything_else_is_not_a_key() {
        for text in ["", "AAAA", "not base64!", &"A".repeat(42), &"A".repeat(44), &"é".repeat(43)] {
            assert_eq!(decode(text), Err(NotAKey), "{text}");
        }
    }
}
