//! CBOR (RFC 8949) as far as authenticators write it (CTAP 2.1 §8): definite lengths, no tags, no fractions, not deep.

/// A value. Bytes and texts are where they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Whole numbers, as far as labels and algorithms need them.
    Integer(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Self>),
    /// In the order of the text; no key is there twice.
    Map(Vec<(Self, Self)>),
    Simple(u8),
}

impl<'a> Value<'a> {
    /// Reads the value at the start of `bytes`, and returns what follows. `None`: there is none that is allowed here.
    pub(super) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        read(bytes, DEEPEST)
    }

    /// Reads a value that is all of `bytes`.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        Self::read(bytes).filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value)
    }

    /// What a map has under this key.
    pub(super) fn at(&self, key: &Self) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(super) fn bytes(&self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(super) fn integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }
}

fn read(bytes: &[u8], depth: usize) -> Option<(Value<'_>, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (kind, short) = (first >> 5, first & 0x1f);
    if kind == SIMPLE {
        // false, true, null: nothing else is written without a fraction or a tag.
        return (20..=22).contains(&short).then_some((Value::Simple(short), rest));
    }
    let (number, rest) = argument(short, rest)?;
    match kind {
        0 => Some((Value::Integer(i64::try_from(number).ok()?), rest)),
        1 => Some((Value::Integer(-1 - i64::try_from(number).ok()?), rest)),
        2 => {
            let (bytes, rest) = rest.split_at_checked(usize::try_from(number).ok()?)?;
            Some((Value::Bytes(bytes), rest))
        }
        3 => {
            let (text, rest) = rest.split_at_checked(usize::try_from(number).ok()?)?;
            Some((Value::Text(std::str::from_utf8(text).ok()?), rest))
        }
        4 => array(number, rest, depth.checked_sub(1)?),
        5 => map(number, rest, depth.checked_sub(1)?),
        _ => None,
    }
}

fn argument(short: u8, rest: &[u8]) -> Option<(u64, &[u8])> {
    let length = match short {
        0..24 => return Some((u64::from(short), rest)),
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        // 28 to 30 mean nothing, and 31 is a length that is told at the end.
        _ => return None,
    };
    let (number, rest) = rest.split_at_checked(length)?;
    Some((number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)), rest))
}

/// What is promised costs nothing before it is there: room is made value by value.
fn array(length: u64, mut rest: &[u8], depth: usize) -> Option<(Value<'_>, &[u8])> {
    let mut values = Vec::new();
    for _ in 0..length {
        let (value, after) = read(rest, depth)?;
        values.push(value);
        rest = after;
    }
    Some((Value::Array(values), rest))
}

fn map(length: u64, mut rest: &[u8], depth: usize) -> Option<(Value<'_>, &[u8])> {
    // Looking for twins costs the square of it.
    if length > MOST_MEMBERS {
        return None;
    }
    let mut entries: Vec<(Value<'_>, Value<'_>)> = Vec::new();
    for _ in 0..length {
        let (key, after) = read(rest, depth)?;
        if entries.iter().any(|(known, _)| *known == key) {
            return None;
        }
        let (value, after) = read(after, depth)?;
        entries.push((key, value));
        rest = after;
    }
    Some((Value::Map(entries), rest))
}

const SIMPLE: u8 = 7;
/// CTAP 2.1 §8 allows four levels; attestation statements and extensions stay within.
const DEEPEST: usize = 4;
/// Statements of the most talkative authenticators have ten.
const MOST_MEMBERS: u64 = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_of_rfc_8949_are_read() {
        let cases: [(&[u8], Value<'_>); 8] = [
            (&[0x18, 0x64], Value::Integer(100)),
            (&[0x38, 0x63], Value::Integer(-100)),
            (&[0x39, 0x01, 0x00], Value::Integer(-257)),
            (&[0x44, 1, 2, 3, 4], Value::Bytes(&[1, 2, 3, 4])),
            (&[0x64, 0x49, 0x45, 0x54, 0x46], Value::Text("IETF")),
            (&[0x82, 1, 2], Value::Array(vec![Value::Integer(1), Value::Integer(2)])),
            (&[0xa1, 1, 2], Value::Map(vec![(Value::Integer(1), Value::Integer(2))])),
            (&[0xf5], Value::Simple(21)),
        ];
        for (bytes, value) in cases {
            assert_eq!(Value::of(bytes), Some(value), "{bytes:x?}");
        }
    }

    #[test]
    fn what_authenticators_never_write_is_refused() {
        let cases: [(&str, &[u8]); 12] = [
            ("nothing", &[]),
            ("a length at the end", &[0x5f, 0x41, 1, 0xff]),
            ("a tag", &[0xc0, 0x00]),
            ("a fraction", &[0xf9, 0x3c, 0x00]),
            ("undefined", &[0xf7]),
            ("a reserved length", &[0x1c]),
            ("too few bytes", &[0x42, 1]),
            ("more bytes than there are in the world", &[0x5b, 255, 255, 255, 255, 255, 255, 255, 255]),
            ("more values than there are bytes", &[0x9b, 255, 255, 255, 255, 255, 255, 255, 255]),
            ("a key twice", &[0xa2, 1, 2, 1, 3]),
            ("a broken text", &[0x61, 0xff]),
            ("too deep", &[0x81, 0x81, 0x81, 0x81, 0x81, 0x00]),
        ];
        for (name, bytes) in cases {
            assert_eq!(Value::of(bytes), None, "{name}");
        }
        assert!(Value::of(&[0x00, 0x00]).is_none() && Value::read(&[0x00, 0x00]).is_some());
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some((_, rest)) = Value::read(&bytes) {
                prop_assert!(rest.len() < bytes.len());
            }
        }
    }
}
