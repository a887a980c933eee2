//! What a killed run leaves: a command without tokens that renew themselves, and a folder for the next run to remove.

use rustix::process::Signal;

use super::files::{folders, with_file};
use super::{logged_in, shell};
use crate::support::Home;

/// How many sessions `list` counts for the only account.
async fn sessions(home: &Home) -> u64 {
    let list = home.run(&["list", "--json"]).await;
    let accounts: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
    accounts[0]["sessions"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_counts_as_long_as_its_command_runs() {
    let (home, _provider, _, _) = logged_in().await;
    let (one, _) = with_file(&home).await;
    let (other, _) = with_file(&home).await;
    assert_eq!(sessions(&home).await, 2);
    assert_eq!(one.ended().await.code, 0);
    assert_eq!(sessions(&home).await, 1);
    assert_eq!(other.ended().await.code, 0);
    assert_eq!(sessions(&home).await, 0);
    // Neither a command that could not be started nor tokens that could not be had leave one.
    let missing = home.run(&["exec", "work", "--token-file", "A=work", "--", "no-such-command"]).await;
    assert_eq!((missing.code, sessions(&home).await, folders(&home)), (127, 0, 0), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_leaves_a_folder_that_the_next_one_removes() {
    let (home, _provider, _, token) = logged_in().await;
    let (killed, file) = with_file(&home).await;
    let (live, other) = with_file(&home).await;
    killed.signal(Signal::KILL);
    assert_eq!(killed.ended().await.code, -1);
    assert_eq!((folders(&home), sessions(&home).await), (2, 1));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), token);
    let next = shell(&home, &["work"], "exit 5").await;
    assert_eq!((next.code, folders(&home)), (5, 1), "{next}");
    assert!(!file.exists());
    assert_eq!(std::fs::read_to_string(&other).unwrap(), token, "what is in use stays");
    assert_eq!(live.ended().await.code, 0);
    assert_eq!(folders(&home), 0);
}
