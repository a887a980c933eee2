//! A reader that goes away early, as `head` does, is no reason to panic.

use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pipe_is_no_panic() {
    let home = Home::new();
    let mut lines: Vec<Vec<&str>> =
        ["bash", "zsh", "fish", "powershell", "elvish"].map(|shell| vec!["completions", shell]).to_vec();
    let others: [&[&str]; 8] = [
        &["--help"],
        &["man"],
        &["man", "login"],
        &["config", "reference"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["doctor"],
        &["list", "--json"],
    ];
    lines.extend(others.map(<[&str]>::to_vec));
    for arguments in lines {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = home.command(&arguments).stdout(writer).spawn().unwrap();
        let output = child.wait_with_output().await.unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    }
}
