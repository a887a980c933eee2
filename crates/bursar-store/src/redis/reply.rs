//! Reads what scripts answer: the server's time, then parts as text, numbers, lists or nothing.

use bursar_core::ports::store::{Record, StoreError, Version};
use jiff::Timestamp;
use redis::Value;

use super::errors::unexpected;

/// An answer, taken apart from front to back.
#[derive(Debug)]
pub(super) struct Reply {
    parts: std::vec::IntoIter<Value>,
    /// The server's clock, in microseconds since the epoch.
    pub(super) time: i64,
}

impl Reply {
    /// Takes the time off.
    pub(super) fn new(value: Value) -> Result<Self, StoreError> {
        let mut reply = Self { parts: list(value)?.into_iter(), time: 0 };
        reply.time = reply.number()?;
        Ok(reply)
    }

    /// The server's clock.
    pub(super) fn timestamp(&self) -> Timestamp {
        Timestamp::from_microsecond(self.time).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The next part as bytes, or nothing.
    pub(super) fn bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.parts.next() {
            None | Some(Value::Nil) => Ok(None),
            Some(value) => bytes(value).map(Some),
        }
    }

    /// The next part as text; it must be there.
    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        text(self.bytes()?.ok_or_else(unexpected)?)
    }

    /// The next part as a number; it must be there.
    pub(super) fn number<T: std::str::FromStr>(&mut self) -> Result<T, StoreError> {
        self.text()?.parse().map_err(|_| unexpected())
    }

    /// The next part as a number, or nothing.
    pub(super) fn maybe_number<T: std::str::FromStr>(&mut self) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.bytes()? else { return Ok(None) };
        text(bytes)?.parse().map(Some).map_err(|_| unexpected())
    }

    /// The next part as a list, or nothing.
    pub(super) fn list(&mut self) -> Result<Option<Parts>, StoreError> {
        match self.parts.next() {
            None | Some(Value::Nil) => Ok(None),
            Some(value) => Ok(Some(Parts(list(value)?.into_iter()))),
        }
    }

    /// The next part as a list of records, each with its key.
    pub(super) fn records(&mut self) -> Result<Vec<Record>, StoreError> {
        let mut parts = self.list()?.ok_or_else(unexpected)?;
        let mut records = Vec::new();
        while let Some(key) = parts.next() {
            records.push(parts.record(text(bytes(key)?)?)?);
        }
        Ok(records)
    }
}

/// A list inside an answer.
#[derive(Debug)]
pub(super) struct Parts(std::vec::IntoIter<Value>);

impl Iterator for Parts {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        self.0.next()
    }
}

impl Parts {
    /// Version, body, due time and expiry of the record with that key.
    pub(super) fn record(&mut self, key: String) -> Result<Record, StoreError> {
        let version = Version(self.number()?);
        let body = bytes(self.next().ok_or_else(unexpected)?)?;
        Ok(Record { key, version, body, due_at: self.time()?, expires_at: self.time()? })
    }

    /// The next part as text.
    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        text(bytes(self.next().ok_or_else(unexpected)?)?)
    }

    /// The next part as a number.
    pub(super) fn number<T: std::str::FromStr>(&mut self) -> Result<T, StoreError> {
        self.text()?.parse().map_err(|_| unexpected())
    }

    fn time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        match self.next() {
            None | Some(Value::Nil) => Ok(None),
            Some(value) => millisecond(&text(bytes(value)?)?).map(Some),
        }
    }
}

/// A time as records keep it.
pub(super) fn millisecond(text: &str) -> Result<Timestamp, StoreError> {
    let number = text.parse().map_err(|_| unexpected())?;
    Timestamp::from_millisecond(number).map_err(|_| unexpected())
}

/// A value that is text.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, StoreError> {
    String::from_utf8(bytes).map_err(|_| unexpected())
}

/// A value that is a string or a number.
pub(super) fn bytes(value: Value) -> Result<Vec<u8>, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        Value::Int(number) => Ok(number.to_string().into_bytes()),
        _ => Err(unexpected()),
    }
}

/// A value that is a list, or a map read as one.
pub(super) fn list(value: Value) -> Result<Vec<Value>, StoreError> {
    match value {
        Value::Array(values) => Ok(values),
        Value::Map(pairs) => Ok(pairs.into_iter().flat_map(|(name, value)| [name, value]).collect()),
        _ => Err(unexpected()),
    }
}
