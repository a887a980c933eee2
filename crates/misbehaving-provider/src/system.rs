//! The only file that asks the machine: time, randomness, waiting.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use tokio::time::Sleep;

/// The machine's time, from which the movable clock is an offset.
#[expect(clippy::disallowed_methods, reason = "the one place where the real clock is read")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// 256 random bits in base64url: nobody guesses it, and a leak of it cannot be mistaken for anything else.
#[expect(clippy::disallowed_methods, reason = "the one place where randomness is drawn")]
pub(crate) fn random_text() -> String {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A wait in real time; slowness on the wire cannot be played on a movable clock.
#[expect(clippy::disallowed_methods, reason = "the one place where real time passes")]
pub(crate) fn sleep(duration: Duration) -> Sleep {
    tokio::time::sleep(duration)
}
