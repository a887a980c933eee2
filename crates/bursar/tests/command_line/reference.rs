//! What is generated: the manual of the configuration, completions and manual pages.

use std::path::Path;

use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_in_the_repository_is_what_the_program_prints() {
    let printed = Home::new().run(&["config", "reference"]).await;
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/config.md");
    let kept = std::fs::read_to_string(kept).unwrap();
    assert_eq!(kept, printed.stdout, "write it again: bursar config reference > docs/config.md");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shell_gets_completions_for_every_command() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = home.run(&["completions", shell]).await.stdout;
        for word in ["login", "token", "min-valid", "completions"] {
            assert!(script.contains(word), "{shell} knows nothing of {word}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_pages_name_the_program_and_the_command() {
    let home = Home::new();
    let program = home.run(&["man"]).await.stdout;
    assert!(program.contains(".TH bursar 1"), "{program}");
    assert!(program.contains("bursar\\-token(1)"), "{program}");
    let command = home.run(&["man", "token"]).await.stdout;
    assert!(command.contains(".TH bursar-token 1"), "{command}");
    assert!(command.contains("\\-\\-min\\-valid"), "{command}");
    let alias = home.run(&["man", "print-access-token"]).await.stdout;
    assert_eq!(alias, command, "an alias leads to the same page");
}
