//! The real Git, with nobody's configuration.

use std::path::Path;
use std::process::Command;

/// Runs Git in `folder`; it must succeed.
pub(crate) fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main"])
        .args(["-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A new repository with one commit and this remote.
pub(crate) fn repository(folder: &Path, remote: &str) {
    std::fs::create_dir_all(folder).unwrap();
    git(folder, &["init", "--quiet"]);
    git(folder, &["commit", "--quiet", "--allow-empty", "--message", "first"]);
    git(folder, &["remote", "add", "origin", remote]);
}
