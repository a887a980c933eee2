//! Times as people say them.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// `2026-11-21 15:30:00 (in 25 minutes)`.
pub(crate) fn both(time: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    format!("{} ({})", absolute(time, zone), relative(time, now))
}

/// `2026-11-21 15:30:00`, on the clock of `zone`.
pub(crate) fn absolute(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `14:05 (in 5 minutes)`, with the date if it is another day.
pub(crate) fn appointment(time: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (then, today) = (time.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let form = if then.date() == today.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    format!("{} ({})", then.strftime(form), relative(time, now))
}

/// `in 25 minutes`, `1 hour ago` or `now`.
pub(crate) fn relative(time: Timestamp, now: Timestamp) -> String {
    let left = time.duration_since(now);
    match left.as_secs() {
        0 => "now".to_owned(),
        1.. => format!("in {}", span(left)),
        _ => format!("{} ago", span(left)),
    }
}

/// The length of `duration` in its largest fitting unit, rounded down: nobody is promised more time than there is.
pub(crate) fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().unsigned_abs();
    let (count, unit) = match seconds {
        0..MINUTE => (seconds, "second"),
        MINUTE..HOUR => (seconds / MINUTE, "minute"),
        HOUR..TWO_DAYS => (seconds / HOUR, "hour"),
        _ => (seconds / DAY, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// How many whole days `since` is ago; a clock that was set back makes no negative age.
pub(crate) fn age_in_days(since: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.duration_since(since).as_secs()).unwrap_or(0) / DAY
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Below this, days are too coarse to plan an evening with.
const TWO_DAYS: u64 = 2 * DAY;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn relative_times_name_one_unit_rounded_down() {
        let now = at("2026-11-21T14:00:00Z");
        for (time, words) in [
            ("2026-11-21T14:00:00.9Z", "now"),
            ("2026-11-21T14:00:01Z", "in 1 second"),
            ("2026-11-21T14:25:59Z", "in 25 minutes"),
            ("2026-11-21T13:00:00Z", "1 hour ago"),
            ("2026-11-23T13:59:59Z", "in 47 hours"),
            ("2026-11-23T14:00:00Z", "in 2 days"),
            ("2025-11-21T14:00:00Z", "365 days ago"),
        ] {
            assert_eq!(relative(at(time), now), words, "{time}");
        }
    }

    #[test]
    fn absolute_times_follow_the_zone_and_its_summer_time() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        assert_eq!(absolute(at("2026-11-21T14:00:00Z"), &zone), "2026-11-21 15:00:00");
        assert_eq!(absolute(at("2026-07-21T14:00:00Z"), &zone), "2026-07-21 16:00:00");
    }

    #[test]
    fn appointments_on_another_day_carry_the_date() {
        let zone = TimeZone::UTC;
        let now = at("2026-11-21T23:50:00Z");
        assert_eq!(appointment(at("2026-11-21T23:55:00Z"), now, &zone), "23:55 (in 5 minutes)");
        assert_eq!(appointment(at("2026-11-22T00:05:00Z"), now, &zone), "2026-11-22 00:05 (in 15 minutes)");
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_negative_age() {
        assert_eq!(age_in_days(at("2026-11-21T14:00:00Z"), at("2026-11-20T14:00:00Z")), 0);
        assert_eq!(age_in_days(at("2026-11-01T14:00:00Z"), at("2026-11-21T13:00:00Z")), 19);
    }
}
