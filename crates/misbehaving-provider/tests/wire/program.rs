//! The program: one line on standard output, then it serves until it is told to stop.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::client::http;

fn start(arguments: &[&str]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_misbehaving-provider"))
        .args(arguments)
        .arg("--until-stdin-closes")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let issuer = line.trim_end().strip_prefix("issuer=").unwrap().to_owned();
    (child, issuer)
}

#[tokio::test]
async fn the_program_takes_switches_and_stops_with_its_standard_input() {
    let (mut child, issuer) = start(&["--access-lifetime", "4s", "--reuse", "grace:30"]);
    let behaviour: serde_json::Value =
        http().get(format!("{issuer}/control/behaviour")).send().await.unwrap().json().await.unwrap();
    assert_eq!(behaviour["token"]["access_lifetime"], 4.0);
    assert_eq!(behaviour["token"]["reuse"]["grace"]["seconds"], 30);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn wrong_arguments_are_told_on_standard_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_misbehaving-provider"))
        .args(["--reuse", "sometimes"])
        .output()
        .unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("until-successor-used"));
}
