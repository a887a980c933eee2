//! `--token-fd`: a token in a pipe that only the command has.

use super::{logged_in, shell};

#[tokio::test(flavor = "multi_thread")]
async fn the_token_can_be_read_once_from_the_descriptor_and_is_nowhere_else() {
    let (home, _provider, _, token) = logged_in().await;
    let script = "cat /dev/fd/$TOKEN_FD; echo; cat /dev/fd/$TOKEN_FD; env | grep -c \"$0\"; echo $TOKEN_FD";
    let arguments = ["exec", "--token-fd", "TOKEN_FD=work", "--", "sh", "-c", script, &token];
    let run = home.run(&arguments).await;
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[..2], [token.as_str(), "0"], "{run}");
    assert!(lines[2].parse::<u32>().unwrap() > 2, "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_is_inherited() {
    let (home, _provider, _, _) = logged_in().await;
    let script = "echo \"$A\"; for fd in /proc/$$/fd/*; do echo \"${fd##*/}\"; done";
    // What whoever started the tests left open is no business of ours.
    let before = shell(&home, &["work"], script).await;
    let options = ["--token-fd", "A=work", "--token-file", "B=work", "--mask", "--socket"];
    let run = shell(&home, &options, script).await;
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run}");
    let (number, found) = run.stdout.split_once('\n').unwrap();
    let mut found: Vec<&str> = found.lines().collect();
    let open = found.len();
    found.retain(|descriptor| *descriptor != number);
    assert_eq!(found.len(), open - 1, "{run}");
    assert_eq!(found, before.stdout.trim_start().lines().collect::<Vec<_>>(), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_does_not_read_it_or_closes_it_is_none_of_our_business() {
    let (home, _provider, _, token) = logged_in().await;
    let options = ["--token-fd", "A=work", "--token-fd", "B=work"];
    let ignored = shell(&home, &options, "exit 3").await;
    assert_eq!((ignored.code, ignored.stderr.as_str()), (3, ""), "{ignored}");
    let script = "head -c 1 /dev/fd/$A >/dev/null; cat /dev/fd/$B";
    let half = shell(&home, &options, script).await;
    assert_eq!((half.code, half.stdout, half.stderr), (0, token, String::new()));
}
