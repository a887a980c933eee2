//! `bursar exec`: a child with tokens in its environment, and nothing else changed about it.

mod descriptor;
mod files;
mod leftovers;
mod mask;
mod session;
mod socket;
mod talk;

use std::process::Stdio;
use std::time::Duration;

use misbehaving_provider::{Behaviour, MisbehavingProvider};
use rustix::process::Signal;

use crate::support::{Ended, Home, Running, ended, write_private};

/// A home with one login; the account's reference and its token.
async fn logged_in() -> (Home, MisbehavingProvider, String, String) {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    let login = home.login(&provider, "work").await;
    assert_eq!(login.code, 0, "{login}");
    let reference = format!("127.0.0.1-{}:work", provider.address().port());
    let token = home.run(&["token", &reference]).await.stdout.trim_end().to_owned();
    (home, provider, reference, token)
}

/// Waits for the end of the access token, which the provider has set a second away.
async fn expired(home: &Home) {
    loop {
        let list = home.run(&["list", "--json"]).await;
        let accounts: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
        if accounts[0]["state"] == "expired" {
            return;
        }
    }
}

/// A home with a key as its only account, which needs no provider.
async fn with_key() -> Home {
    let home = Home::new();
    let key = home.beside("api-key");
    write_private(&key, "glpat-never-print-me");
    let login = home.run(&["login", "gitlab", "--api-key-file", key.to_str().unwrap(), "--as", "ci"]).await;
    assert_eq!(login.code, 0, "{login}");
    home
}

/// A shell in a process group of its own, so that it is never in the foreground of the terminal tests may run in: what
/// keys do there is the terminal's business.
fn apart(home: &Home, script: &str) -> Running {
    apart_with(home, &["gitlab"], script)
}

fn apart_with(home: &Home, options: &[&str], script: &str) -> Running {
    let arguments = [&["exec"], options, &["--", "sh", "-c", script]].concat();
    Running::of(home.command(&arguments).process_group(0))
}

