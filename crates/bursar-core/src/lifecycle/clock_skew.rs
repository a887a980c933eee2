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

#[cfg(test)]
mod tests {
    use super::*;

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
