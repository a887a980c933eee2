//! How far the provider's clock is from ours, learned from the `Date` of its answers (RFC 9110 §6.6.1).

use jiff::{SignedDuration, Timestamp};

/// The provider's clock minus ours, or zero while the difference could be rounding and travel time.
pub fn learn(sent_at: Timestamp, received_at: Timestamp, date: Timestamp) -> SignedDuration {
    // The header has whole seconds and was written somewhere between sending and receiving.
    let earliest = date.duration_since(received_at);
    let latest = date.duration_since(sent_at) + SignedDuration::from_secs(1);
    if earliest > SignedDuration::ZERO {
        earliest
    } else if latest < SignedDuration::ZERO {
        latest
    } else {
        SignedDuration::ZERO
    }
}

/// The difference to date an assertion by after one dated by `used` was refused, while the answer told `told`.
///
/// A `Date` that was not written by the provider itself tells nothing, so no difference at all is worth trying as well.
pub fn instead(used: SignedDuration, told: SignedDuration) -> Option<SignedDuration> {
    let differ = |one: SignedDuration, other: SignedDuration| one.saturating_sub(other).abs() > NOTICEABLE;
    if differ(told, used) {
        Some(told)
    } else {
        differ(used, SignedDuration::ZERO).then_some(SignedDuration::ZERO)
    }
}

/// Assertions live for minutes, and providers forgive less than one.
const NOTICEABLE: SignedDuration = SignedDuration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_refusal_the_other_clock_is_tried_if_there_is_one() {
        let seconds = SignedDuration::from_secs;
        let table = [
            (0, 3600, Some(3600)),
            (0, -3600, Some(-3600)),
            (3600, 3601, Some(0)),
            (3600, -60, Some(-60)),
            (3600, 0, Some(0)),
            (0, 20, None),
            (20, 0, None),
            (0, 0, None),
        ];
        for (used, told, expected) in table {
            assert_eq!(instead(seconds(used), seconds(told)), expected.map(seconds), "{used}, {told}");
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_date_within_the_call_teaches_nothing() {
        for date in [99, 100, 101] {
            assert_eq!(learn(at(100), at(101), at(date)), SignedDuration::ZERO, "date {date}");
        }
    }

    #[test]
    fn a_clock_ahead_or_behind_is_noticed() {
        assert_eq!(learn(at(100), at(101), at(401)), SignedDuration::from_secs(300));
        assert_eq!(learn(at(400), at(401), at(99)), SignedDuration::from_secs(-300));
    }
}
