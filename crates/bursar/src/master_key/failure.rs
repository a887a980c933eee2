//! Errors of key sources, with the next step.

use std::error::Error;

use bursar_core::ports::key_source::KeyError;

/// The place does not answer or holds no key.
pub(super) fn unavailable(source_name: &str, detail: &str, hint: &str) -> KeyError {
    KeyError::Unavailable {
        source_name: source_name.to_owned(),
        detail: detail.to_owned(),
        hint: hint.to_owned(),
    }
}

/// Somebody has to open the place first.
pub(super) fn locked(source_name: &str, hint: &str) -> KeyError {
    KeyError::Locked { source_name: source_name.to_owned(), hint: hint.to_owned() }
}

/// An error and what caused it, in one line: a key error carries text only.
pub(super) fn in_one_line(error: &(dyn Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |&link| link.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
