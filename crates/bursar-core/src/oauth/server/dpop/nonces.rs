//! Nonces of the server without memory (RFC 9449 §8, §11.3): each is a keyed hash of a span of time, so that every node
//! knows it.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::secret::Secret;

/// Makes nonces and knows them again.
#[derive(Clone)]
pub struct DpopNonces {
    /// The first makes nonces, all of them know theirs again.
    keys: Vec<hmac::Key>,
}

impl DpopNonces {
    /// `keys` must be the same on all nodes, and for nothing else; the first makes nonces, the others made those of before.
    /// Without a key no nonce is known.
    pub fn new(keys: impl IntoIterator<Item = [u8; 32]>) -> Self {
        let keys = keys.into_iter().map(|key| hmac::Key::new(hmac::HMAC_SHA256, &key)).collect();
        Self { keys }
    }

    /// The nonce to send at `now`.
    pub fn current(&self, now: Timestamp) -> String {
        self.keys.first().map(|key| of(key, slot(now))).unwrap_or_default()
    }

    /// Whether a nonce was sent in this span of time or the one before: it holds for five to ten minutes.
    pub fn accept(&self, nonce: &str, now: Timestamp) -> bool {
        let nonce = Secret::new(nonce);
        let slot = slot(now);
        let known = |key| [slot, slot - 1].into_iter().any(|slot| Secret::new(of(key, slot)) == nonce);
        self.keys.iter().any(known)
    }
}

fn of(key: &hmac::Key, slot: i64) -> String {
    let tag = hmac::sign(key, &[PURPOSE, &slot.to_be_bytes()].concat());
    // 128 bits cannot be guessed, and fit into any log line.
    URL_SAFE_NO_PAD.encode(&tag.as_ref()[..16])
}

impl fmt::Debug for DpopNonces {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DpopNonces(…)")
    }
}

const PURPOSE: &[u8] = b"dpop-nonce";

/// Long enough that a client seldom has to ask again, short enough that proofs made in advance are of little use (§11.3).
const SLOT_SECONDS: i64 = 5 * 60;

fn slot(now: Timestamp) -> i64 {
    now.as_second().div_euclid(SLOT_SECONDS)
}
