//! `--mask`: no token of the session in what the command prints.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use super::talk::Talk;
use super::{apart_with, logged_in, shell};
use crate::support::ended;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_becomes_stars_on_both_outputs_whole_in_pieces_and_in_base64() {
    let (home, provider, _, token) = logged_in().await;
    let script = "t=$ACCESS_TOKEN; echo \"a $t$t b\"; echo \"err $t\" >&2; \
        printf %s \"${t%????????}\"; sleep 0.2; printf '%s\\n' \"${t#\"${t%????????}\"}\"; \
        printf '{\"token\":\"%s\"}' \"$t\"; printf 'user:%s' \"$t\" | base64 -w0; exit 7";
    let run = shell(&home, &["--mask", "work"], script).await;
    assert_eq!((run.code, run.stderr.as_str()), (7, "err ***\n"), "{run}");
    assert!(run.stdout.starts_with("a ****** b\n***\n{\"token\":\"***\"}"), "{run}");
    assert!(run.stdout.matches("***").count() >= 5, "{run}");
    for secret in provider.secrets() {
        assert!(!run.stdout.contains(&secret) && !run.stderr.contains(&secret), "{run}");
    }
    let open = shell(&home, &["work"], "printf %s \"$ACCESS_TOKEN\"").await;
    assert_eq!(open.stdout, token, "without the option nothing changes");
}

#[tokio::test(flavor = "multi_thread")]
async fn refreshed_tokens_are_masked_too_and_so_are_the_ones_before() {
    let (home, provider, _, first) = logged_in().await;
    let script = "echo ready; while read go; do cat \"$FILE\"; echo; echo \"$ACCESS_TOKEN\"; done";
    let mut run = Talk::begin(&home, &["--mask", "work", "--token-file", "FILE=work"], script);
    assert_eq!(run.line().await, "ready");
    let sessions = home.path().join("sessions");
    let session = std::fs::read_dir(sessions).unwrap().next().unwrap().unwrap().path();
    for _ in 0..3 {
        let old = std::fs::read_to_string(session.join("FILE")).unwrap();
        assert_eq!(home.run(&["refresh", "work"]).await.code, 0);
        // The command prints the new token as soon as it is there.
        while std::fs::read_to_string(session.join("FILE")).unwrap() == old {
            tokio::task::yield_now().await;
        }
        run.tell("go").await;
        assert_eq!((run.line().await.as_str(), run.line().await.as_str()), ("***", "***"));
    }
    assert!(provider.refreshes() == 3 && provider.secrets().contains(&first));
    assert_eq!(run.ended().await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_tokens_come_out_as_they_are() {
    let (home, _provider, _, _) = logged_in().await;
    let file = home.beside("bytes");
    let script = "head -c 3000000 /dev/urandom | tee \"$0\"";
    let arguments = ["exec", "--mask", "work", "--", "sh", "-c", script, file.to_str().unwrap()];
    let output = home.command(&arguments).output().await.unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(output.stdout == std::fs::read(&file).unwrap(), "{} bytes", output.stdout.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ends_in_one_place_keeps_its_order() {
    let (home, _provider, _, _) = logged_in().await;
    let script = "i=0; while [ $i -lt 300 ]; do echo out; echo err >&2; i=$((i+1)); done";
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = home.command(&["exec", "--mask", "work", "--", "sh", "-c", script]);
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut text = String::new();
    std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
    assert!(child.wait().await.unwrap().success());
    assert_eq!(text, "out\nerr\n".repeat(300));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_seen_before_its_answer_whatever_its_last_letter() {
    let (home, _provider, _, token) = logged_in().await;
    let script = "printf \"Name$(printf %.1s \"$ACCESS_TOKEN\")\"; read answer; echo \"[$answer]\"";
    let mut command = home.command(&["exec", "--mask", "work", "--", "sh", "-c", script]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut prompt = [0; 5];
    let stdout = child.stdout.as_mut().unwrap();
    tokio::io::AsyncReadExt::read_exact(stdout, &mut prompt).await.unwrap();
    assert_eq!(prompt, *format!("Name{}", &token[..1]).as_bytes());
    tokio::io::AsyncWriteExt::write_all(child.stdin.as_mut().unwrap(), b"ada\n").await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.stdout, b"[ada]\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_and_a_reader_that_goes_away_work_as_before() {
    let (home, _provider, _, _) = logged_in().await;
    let mut run = apart_with(
        &home,
        &["--mask", "work"],
        "trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.05; done",
    );
    run.prints("ready").await;
    run.signal(Signal::TERM);
    let run = run.ended().await;
    assert_eq!((run.code, run.stdout.as_str()), (7, "caught\n"), "{run}");

    let mut command = home.command(&["exec", "--mask", "work", "--", "yes"]);
    let mut child = command.spawn().unwrap();
    let mut first = [0; 2];
    tokio::io::AsyncReadExt::read_exact(child.stdout.as_mut().unwrap(), &mut first).await.unwrap();
    drop(child.stdout.take());
    let status = child.wait().await.unwrap();
    assert_eq!(status.code(), Some(128 + Signal::PIPE.as_raw()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grandchild_that_keeps_the_output_keeps_nobody_waiting() {
    let (home, _provider, _, _) = logged_in().await;
    let script = "sleep 60 & echo $!; echo done";
    let run = tokio::time::timeout(Duration::from_secs(30), shell(&home, &["--mask", "work"], script)).await;
    let run = run.expect("it waits for the sleeper");
    let (sleeper, rest) = run.stdout.split_once('\n').unwrap();
    assert_eq!(rest, "done\n", "{run}");
    let killed = ended(tokio::process::Command::new("kill").arg(sleeper)).await;
    assert_eq!(killed.code, 0, "{killed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_from_the_session_s_socket_is_masked_even_if_it_was_replaced_at_once() {
    let (home, provider, work, token) = logged_in().await;
    let script = "ask() { curl --silent --unix-socket \"$BURSAR_SOCKET\" -H \"Authorization: Bearer $BURSAR_SESSION_TOKEN\" \
        -H 'Content-Type: application/json' -d \"{\\\"rejected\\\": \\\"$1\\\"}\" \
        \"http://localhost/v1/accounts/$WORK/token\" | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/'; }
        one=$(ask \"$ACCESS_TOKEN\"); two=$(ask \"$one\"); three=$(ask \"$two\"); printf '%s\n' ${#one} \"$one\" \"$two\" \"$three\"";
    let mut command = home.command(&["exec", "--mask", "--socket", "work", "--", "sh", "-c", script]);
    let run = ended(command.env("WORK", &work)).await;
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines.len() == 4 && lines[0].parse::<usize>().unwrap() >= 8, "{run}");
    assert_eq!(lines[1..], ["***"; 3], "{run}");
    for secret in provider.secrets() {
        assert!(!run.stdout.contains(&secret), "{run}");
    }
    assert!(provider.refreshes() >= 2 && provider.secrets().contains(&token));
}
