//! JSON objects as RFC 8725 §2.4 and RFC 7515 §4 want them read: no member twice, and no deeper than anybody needs.
//!
//! The usual reader keeps the last of two members and others keep the first, so that two programs would see two tokens in
//! one text.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads a JSON object from the whole of `bytes`.
///
/// # Errors
/// It is no JSON object, has a member twice anywhere inside, or is nested deeper than 16 levels.
pub fn read_object(bytes: &[u8]) -> Result<Map<String, Value>, ObjectError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { levels: MAXIMUM_DEPTH }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| ObjectError::of(&error))?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(ObjectError::NotAnObject),
    }
}

/// A text that is no object, or one that different programs would read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// It is not JSON (RFC 8259), or JSON of another kind.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// A name stands twice in one object.
    #[error("it has a member twice")]
    DuplicateMember,
    /// Objects and lists are inside one another more than 16 times.
    #[error("it is nested too deeply")]
    TooDeep,
}

impl ObjectError {
    fn of(error: &serde_json::Error) -> Self {
        // The reader passes our own words on, with the place after them.
        let words = error.to_string();
        if words.starts_with(DUPLICATE) {
            Self::DuplicateMember
        } else if words.starts_with(DEEP) {
            Self::TooDeep
        } else {
            Self::NotAnObject
        }
    }
}

/// Address claims and actor chains need five; every level costs stack.
const MAXIMUM_DEPTH: usize = 16;

const DUPLICATE: &str = "duplicate member";
const DEEP: &str = "nested too deeply";

/// A value with at most so many levels inside.
#[derive(Clone, Copy)]
struct Strict {
    levels: usize,
}

impl Strict {
    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1).ok_or_else(|| E::custom(DEEP))?;
        Ok(Self { levels })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut list = Vec::new();
        while let Some(value) = sequence.next_element_seed(inside)? {
            list.push(value);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inside)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom(DUPLICATE));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn members_stand_once_at_every_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"\u0062":2}]}"#,
            r#"{"exp":1,"exp":99}"#,
        ] {
            assert_eq!(read_object(text.as_bytes()), Err(ObjectError::DuplicateMember), "{text}");
        }
        assert!(read_object(br#"{"a":{"a":{"a":[{"a":1},{"a":2}]}}}"#).is_ok());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(read_object(nested(15).as_bytes()).is_ok());
        for depth in [16, 100, 8000] {
            assert_eq!(read_object(nested(depth).as_bytes()), Err(ObjectError::TooDeep), "{depth}");
        }
    }

    #[test]
    fn other_texts_are_no_objects() {
        for text in [
            "",
            "[]",
            "1",
            "\"a\"",
            "null",
            "{",
            "{}{}",
            "{} x",
            "{'a':1}",
            "{\"a\":1,}",
            "{\"a\":NaN}",
            "{\"a\":1e999}",
            "\u{feff}{}",
            "{\"a\":01}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\ud800\"}",
        ] {
            assert_eq!(read_object(text.as_bytes()), Err(ObjectError::NotAnObject), "{text}");
        }
        assert_eq!(read_object(b"{\"a\":\"\xff\"}"), Err(ObjectError::NotAnObject));
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_everybody_reads(text in ".{0,60}", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = read_object(&bytes);
            if let Ok(object) = read_object(text.as_bytes()) {
                prop_assert_eq!(serde_json::from_str::<Map<String, Value>>(&text).unwrap(), object);
            }
        }
    }
}
