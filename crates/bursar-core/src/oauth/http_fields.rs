//! The two HTTP answer fields that matter to tokens: `Date` and `Retry-After` (RFC 9110 §6.6.1, §10.2.3).
//!
//! The first teaches how far a provider's clock is from ours, the second when to come back. Nothing else is read here.

use http::header::{DATE, HeaderName, RETRY_AFTER};
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::ports::upstream::Response;

/// The moment the other side says it answered.
pub fn date_of(response: &Response) -> Option<Timestamp> {
    http_date(field(response, &DATE)?)
}

/// How long the other side asks to wait, counted from `now`; never negative.
///
/// The field is either a number of seconds or a date; a date is read against our own clock, like everything that has no
/// better measure. Callers limit what they accept: a field is no reason to wait for a year.
pub fn retry_after(response: &Response, now: Timestamp) -> Option<SignedDuration> {
    let text = field(response, &RETRY_AFTER)?;
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(SignedDuration::from_secs);
    }
    Some(http_date(text)?.duration_since(now).max(SignedDuration::ZERO))
}

fn field<'a>(response: &'a Response, name: &HeaderName) -> Option<&'a str> {
    Some(response.headers().get(name)?.to_str().ok()?.trim()).filter(|text| !text.is_empty())
}

/// The three forms of RFC 9110 §5.6.7, of which only the first may still be sent.
fn http_date(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = rfc2822::DateTimeParser::new().parse_timestamp(text) {
        return Some(moment);
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"].into_iter().find_map(|form| {
        let moment = strtime::parse(form, text).ok()?.to_datetime().ok()?;
        Some(moment.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ports::upstream::Body;

    fn with(name: &HeaderName, value: &str) -> Response {
        http::Response::builder().header(name, value).body(Body::default()).unwrap()
    }

    #[test]
    fn all_three_forms_of_a_date_are_read() {
        let expected: Timestamp = "1994-11-06T08:49:37Z".parse().unwrap();
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(date_of(&with(&DATE, text)), Some(expected), "{text}");
        }
        for text in ["", "yesterday", "0", "1994-11-06"] {
            assert_eq!(date_of(&with(&DATE, text)), None, "{text}");
        }
    }

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now: Timestamp = "1999-12-31T23:59:00Z".parse().unwrap();
        for (text, seconds) in [
            ("120", Some(120)),
            ("0", Some(0)),
            ("Fri, 31 Dec 1999 23:59:59 GMT", Some(59)),
            ("Fri, 31 Dec 1999 23:00:00 GMT", Some(0)),
            ("-5", None),
            ("soon", None),
            ("99999999999999999999999", None),
        ] {
            let expected = seconds.map(SignedDuration::from_secs);
            assert_eq!(retry_after(&with(&RETRY_AFTER, text), now), expected, "{text}");
        }
        assert_eq!(retry_after(&http::Response::new(Body::default()), now), None);
    }

    proptest! {
        #[test]
        fn no_field_panics(text in "[ -~]{0,40}") {
            let response = with(&RETRY_AFTER, &text);
            let wait = retry_after(&response, Timestamp::UNIX_EPOCH);
            prop_assert!(wait.is_none_or(|wait| !wait.is_negative()));
        }
    }
}
