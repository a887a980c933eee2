//! The release build that is measured.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// Builds bursar as it is shipped and tells where it is.
pub(crate) fn built() -> Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--package", "bursar", "--bin", "bursar", "--message-format", "json"]);
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let output = cargo.stderr(Stdio::inherit()).output().context("cargo cannot be started")?;
    ensure!(output.status.success(), "the release build failed");
    let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    let executables =
        messages.filter_map(|message| Some(PathBuf::from(message.ok()?["executable"].as_str()?)));
    executables.last().context("the release build told no executable")
}
