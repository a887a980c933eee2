//! How long to leave a failing provider alone.

use jiff::{SignedDuration, Timestamp};

use super::window::shorten;

/// The earliest next attempt after `attempts` failures in a row (at least one).
///
/// Doubles from five seconds to five minutes, less up to a tenth that differs by account and attempt, and never
/// earlier than the provider asked for (RFC 9110 §10.2.3), which is believed for at most an hour.
pub fn next_try(
    now: Timestamp,
    attempts: u32,
    retry_after: Option<SignedDuration>,
    account_key: &str,
) -> Timestamp {
    let doubled = FIRST.checked_mul(1 << attempts.saturating_sub(1).min(16)).unwrap_or(LONGEST).min(LONGEST);
    let own = shorten(doubled, &(account_key, attempts));
    let asked = retry_after.unwrap_or(SignedDuration::ZERO).clamp(SignedDuration::ZERO, LONGEST_BELIEVED);
    now.saturating_add(own.max(asked)).unwrap_or(Timestamp::MAX)
}

/// A hiccup is over by then, and nobody waiting for a token has gone away yet.
const FIRST: SignedDuration = SignedDuration::from_secs(5);
/// An outage of ten minutes costs eight calls; its end is noticed within five minutes.
const LONGEST: SignedDuration = SignedDuration::from_mins(5);
/// A wrong or hostile header must not switch an account off for a day.
const LONGEST_BELIEVED: SignedDuration = SignedDuration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(attempts: u32, retry_after: Option<i64>) -> i64 {
        let start = Timestamp::UNIX_EPOCH;
        let next = next_try(start, attempts, retry_after.map(SignedDuration::from_secs), "google:work");
        next.duration_since(start).as_secs()
    }

    #[test]
    fn pauses_double_to_five_minutes_and_lose_at_most_a_tenth() {
        for (attempts, full) in [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 300), (40, 300)] {
            let actual = wait(attempts, None);
            assert!(actual <= full && actual >= full * 9 / 10 - 1, "attempt {attempts}: {actual} s");
        }
    }

    #[test]
    fn retry_after_is_obeyed_for_at_most_an_hour() {
        assert_eq!(wait(1, Some(120)), 120);
        assert_eq!(wait(1, Some(1_000_000)), 3600);
        assert!(wait(7, Some(1)) >= 269, "a shorter wish does not shorten our own pause");
    }

    #[test]
    fn a_ten_minute_outage_costs_at_most_ten_attempts() {
        let (mut spent, mut attempts) = (0, 0);
        while spent < 600 {
            attempts += 1;
            spent += wait(attempts, None);
        }
        assert!(attempts <= 10, "{attempts} attempts");
    }
}
