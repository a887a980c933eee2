//! What a token says (RFC 7519 §4), claim by claim, and when it counts.
//!
//! Reads each claim as exactly the type it must have. Whether a token may be believed is for the one who asks.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

/// The claims of a token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Claims that came some other way than in a signed token.
    pub fn new(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// All of them.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The claim as it is.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A text that is not empty.
    ///
    /// # Errors
    /// The claim is there and is something else.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, ClaimError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(ClaimError::Invalid { name }),
        }
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// The claim is missing or something else.
    pub fn required_text(&self, name: &'static str) -> Result<&str, ClaimError> {
        self.text(name)?.ok_or(ClaimError::Missing { name })
    }

    /// Texts, of which a single one may stand without a list (RFC 7519 §4.1.3); none if the claim is missing.
    ///
    /// # Errors
    /// The claim is there and is something else, or an empty list.
    pub fn texts(&self, name: &'static str) -> Result<Vec<&str>, ClaimError> {
        let texts: Option<Vec<&str>> = match self.0.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list.iter().map(Value::as_str).collect(),
            Some(value) => value.as_str().map(|text| vec![text]),
        };
        texts.filter(|texts| !texts.is_empty()).ok_or(ClaimError::Invalid { name })
    }

    /// A time: seconds since 1970 as a number (RFC 7519 §2), whose fraction is dropped.
    ///
    /// # Errors
    /// The claim is there and is no such number. Text is none: a reader that took it for zero or for the end of time
    /// would read another token.
    pub fn time(&self, name: &'static str) -> Result<Option<Timestamp>, ClaimError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let seconds = value
            .as_i64()
            .or_else(|| Some(SignedDuration::try_from_secs_f64(value.as_f64()?).ok()?.as_secs()));
        // Whoever writes milliseconds ends after the year 9999, and is refused here.
        let time =
            seconds.filter(|&seconds| seconds >= 0).and_then(|seconds| Timestamp::from_second(seconds).ok());
        time.map(Some).ok_or(ClaimError::Invalid { name })
    }

    /// A time that must be there.
    ///
    /// # Errors
    /// The claim is missing or something else.
    pub fn required_time(&self, name: &'static str) -> Result<Timestamp, ClaimError> {
        self.time(name)?.ok_or(ClaimError::Missing { name })
    }
}

impl From<Claims> for Map<String, Value> {
    fn from(claims: Claims) -> Self {
        claims.0
    }
}

/// How far clocks may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// By how much `exp` may be over, and `nbf` still to come.
    pub tolerance: SignedDuration,
    /// By how much `iat` may be in the future; a token from later than that was not made by a clock.
    pub maximum_future_issue: SignedDuration,
}

impl Default for Times {
    fn default() -> Self {
        Self { tolerance: SignedDuration::from_secs(30), maximum_future_issue: SignedDuration::from_secs(60) }
    }
}

impl Times {
    /// Judges `exp`, `nbf` and `iat` at `now` (RFC 7519 §4.1.4 to §4.1.6), each if it is there.
    ///
    /// # Errors
    /// One of them is no time, or `now` is not between them.
    pub fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), ClaimError> {
        let (end, start, issue) = (claims.time("exp")?, claims.time("nbf")?, claims.time("iat")?);
        match (end, start, issue) {
            (Some(at), ..) if now.duration_since(at) >= self.tolerance => Err(ClaimError::Expired { at }),
            (_, Some(at), _) if at.duration_since(now) > self.tolerance => Err(ClaimError::NotYet { at }),
            (.., Some(at)) if at.duration_since(now) > self.maximum_future_issue => {
                Err(ClaimError::IssuedInFuture { at })
            }
            _ => Ok(()),
        }
    }
}

