//! Durations as people write them: `90s`, `5m`, `2h`, `1d`, `1h30m`.
//!
//! One form for the catalogue, the configuration and the command line. Months and years are left out on purpose: their
//! length depends on the calendar.

use jiff::SignedDuration;

/// Reads `text` as one or more whole numbers, each followed by its unit: `d`, `h`, `m` or `s`, largest first.
///
/// Zero is fine (`0s`), a bare number or a sign is not.
pub fn parse_duration(text: &str) -> Result<SignedDuration, DurationError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(DurationError::Empty);
    }
    let mut total = 0_i64;
    let mut previous = i64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        if digits == 0 {
            return Err(DurationError::Form(text.to_owned()));
        }
        let amount: i64 = rest[..digits].parse().map_err(|_| DurationError::TooLong(text.to_owned()))?;
        let mut letters = rest[digits..].chars();
        let unit = match letters.next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 60 * 60,
            Some('d') => 24 * 60 * 60,
            None => return Err(DurationError::NoUnit(text.to_owned())),
            Some(_) => return Err(DurationError::Form(text.to_owned())),
        };
        if unit >= previous {
            return Err(DurationError::Form(text.to_owned()));
        }
        previous = unit;
        total = amount
            .checked_mul(unit)
            .and_then(|seconds| total.checked_add(seconds))
            .filter(|seconds| *seconds <= LONGEST)
            .ok_or_else(|| DurationError::TooLong(text.to_owned()))?;
        rest = letters.as_str();
    }
    Ok(SignedDuration::from_secs(total))
}

/// Writes a duration so that [`parse_duration`] reads it back; fractions of a second are dropped, negative is `0s`.
pub fn write_duration(duration: SignedDuration) -> String {
    let mut seconds = duration.as_secs().max(0);
    let mut text = String::new();
    for (letter, unit) in [('d', 24 * 60 * 60), ('h', 60 * 60), ('m', 60), ('s', 1)] {
        if seconds >= unit {
            text.push_str(&(seconds / unit).to_string());
            text.push(letter);
            seconds %= unit;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing was written.
    #[error("a duration is missing; write for example `90s`, `5m`, `2h` or `1d`")]
    Empty,
    /// Only a number was written.
    #[error("`{0}` has no unit; write for example `{0}s`, `{0}m`, `{0}h` or `{0}d`")]
    NoUnit(String),
    /// Something else was written.
    #[error("`{0}` is not a duration; write for example `90s`, `5m`, `2h`, `1d` or `1h30m`")]
    Form(String),
    /// Longer than any token lives.
    #[error("`{0}` is too long; the longest duration is 36500d")]
    TooLong(String),
}

/// For `#[serde(with = "…")]` on a field of type `Option<SignedDuration>`.
pub(crate) mod optional {
    use jiff::SignedDuration;
    use serde::{Deserialize as _, Deserializer, Serializer};

    // serde hands the field by reference.
    #[expect(clippy::ref_option, reason = "serde's `with` fixes the signature")]
    pub(crate) fn serialize<S: Serializer>(
        duration: &Option<SignedDuration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => serializer.serialize_str(&super::write_duration(*duration)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SignedDuration>, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_duration(&text).map(Some).map_err(serde::de::Error::custom)
    }
}

/// For `#[serde(with = "…")]` on a field of type `SignedDuration`.
pub(crate) mod required {
    use jiff::SignedDuration;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        duration: &SignedDuration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::write_duration(*duration))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SignedDuration, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_duration(&text).map_err(serde::de::Error::custom)
    }
}

/// A hundred years, in seconds: far beyond any lifetime, and sums with it never overflow a timestamp.
const LONGEST: i64 = 36_500 * 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_written_form_means_its_seconds() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("5m", 300),
            ("2h", 7_200),
            ("1d", 86_400),
            ("1h30m", 5_400),
            ("1d2h3m4s", 93_784),
            (" 5m ", 300),
        ] {
            assert_eq!(parse_duration(text).unwrap(), SignedDuration::from_secs(seconds), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_the_form_to_write() {
        for text in [
            "",
            "5",
            "m",
            "-5m",
            "5 m",
            "5M",
            "1.5h",
            "5m1h",
            "5m5m",
            "1w",
            "99999999999999999999s",
            "36501d",
        ] {
            let error = parse_duration(text).unwrap_err().to_string();
            assert!(error.contains('`'), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0_i64..=LONGEST) {
            let duration = SignedDuration::from_secs(seconds);
            prop_assert_eq!(parse_duration(&write_duration(duration)).unwrap(), duration);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            let _ = parse_duration(&text);
        }
    }
}
