//! The commands that are given to a user manager, played by a program that writes down what it was told.

use std::os::unix::fs::PermissionsExt as _;

use super::{BOTH, json, names, units};
use crate::support::{Ended, Home, ended};

/// Puts a `systemctl` before the system's, which answers with `answer` (a line of shell).
fn with_manager(home: &Home, answer: &str) {
    let folder = home.beside("bin");
    std::fs::create_dir_all(&folder).unwrap();
    let script =
        format!("#!/bin/sh\necho \"$*\" >> '{}'\nenv >> '{0}.env'\n{answer}\n", calls(home).display());
    let program = folder.join("systemctl");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn calls(home: &Home) -> std::path::PathBuf {
    home.beside("calls")
}

/// Runs the program with that manager; what it was told, and how it ended.
async fn told(home: &Home, arguments: &[&str]) -> (Vec<String>, Ended) {
    let _none_yet = std::fs::remove_file(calls(home));
    let mut command = home.command(arguments);
    command.env("PATH", format!("{}:/usr/bin:/bin", home.beside("bin").display()));
    let ended = ended(&mut command).await;
    let calls = std::fs::read_to_string(calls(home)).unwrap_or_default();
    (calls.lines().map(str::to_owned).collect(), ended)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manager_reads_enables_and_starts_and_undoes_it_all() {
    let home = Home::new();
    with_manager(&home, "exit 0");
    let (calls, installed) = told(&home, &["agent", "install", "--json"]).await;
    assert_eq!(json(&installed)["started"], true);
    assert_eq!(
        calls,
        [
            "--user daemon-reload",
            "--user stop bursar-agent.service bursar-agent.socket",
            "--user enable --now bursar-agent.socket bursar-agent.service",
        ]
    );
    let environment = std::fs::read_to_string(home.beside("calls.env")).unwrap();
    assert!(!environment.contains("BURSAR_MASTER_KEY"), "the manager is given no key: {environment}");

    let (calls, again) = told(&home, &["agent", "install"]).await;
    assert_eq!(again.code, 0, "{again}");
    assert_eq!(
        calls,
        ["--user daemon-reload", "--user enable --now bursar-agent.socket bursar-agent.service"],
        "an agent that runs by the same text goes on"
    );
    let (calls, removed) = told(&home, &["agent", "uninstall"]).await;
    assert_eq!(removed.code, 0, "{removed}");
    assert_eq!(
        calls,
        ["--user disable --now bursar-agent.service bursar-agent.socket", "--user daemon-reload"]
    );
    assert_eq!(names(&units(&home)), [""; 0]);
    let (calls, _) = told(&home, &["agent", "uninstall"]).await;
    assert_eq!(calls, [""; 0], "nothing of ours is there, so nothing is undone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_that_cannot_start_the_agent_is_quoted() {
    let home = Home::new();
    with_manager(&home, "case \"$*\" in *enable*) echo 'Job failed. See logs.' >&2; exit 1;; esac");
    let (_, failed) = told(&home, &["agent", "install"]).await;
    assert_eq!(failed.code, 1, "{failed}");
    for words in ["enable --now", "Job failed. See logs.", "bursar agent logs"] {
        assert!(failed.stderr.contains(words), "{words}: {failed}");
    }
    assert_eq!(names(&units(&home)), BOTH, "the files stay for the next try");
}