/// A claim that is missing or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// It must be there.
    #[error("the token lacks the claim `{name}`")]
    Missing {
        /// The claim's name.
        name: &'static str,
    },
    /// It has another type or a value it must not have.
    #[error("the claim `{name}` of the token is not valid")]
    Invalid {
        /// The claim's name.
        name: &'static str,
    },
    /// The token is over (RFC 7519 §4.1.4).
    #[error("the token expired at {at}")]
    Expired {
        /// Its end.
        at: Timestamp,
    },
    /// The token does not count yet (RFC 7519 §4.1.5).
    #[error("the token is not valid before {at}")]
    NotYet {
        /// Its start.
        at: Timestamp,
    },
    /// The token was made later than now (RFC 7519 §4.1.6).
    #[error("the token was issued in the future, at {at}")]
    IssuedInFuture {
        /// When it says it was made.
        at: Timestamp,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_300_000_000, 0);

    fn claims(value: Value) -> Claims {
        let Value::Object(claims) = value else { panic!("no object") };
        Claims::new(claims)
    }

    #[test]
    fn times_are_judged_to_the_second() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let now = NOW.as_second();
        let table = [
            (json!({}), Ok(())),
            (json!({"exp": now + 1, "nbf": now, "iat": now}), Ok(())),
            (json!({"exp": now - 29}), Ok(())),
            (json!({"exp": now - 30}), Err(ClaimError::Expired { at: at(now - 30) })),
            (json!({"exp": 0}), Err(ClaimError::Expired { at: at(0) })),
            (json!({"nbf": now + 30}), Ok(())),
            (json!({"nbf": now + 31}), Err(ClaimError::NotYet { at: at(now + 31) })),
            (json!({"iat": now + 60}), Ok(())),
            (json!({"iat": 1_300_000_060.9}), Ok(())),
            (json!({"iat": now + 61}), Err(ClaimError::IssuedInFuture { at: at(now + 61) })),
        ];
        for (value, expected) in table {
            assert_eq!(Times::default().check(&claims(value.clone()), NOW), expected, "{value}");
        }
    }

    #[test]
    fn times_are_numbers_in_a_sane_range() {
        for name in ["exp", "nbf", "iat"] {
            for value in [
                json!("1300000000"),
                json!(null),
                json!(true),
                json!([1]),
                json!({}),
                json!(-1),
                json!(-0.5e10),
                json!(1e300),
                json!(i64::MAX),
                json!(u64::MAX),
                json!(1_300_000_000_000_i64),
            ] {
                let found = Times::default().check(&claims(json!({name: value})), NOW);
                assert_eq!(found, Err(ClaimError::Invalid { name }), "{name} {value}");
            }
        }
        let fraction = claims(json!({"exp": 1_300_000_000.9}));
        assert_eq!(fraction.time("exp"), Ok(Some(NOW)));
    }

    #[test]
    fn texts_are_texts() {
        let claims = claims(json!({"a": "b", "empty": "", "null": null, "number": 1, "list": ["a", "b"],
            "none": [], "mixed": ["a", 1]}));
        assert_eq!(claims.required_text("a"), Ok("b"));
        assert_eq!(claims.required_text("z"), Err(ClaimError::Missing { name: "z" }));
        for name in ["empty", "null", "number", "list"] {
            assert_eq!(claims.text(name), Err(ClaimError::Invalid { name }));
        }
        assert_eq!(claims.texts("list").unwrap(), ["a", "b"]);
        assert_eq!(claims.texts("a").unwrap(), ["b"]);
        assert_eq!(claims.texts("z"), Ok(Vec::new()));
        for name in ["none", "mixed", "null", "number"] {
            assert_eq!(claims.texts(name), Err(ClaimError::Invalid { name }));
        }
    }

    proptest! {
        #[test]
        fn any_time_is_judged_without_panic(float in any::<f64>(), whole in any::<i64>(), now in -377_705_023_201_i64..=253_402_207_200) {
            let now = Timestamp::from_second(now).unwrap();
            for value in [json!(float), json!(whole)] {
                let _ = Times::default().check(&claims(json!({"exp": value, "nbf": value, "iat": value})), now);
            }
        }
    }
}
