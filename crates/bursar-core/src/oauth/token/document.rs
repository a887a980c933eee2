//! Reads the body of an answer, JSON or form, into one shape, and finds things in it by path.

use std::fmt;

use serde_json::{Map, Value};
use zeroize::Zeroize as _;

use crate::ports::upstream::Response;
use crate::provider::AnswerFormat;

/// An answer's body as a JSON object; wiped when dropped, shown by its member names only.
pub(in crate::oauth) struct Document(Value);

/// The body of `response`, or why it is none.
pub(in crate::oauth) fn read_document(
    response: &Response,
    format: AnswerFormat,
) -> Result<Document, &'static str> {
    let text = std::str::from_utf8(response.body().expose()).map_err(|_| "the answer is not text")?;
    // A byte order mark is not allowed (RFC 8259 §8.1) but sent by some gateways.
    let text = text.trim_start_matches('\u{feff}').trim();
    match (text.bytes().next(), format) {
        (None, _) => Err("the answer is empty"),
        (Some(b'<'), _) => Err("the answer is a web page"),
        (Some(b'{'), AnswerFormat::Auto | AnswerFormat::Json) => {
            serde_json::from_str(text).map(Document).map_err(|error| match error.classify() {
                serde_json::error::Category::Eof => "the answer was cut off",
                _ => "the answer is not valid JSON",
            })
        }
        (Some(_), AnswerFormat::Auto | AnswerFormat::Form) if is_form(text) => {
            let members: Map<String, Value> = url::form_urlencoded::parse(text.as_bytes())
                .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                .collect();
            Ok(Document(Value::Object(members)))
        }
        (Some(_), AnswerFormat::Json) => Err("the answer is not a JSON object"),
        (Some(_), _) => Err("the answer is neither JSON nor a form"),
    }
}

impl Document {
    /// The whole object.
    pub(in crate::oauth) fn value(&self) -> &Value {
        &self.0
    }

    /// What `path` leads to; the empty path is the whole object.
    pub(in crate::oauth) fn at(&self, path: &str) -> Option<&Value> {
        at(&self.0, path)
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> =
            self.0.as_object().map(|members| members.keys().collect()).unwrap_or_default();
        formatter.debug_tuple("Document").field(&names).finish()
    }
}

/// What `path` leads to below `value`: a member of that very name, else dots lead inwards.
pub(in crate::oauth) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if path.is_empty() {
        return Some(value);
    }
    if let Some(member) = value.get(path) {
        return Some(member);
    }
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let inner = match value {
        Value::Array(items) => items.get(first.parse::<usize>().ok()?)?,
        _ => value.get(first)?,
    };
    at(inner, rest)
}

/// A non-empty text or a number, as text.
pub(in crate::oauth) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn is_form(text: &str) -> bool {
    text.contains('=') && !text.contains(char::is_whitespace)
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
