//! What is looked for: every secret, in every writing in which it could have slipped out.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Secrets with their names.
#[derive(Debug, Default)]
pub(crate) struct Needles {
    written: Vec<(String, String)>,
}

impl Needles {
    /// Adds a secret text.
    pub(crate) fn add(&mut self, name: &str, secret: &str) {
        self.add_bytes(name, secret.as_bytes());
        let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        self.push(name, "percent-encoded", percent);
    }

    /// Adds secret bytes.
    pub(crate) fn add_bytes(&mut self, name: &str, secret: &[u8]) {
        assert!(secret.len() >= 12, "{name} is too short to be told from chance");
        self.push(name, "as it is", latin(secret));
        self.push(name, "in hexadecimal", hexadecimal(secret));
        for offset in 0..3 {
            // Inside a longer text that was encoded as a whole, the first and last characters mix with the neighbours.
            let padded = [&[0_u8; 3][..offset], secret].concat();
            let from = if offset == 0 { 0 } else { offset + 1 };
            for (how, text) in [
                ("in base64", STANDARD_NO_PAD.encode(&padded)),
                ("in base64url", URL_SAFE_NO_PAD.encode(&padded)),
            ] {
                self.push(name, how, text[from..text.len() - 2].to_owned());
            }
        }
        let debug: Vec<String> = secret[..12].iter().map(u8::to_string).collect();
        self.push(name, "as a list of bytes", debug.join(", "));
    }

    /// Adds a key that is written in base64: the text, and the bytes it stands for.
    pub(crate) fn add_key(&mut self, name: &str, base64: &str) {
        self.add(name, base64);
        self.add_bytes(name, &STANDARD.decode(base64).unwrap());
    }

    /// Every secret found in these bytes, with the way it is written.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        let text = latin(bytes);
        let found = self.written.iter().filter(|(_, needle)| text.contains(needle.as_str()));
        found.map(|(name, _)| name.clone()).collect()
    }

    /// How many secrets in how many writings.
    pub(crate) fn count(&self) -> usize {
        self.written.len()
    }

    fn push(&mut self, name: &str, how: &str, needle: String) {
        self.written.push((format!("{name} {how}"), needle));
    }
}

/// Two digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Bytes one by one as characters, so that text search works on any file.
fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}
