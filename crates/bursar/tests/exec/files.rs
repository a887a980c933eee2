//! `--token-file`: a file that holds a live token whenever somebody looks.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use misbehaving_provider::{Endpoint, ErrorBody, Fault, RetryAfter};
use rustix::process::Signal;

use super::talk::Talk;
use super::{logged_in, shell};
use crate::support::Home;

/// Long enough that a busy machine renews in time, short enough to see several of them.
const LIFE: Duration = Duration::from_secs(5);

/// A command that tells where its file is and lives until its stdin ends.
pub(super) async fn with_file(home: &Home) -> (Talk, PathBuf) {
    let script = "echo \"$API_TOKEN_FILE\"; cat >/dev/null";
    let mut run = Talk::begin(home, &["--token-file", "API_TOKEN_FILE=work"], script);
    let path = run.line().await;
    (run, PathBuf::from(path))
}

/// How many sessions have a folder.
pub(super) fn folders(home: &Home) -> usize {
    std::fs::read_dir(home.path().join("sessions")).map_or(0, Iterator::count)
}

async fn holds_another_than(file: &Path, old: &str) -> String {
    loop {
        let token = std::fs::read_to_string(file).unwrap();
        if token != old {
            return token;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_is_private_holds_the_token_alone_and_goes_with_the_command() {
    let (home, _provider, _, token) = logged_in().await;
    let (run, file) = with_file(&home).await;
    assert!(file.starts_with(home.path().join("sessions")), "{}", file.display());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), token);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    let run = run.ended().await;
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run}");
    assert_eq!(folders(&home), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_outlives_its_tokens_finds_a_live_one_at_every_look() {
    let (home, provider, _, _) = logged_in().await;
    provider.change(|behaviour| behaviour.token.access_lifetime = LIFE);
    assert_eq!(home.run(&["refresh", "work"]).await.code, 0);
    let script = "while read go; do cat \"$TOKEN\"; echo; done";
    let mut run = Talk::begin(&home, &["--token-file", "TOKEN=work"], script);
    let mut seen = BTreeSet::new();
    while seen.len() < 3 {
        run.tell("go").await;
        let token = run.line().await;
        assert!(provider.is_live(&token), "after {} tokens: {token:?}", seen.len());
        seen.insert(token);
    }
    let run = run.ended().await;
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run}");
    // Each token but the last was renewed once, by nobody but the command's own keeper.
    assert_eq!(provider.refreshes(), seen.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_never_finds_half_a_token_whoever_refreshes() {
    let (home, provider, _, first) = logged_in().await;
    let (run, file) = with_file(&home).await;
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let reader = std::thread::spawn({
        let file = file.clone();
        move || {
            let mut seen = BTreeSet::new();
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                seen.insert(std::fs::read_to_string(&file).unwrap());
            }
            seen
        }
    });
    let mut token = first.clone();
    let mut tokens = BTreeSet::from([first]);
    for _ in 0..4 {
        assert_eq!(home.run(&["refresh", "work"]).await.code, 0);
        token = holds_another_than(&file, &token).await;
        assert!(provider.is_live(&token), "{token:?}");
        tokens.insert(token.clone());
    }
    drop(stop);
    let seen = reader.join().unwrap();
    assert!(seen.is_subset(&tokens), "{seen:?} are not all tokens");
    assert_eq!(tokens.len(), 5);
    assert_eq!(run.ended().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_provider_is_down_the_old_token_stays_and_it_is_told_once() {
    let (home, provider, _, _) = logged_in().await;
    provider.change(|behaviour| behaviour.token.access_lifetime = LIFE);
    assert_eq!(home.run(&["refresh", "work"]).await.code, 0);
    let (mut run, file) = with_file(&home).await;
    let token = std::fs::read_to_string(&file).unwrap();
    let down = Fault::Status { code: 503, retry_after: RetryAfter::None, body: ErrorBody::Empty };
    provider.change(|behaviour| drop(behaviour.faults.insert(Endpoint::Token, down)));
    let warning = run.says("warning:").await;
    assert!(warning.contains(":work: cannot be refreshed at the moment"), "{warning}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), token);
    provider.change(|behaviour| drop(behaviour.faults.remove(&Endpoint::Token)));
    run.says("is fresh again").await;
    let token = holds_another_than(&file, &token).await;
    assert!(provider.is_live(&token));
    let run = run.ended().await;
    assert_eq!((run.code, run.stderr.lines().count()), (0, 2), "{run}");
    assert!(!run.stderr.contains(&token), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_sleep_longer_than_a_token_lives_the_file_is_fresh_again() {
    let (home, provider, _, _) = logged_in().await;
    provider.change(|behaviour| behaviour.token.access_lifetime = LIFE);
    assert_eq!(home.run(&["refresh", "work"]).await.code, 0);
    let (run, file) = with_file(&home).await;
    let token = std::fs::read_to_string(&file).unwrap();
    run.signal(Signal::STOP);
    while provider.is_live(&token) {
        tokio::task::yield_now().await;
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), token, "a stopped process writes nothing");
    run.signal(Signal::CONT);
    let token = holds_another_than(&file, &token).await;
    assert!(provider.is_live(&token));
    let run = run.ended().await;
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_stays_as_it_is_until_it_can() {
    let (home, _provider, _, token) = logged_in().await;
    let (mut run, file) = with_file(&home).await;
    // Where a folder has the name nothing can be written beside the file: to the program the same as a full disk.
    let obstacle = file.with_file_name(".API_TOKEN_FILE.new");
    std::fs::create_dir(&obstacle).unwrap();
    assert_eq!(home.run(&["refresh", "work"]).await.code, 0);
    let warning = run.says("warning:").await;
    assert!(warning.contains("the file of API_TOKEN_FILE cannot be written"), "{warning}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), token);
    std::fs::remove_dir(&obstacle).unwrap();
    run.says("is fresh again").await;
    assert_ne!(std::fs::read_to_string(&file).unwrap(), token);
    assert_eq!(run.ended().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_gone_is_told_with_the_command_that_helps() {
    let (home, provider, _, _) = logged_in().await;
    let (mut run, file) = with_file(&home).await;
    let token = std::fs::read_to_string(&file).unwrap();
    assert!(provider.revoke(&token));
    let refused = home.run(&["refresh", "work"]).await;
    assert_eq!(refused.code, 4, "{refused}");
    let warning = run.says("warning:").await;
    assert!(warning.contains("bursar login") && !warning.contains(&token), "{warning}");
    // A new login helps at once.
    assert_eq!(home.login(&provider, "work").await.code, 0);
    let token = holds_another_than(&file, &token).await;
    assert!(provider.is_live(&token));
    assert_eq!(run.ended().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_may_end_in_the_middle_of_a_rewrite() {
    let (home, _provider, _, _) = logged_in().await;
    for _ in 0..5 {
        let (run, _) = with_file(&home).await;
        let (refreshed, run) = tokio::join!(home.run(&["refresh", "work"]), run.ended());
        assert_eq!(refreshed.code, 0, "{refreshed}");
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run}");
        assert_eq!(folders(&home), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_is_set_by_one_option_and_never_to_what_programs_act_upon() {
    let (home, _provider, _, token) = logged_in().await;
    for (options, code, words) in [
        (["--token-file", "LD_PRELOAD=work", "--env", "A=work"], 8, "LD_PRELOAD is never set"),
        (["--token-file", "../x=work", "--env", "A=work"], 2, "cannot be a variable's name"),
        (["--token-file", "BURSAR_SOCKET=work", "--env", "A=work"], 2, "set by bursar itself"),
        (["--token-file", "A=work", "--token-file", "A=work"], 2, "--token-file sets A twice"),
        (["--token-file", "A=work", "--env", "A=work"], 2, "--token-file and --env both set A"),
        (["--token-fd", "A=work", "--token-file", "a=work"], 2, "--token-file and --token-fd both set A"),
        (["--token-file", "A=nobody", "--env", "B=work"], 3, "nobody"),
    ] {
        let refused = shell(&home, &options, "echo ran").await;
        assert_eq!((refused.code, refused.stdout.as_str()), (code, ""), "{options:?} {refused}");
        assert!(refused.stderr.contains(words) && refused.stderr.contains("hint:"), "{refused}");
    }
    // A file that is asked for by name goes before the variable of the same name of the account.
    let options = ["work", "--token-file", "ACCESS_TOKEN=work"];
    let run = shell(&home, &options, "cat \"$ACCESS_TOKEN\"; printf %s \"$BURSAR_TOKEN\"").await;
    assert_eq!((run.code, run.stdout), (0, format!("{token}{token}")));
}
