//! How every backend rounds and divides time, so that all give the same answers.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::store::StoreError;

/// The time a record or event keeps: whole milliseconds, rounded down.
pub fn to_millisecond(time: Timestamp) -> Timestamp {
    let beyond = time.subsec_nanosecond().rem_euclid(1_000_000);
    time.saturating_sub(SignedDuration::from_nanos(i64::from(beyond))).unwrap_or(Timestamp::MIN)
}

/// When the counter window that contains `now` ends; windows are aligned to the Unix epoch.
pub fn window_end(window: Duration, now: Timestamp) -> Result<Timestamp, StoreError> {
    let length = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
    if length == 0 {
        return Err(StoreError::Misuse("a counter's window is shorter than a millisecond"));
    }
    let now = now.as_millisecond();
    let end = now.saturating_sub(now.rem_euclid(length)).saturating_add(length);
    Ok(Timestamp::from_millisecond(end).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_rounded_down_before_and_after_the_epoch() {
        for (nanoseconds, milliseconds) in [(0, 0), (1, 0), (1_999_999, 1), (-1, -1), (-1_000_000, -1)] {
            let time = Timestamp::from_nanosecond(nanoseconds).unwrap();
            assert_eq!(
                to_millisecond(time),
                Timestamp::from_millisecond(milliseconds).unwrap(),
                "{nanoseconds}"
            );
        }
    }

    #[test]
    fn windows_are_aligned_and_never_empty() {
        let minute = Duration::from_mins(1);
        let end =
            |millisecond| window_end(minute, Timestamp::from_millisecond(millisecond).unwrap()).unwrap();
        assert_eq!(end(0).as_millisecond(), 60_000);
        assert_eq!(end(59_999).as_millisecond(), 60_000);
        assert_eq!(end(60_000).as_millisecond(), 120_000);
        assert_eq!(end(-1).as_millisecond(), 0);
        assert!(window_end(Duration::from_micros(999), Timestamp::UNIX_EPOCH).is_err());
        assert_eq!(window_end(Duration::MAX, Timestamp::UNIX_EPOCH).unwrap(), Timestamp::MAX);
    }
}
