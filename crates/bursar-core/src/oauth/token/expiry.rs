//! When a token ends, by our own clock, from the many ways providers write it.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::oauth::identity_token::expiry_of_jwt;
use crate::provider::ExpiryUnit;
use crate::secret::Secret;

/// What an expiry is counted from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received {
    /// When the answer arrived.
    pub(super) at: Timestamp,
    /// How far the provider's clock is ahead of ours; corrects moments, not lifetimes.
    pub(super) skew: SignedDuration,
}

impl Received {
    /// The end that `value` tells, or nothing if it is not what `unit` says.
    ///
    /// A lifetime of zero or less ends now; whatever ends later than in ten years ends in ten years, so that sums with
    /// it stay in range and a mistake in the unit is survived.
    pub(super) fn end(self, value: &Value, unit: ExpiryUnit) -> Option<Timestamp> {
        match unit {
            ExpiryUnit::Seconds => Some(self.after(number(value)?)),
            ExpiryUnit::Milliseconds => Some(self.after(number(value)? / 1000.0)),
            ExpiryUnit::Minutes => Some(self.after(number(value)? * 60.0)),
            ExpiryUnit::Iso8601 => Some(self.corrected(moment(value.as_str()?)?)),
            ExpiryUnit::Epoch => {
                let number = number(value)?;
                let seconds = if number > LARGEST_SECONDS { number / 1000.0 } else { number };
                Some(self.corrected(Timestamp::UNIX_EPOCH + whole_seconds(seconds)))
            }
            ExpiryUnit::JwtExp | ExpiryUnit::Introspection | ExpiryUnit::None => None,
        }
    }

    /// The end that a JWT tells about itself (RFC 7519 §4.1.4).
    pub(super) fn end_of_jwt(self, token: &Secret) -> Option<Timestamp> {
        Some(self.corrected(expiry_of_jwt(token)?))
    }

    /// So many seconds after the answer.
    pub(super) fn after(self, seconds: f64) -> Timestamp {
        self.in_range(whole_seconds(seconds))
    }

    fn corrected(self, moment: Timestamp) -> Timestamp {
        self.in_range(moment.duration_since(self.at).saturating_sub(self.skew))
    }

    fn in_range(self, lifetime: SignedDuration) -> Timestamp {
        let lifetime = lifetime.clamp(SignedDuration::ZERO, LONGEST);
        self.at.checked_add(lifetime).unwrap_or(Timestamp::MAX)
    }
}

/// A number, or a text that is one.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// A moment as RFC 3339, or without an offset, which then is UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

/// Whole seconds, as near as a duration that any timestamp can carry allows.
#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped before; fractions of a second are dropped on purpose"
)]
fn whole_seconds(seconds: f64) -> SignedDuration {
    SignedDuration::from_secs(seconds.clamp(-LARGEST_SECONDS, LARGEST_SECONDS) as i64)
}

/// Seconds since 1970 reach this in the year 5138, milliseconds in 1973.
const LARGEST_SECONDS: f64 = 100_000_000_000.0;

/// No access token lives longer on purpose.
const LONGEST: SignedDuration = SignedDuration::from_secs(10 * 365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const AT: Timestamp = Timestamp::constant(1_700_000_000, 0);

    fn end(value: &Value, unit: ExpiryUnit, skew: i64) -> Option<i64> {
        let received = Received { at: AT, skew: SignedDuration::from_secs(skew) };
        received.end(value, unit).map(|end| end.duration_since(AT).as_secs())
    }

    #[test]
    fn every_unit_is_understood() {
        let ten_years = LONGEST.as_secs();
        for (value, unit, expected) in [
            (json!(3600), ExpiryUnit::Seconds, Some(3600)),
            (json!("3600"), ExpiryUnit::Seconds, Some(3600)),
            (json!(" 3600 "), ExpiryUnit::Seconds, Some(3600)),
            (json!(3599.7), ExpiryUnit::Seconds, Some(3599)),
            (json!("3599.7"), ExpiryUnit::Seconds, Some(3599)),
            (json!(0), ExpiryUnit::Seconds, Some(0)),
            (json!(-5), ExpiryUnit::Seconds, Some(0)),
            (json!(1e30), ExpiryUnit::Seconds, Some(ten_years)),
            (json!(-1e30), ExpiryUnit::Seconds, Some(0)),
            (json!("NaN"), ExpiryUnit::Seconds, None),
            (json!("inf"), ExpiryUnit::Seconds, None),
            (json!("soon"), ExpiryUnit::Seconds, None),
            (json!(null), ExpiryUnit::Seconds, None),
            (json!(true), ExpiryUnit::Seconds, None),
            (json!([3600]), ExpiryUnit::Seconds, None),
            (json!(3_600_000), ExpiryUnit::Milliseconds, Some(3600)),
            (json!(10), ExpiryUnit::Minutes, Some(600)),
            (json!("2023-11-14T23:13:20Z"), ExpiryUnit::Iso8601, Some(3600)),
            (json!("2023-11-15T00:13:20.5+01:00"), ExpiryUnit::Iso8601, Some(3600)),
            (json!("2023-11-14 23:13:20"), ExpiryUnit::Iso8601, Some(3600)),
            (json!("2020-01-01T00:00:00Z"), ExpiryUnit::Iso8601, Some(0)),
            (json!("9999-01-01T00:00:00Z"), ExpiryUnit::Iso8601, Some(ten_years)),
            (json!("tomorrow"), ExpiryUnit::Iso8601, None),
            (json!(1_700_003_600), ExpiryUnit::Epoch, Some(3600)),
            (json!("1700003600"), ExpiryUnit::Epoch, Some(3600)),
            (json!(1_700_003_600_000_i64), ExpiryUnit::Epoch, Some(3600)),
            (json!(0), ExpiryUnit::Epoch, Some(0)),
            (json!(3600), ExpiryUnit::None, None),
            (json!(3600), ExpiryUnit::Introspection, None),
        ] {
            assert_eq!(end(&value, unit, 0), expected, "{value} {unit:?}");
        }
    }

    #[test]
    fn skew_corrects_moments_and_leaves_lifetimes() {
        // The provider's clock is two minutes ahead: its 23:13:20 is our 23:11:20.
        assert_eq!(end(&json!("2023-11-14T23:13:20Z"), ExpiryUnit::Iso8601, 120), Some(3480));
        assert_eq!(end(&json!(1_700_003_600), ExpiryUnit::Epoch, -120), Some(3720));
        assert_eq!(end(&json!(3600), ExpiryUnit::Seconds, 120), Some(3600));
    }

    proptest! {
        #[test]
        fn every_number_ends_within_ten_years(number in any::<f64>(), skew in any::<i64>()) {
            for unit in [ExpiryUnit::Seconds, ExpiryUnit::Milliseconds, ExpiryUnit::Minutes, ExpiryUnit::Epoch] {
                if let Some(seconds) = end(&json!(number), unit, skew) {
                    prop_assert!((0..=LONGEST.as_secs()).contains(&seconds));
                }
            }
        }
    }
}
