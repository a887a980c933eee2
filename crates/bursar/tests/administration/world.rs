//! What tests of administration have in common.

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::support::{Ended, Home};

/// What differs from run to run.
pub(super) fn filters() -> impl Drop {
    let mut settings = insta::Settings::clone_current();
    for (differs, name) in [
        (r"\b(cli|usr)_[0-9a-v]{26}", "${1}_[ID]"),
        (r"\bbcs_[0-9A-Za-z_-]{43}", "bcs_[SECRET]"),
        (r"(?:reference: |explain )?\b0[0-9a-v]{25}\b", "[REFERENCE]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[TIME]"),
        (r"[^\S\n]+\n", "\n"),
    ] {
        settings.add_filter(differs, name);
    }
    settings.bind_to_scope()
}

/// Runs a command that must succeed and reads its document.
pub(super) async fn document(home: &Home, arguments: &[&str]) -> Value {
    let ended = home.run(&[arguments, &["--json"]].concat()).await;
    assert_eq!(ended.code, 0, "{arguments:?}: {ended}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// Runs a command that must succeed.
pub(super) async fn done(home: &Home, arguments: &[&str]) -> Ended {
    let ended = home.run(arguments).await;
    assert_eq!(ended.code, 0, "{arguments:?}: {ended}");
    ended
}

/// Runs a command with something on its stdin.
pub(super) async fn given(home: &Home, arguments: &[&str], stdin: &str) -> Ended {
    let mut child = home.command(arguments).stdin(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
