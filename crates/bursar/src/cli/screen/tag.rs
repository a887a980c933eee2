//! Tags and colours of states.

use bursar_core::lifecycle::shown::ShownState;

use crate::cli::printer::{ERROR, GOOD, WARN, paint};

/// The tag before a line, such as `[WARN]`.
pub(super) fn tag(state: ShownState) -> String {
    format!("[{}]", state.tag())
}

/// `text` in the colour of `state`.
pub(super) fn painted(text: &str, state: ShownState) -> String {
    let style = match state.tag() {
        "OK" => GOOD,
        "WARN" => WARN,
        _ => ERROR,
    };
    paint(text, style)
}