async fn shell(home: &Home, account: &[&str], script: &str) -> Ended {
    home.run(&[&["exec"], account, &["--", "sh", "-c", script]].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_child_gets_the_variables_of_the_account_and_its_exit_code_is_ours() {
    let (home, provider, reference, token) = logged_in().await;
    let script = "printf '%s %s' \"$ACCESS_TOKEN\" \"$BURSAR_TOKEN\"; exit 42";
    let run = shell(&home, &["work"], script).await;
    assert_eq!((run.code, run.stderr.as_str()), (42, ""), "{run}");
    assert_eq!(run.stdout, format!("{token} {token}"));
    assert!(provider.is_live(&token));
    let named = shell(&home, &[&reference, "--env", "MINE=work"], "test \"$MINE\" = \"$ACCESS_TOKEN\"").await;
    assert_eq!(named.code, 0, "{named}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_renewed_before_the_child_starts() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_secs(1));
    assert_eq!(home.login(&provider, "work").await.code, 0);
    expired(&home).await;
    provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_hours(1));
    let run = shell(&home, &["work"], "printf %s \"$ACCESS_TOKEN\"").await;
    assert_eq!(run.code, 0, "{run}");
    assert!(provider.is_live(&run.stdout));
    assert_eq!(provider.refreshes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_child_does_not_inherit_the_keys_and_sees_no_token_in_its_arguments() {
    let (home, _provider, _, token) = logged_in().await;
    let mut command =
        home.command(&["exec", "work", "--", "sh", "-c", "env; tr '\\0' ' ' </proc/$PPID/cmdline"]);
    command.env("BURSAR_PASSPHRASE_FILE", "/nowhere").env("KEPT", "as it is");
    let run = ended(&mut command).await;
    assert_eq!(run.code, 0, "{run}");
    assert!(!run.stdout.contains("BURSAR_MASTER_KEY") && !run.stdout.contains("BURSAR_PASSPHRASE"), "{run}");
    assert!(run.stdout.contains("KEPT=as it is\n") && run.stdout.contains("BURSAR_HOME="), "{run}");
    let arguments = run.stdout.lines().last().unwrap();
    assert!(arguments.contains("exec work -- sh") && !arguments.contains(&token), "{arguments}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_child_has_our_stdin() {
    let home = with_key().await;
    let mut cat = Running::of(home.command(&["exec", "gitlab", "--", "cat"]).stdin(Stdio::piped()));
    cat.is_told("through\nand through\n").await;
    let run = cat.ended().await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "through\nand through\n"), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_reach_the_child_and_its_end_by_one_is_told_as_shells_do() {
    let home = with_key().await;
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2] {
        // Nothing is caught: the child dies of it.
        let mut run = apart(&home, "echo ready; exec sleep 60");
        run.prints("ready").await;
        run.signal(signal);
        assert_eq!(run.ended().await.code, 128 + signal.as_raw(), "{signal:?}");
    }
    // A child that catches it decides itself.
    let script = "trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    let mut run = apart(&home, script);
    run.prints("ready").await;
    run.signal(Signal::TERM);
    let run = run.ended().await;
    assert_eq!((run.code, run.stdout.as_str()), (7, "caught\n"), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_stops_both_and_a_continuation_goes_on() {
    let home = with_key().await;
    let mut run = apart(&home, "echo ready; while :; do sleep 0.05; done");
    run.prints("ready").await;
    run.signal(Signal::TSTP);
    while state_of(run.id()) != 'T' {
        tokio::task::yield_now().await;
    }
    let child = child_of(run.id());
    while state_of(child) != 'T' {
        tokio::task::yield_now().await;
    }
    run.signal(Signal::CONT);
    while state_of(child) == 'T' {
        tokio::task::yield_now().await;
    }
    run.signal(Signal::TERM);
    assert_eq!(run.ended().await.code, 143);
}

/// The letter `/proc` has for what a process is doing.
fn state_of(id: u32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
}

fn child_of(id: u32) -> u32 {
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    children.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_that_our_caller_ignores_stay_ignored() {
    let home = with_key().await;
    let program = env!("CARGO_BIN_EXE_bursar");
    let line =
        format!("trap '' HUP; exec {program} exec gitlab -- sh -c 'echo ready; read line; echo \"$line\"'");
    let mut command = home.command(&[]);
    let mut outer = tokio::process::Command::new("/bin/sh");
    outer.args(["-c", &line]).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, value) in command.as_std_mut().get_envs() {
        outer.env(name, value.unwrap());
    }
    let mut run = Running::of(outer.process_group(0).kill_on_drop(true));
    run.prints("ready").await;
    run.signal(Signal::HUP);
    run.is_told("still here\n").await;
    let run = run.ended().await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "still here\n"), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_cannot_be_run_end_as_in_a_shell() {
    let home = with_key().await;
    let script = home.beside("script");
    write_private(&script, "#!/no/such/interpreter\n");
    let not_executable = script.to_str().unwrap();
    let missing = home.run(&["exec", "gitlab", "--", "no-such-command"]).await;
    assert_eq!(missing.code, 127, "{missing}");
    assert!(missing.stderr.contains("command not found: no-such-command"), "{missing}");
    let loose = home.run(&["exec", "gitlab", "--", not_executable]).await;
    assert_eq!(loose.code, 126, "{loose}");
    assert!(loose.stderr.contains("is not executable"), "{loose}");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let interpreter = home.run(&["exec", "gitlab", "--", not_executable]).await;
    assert_eq!(interpreter.code, 126, "{interpreter}");
    assert!(interpreter.stderr.contains("interpreter"), "{interpreter}");
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_that_programs_act_upon_are_never_set() {
    let home = with_key().await;
    for name in ["LD_PRELOAD", "PATH", "NODE_OPTIONS", "BASH_ENV", "PYTHONPATH"] {
        let refused =
            home.run(&["exec", "gitlab", "--env", &format!("{name}=gitlab"), "--", "echo", "ran"]).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (8, ""), "{refused}");
        assert!(refused.stderr.contains(name) && refused.stderr.contains("hint:"), "{refused}");
    }
    let nameless = home.run(&["exec", "gitlab", "--env", "A B=gitlab", "--", "true"]).await;
    assert_eq!(nameless.code, 2, "{nameless}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_for_one_variable_need_a_decision() {
    let (home, provider, work, token) = logged_in().await;
    provider.change(|behaviour| {
        behaviour.identity.sub = "bob".into();
        behaviour.identity.email = "bob@example.com".into();
    });
    assert_eq!(home.login(&provider, "home").await.code, 0);
    let refused = shell(&home, &["work", "home"], "echo ran").await;
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{refused}");
    assert!(refused.stderr.contains("both set ACCESS_TOKEN"), "{refused}");
    assert!(refused.stderr.contains(&format!("--env ACCESS_TOKEN={work}")), "{refused}");
    let settled = shell(
        &home,
        &["work", "--env", "HOME_TOKEN=home"],
        "printf '%s %s' \"$ACCESS_TOKEN\" \"$HOME_TOKEN\"",
    )
    .await;
    assert_eq!(settled.code, 0, "{settled}");
    let (mine, other) = settled.stdout.split_once(' ').unwrap();
    assert_eq!(mine, token);
    assert!(other != token && provider.is_live(other));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_without_every_token() {
    let (home, provider, reference, _) = logged_in().await;
    let unknown = shell(&home, &["nobody"], "echo ran").await;
    assert_eq!((unknown.code, unknown.stdout.as_str()), (3, ""), "{unknown}");

    provider.change(|behaviour| behaviour.token.access_lifetime = Duration::from_secs(1));
    assert_eq!(home.login(&provider, "work").await.code, 0);
    let token = home.run(&["token", &reference, "--no-check"]).await.stdout.trim_end().to_owned();
    assert!(provider.revoke(&token));
    expired(&home).await;
    let dead = shell(&home, &["work"], "echo ran").await;
    assert_eq!((dead.code, dead.stdout.as_str()), (4, ""), "{dead}");
    assert!(dead.stderr.contains("bursar login"), "{dead}");
}
