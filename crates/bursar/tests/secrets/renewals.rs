//! What is done with a login every day, and the end of it.

use std::process::Stdio;

use misbehaving_provider::{
    Behaviour, Endpoint, ErrorBody, Fault, Identity, MisbehavingProvider, RetryAfter, RevocationStyle, Times,
    When,
};

use super::processes;
use super::watched::Watched;

#[tokio::test(flavor = "multi_thread")]
async fn handing_out_and_looking_leave_no_secret() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    watched.login(&provider, "work", 0).await;
    let token = watched.run_printing(&["token", "work"], 0).await;
    assert!(provider.is_live(&token));
    watched.run_printing(&["token", "work", "--json"], 0).await;
    watched.run_printing(&["token", "work", "--header"], 0).await;
    let rejected = watched.secret_file("rejected", &token);
    let next = watched.run_printing(&["token", "work", "--rejected-file", &rejected], 0).await;
    assert!(next != token && provider.is_live(&next));
    watched.run(&["refresh", "work", "--json"], 0).await;
    for line in [
        &["status"][..],
        &["status", "--json"],
        &["list"],
        &["list", "--json"],
        &["check"],
        &["check", "--live"],
        &["which", "work"],
        &["use", "work"],
        &["cleanup"],
        &["config", "show"],
        &["config", "check"],
        &["rebuild"],
    ] {
        watched.run(line, 0).await;
    }
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tells_no_secret() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    watched.login(&provider, "work", 0).await;
    for line in [&["doctor"][..], &["doctor", "--json"]] {
        // What it finds depends on the machine; that it tells no secret does not.
        let mut command = watched.command(line);
        let running = watched.start(&mut command);
        let ended = running.ended().await;
        let code = ended.code;
        watched.kept("doctor", ended, code);
    }
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_fails_leaves_no_secret_whatever_the_fault() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    let status = |code| Fault::Status { code, retry_after: RetryAfter::Seconds(60), body: ErrorBody::Html };
    let refusal =
        |code: &str| Fault::OauthError { status: 400, code: code.into(), description: Some("no".into()) };
    let faults = [
        (status(429), 5),
        (status(503), 5),
        (refusal("invalid_grant"), 4),
        (refusal("invalid_client"), 5),
        (refusal("nobody_knows"), 5),
        (Fault::HtmlOk, 5),
        (Fault::TruncatedJson, 5),
        (Fault::WrongContentType, 0),
        (Fault::CutAfter(60), 5),
        (Fault::RotatedButLost, 5),
        (Fault::CloseBeforeAnswer, 5),
        (Fault::Redirect("http://127.0.0.1:9/?a=b".into()), 5),
        (Fault::HugeBody(2 << 20), 5),
    ];
    for (number, (fault, code)) in faults.into_iter().enumerate() {
        let nickname = format!("account-{number}");
        watched.login(&provider, &nickname, 0).await;
        provider.inject(Endpoint::Token, fault, Times::Once);
        watched.run(&["refresh", &nickname], code).await;
        watched.run(&["status", &nickname, "--json"], if code == 0 { 0 } else { code }).await;
    }
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_under_way_shows_nothing_and_leaves_nothing_when_it_is_killed() {
    for when in [When::BeforeProcessing, When::AfterProcessing] {
        // Another provider each time: the call of a killed process is still on its way through the first.
        let provider = MisbehavingProvider::start(Behaviour::default()).await;
        let mut watched = Watched::new();
        watched.login(&provider, "work", 0).await;
        let hold = provider.hold(Endpoint::Token, when);
        let mut command = watched.command(&["refresh", "work"]);
        let mut running = watched.start(&mut command);
        running.until(hold.arrived()).await;
        watched.look_at(running.id(), "bursar in the middle of a refresh");
        watched.look_at_files();
        running.signal(rustix::process::Signal::KILL);
        watched.kept("refresh, killed", running.ended().await, -1);
        hold.release();
        watched.assert_clean(&provider);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_gets_its_token_by_its_environment_and_nothing_else() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    watched.login(&provider, "work", 0).await;
    watched.login(&provider, "other", 0).await;
    let place = watched.home.beside("process");
    let script = format!("echo $$ > '{}'; echo ready; read -r line; exit 3", place.display());
    let mut command = watched.command(&["exec", "work", "--", "sh", "-c", &script]);
    let mut running = watched.start(command.stdin(Stdio::piped()));
    running.prints("ready").await;
    let process: u32 = std::fs::read_to_string(&place).unwrap().trim().parse().unwrap();
    watched.saw("the arguments of the child", processes::arguments(process));
    let named = ["ACCESS_TOKEN", "BURSAR_TOKEN"];
    let environment = processes::environment_without(process, &named);
    let text = String::from_utf8_lossy(&environment).into_owned();
    assert!(text.contains("BURSAR_HOME=") && !text.contains("BURSAR_MASTER_KEY"), "{text}");
    watched.saw("the environment of the child, without its token", environment);
    watched.look_at(running.id(), "bursar beside its child");
    running.is_told("go\n").await;
    watched.kept("exec", running.ended().await, 3);
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_somebody_else_are_told_by_name_only() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    watched.login(&provider, "work", 0).await;
    provider.change(|behaviour| {
        behaviour.token.refreshed_identity =
            Some(Identity { sub: "eve".into(), email: "eve@example.com".into(), name: "Eve".into() });
    });
    let ended = watched.run(&["refresh", "work"], 4).await;
    assert!(ended.stderr.contains("eve@example.com"), "{ended}");
    watched.assert_clean(&provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_leaves_no_secret_done_or_queued() {
    let provider = MisbehavingProvider::start(Behaviour::default()).await;
    let mut watched = Watched::new();
    watched.login(&provider, "one", 0).await;
    watched.run(&["logout", "one"], 0).await;
    watched.login(&provider, "two", 0).await;
    provider.change(|behaviour| behaviour.revocation.style = RevocationStyle::Failing);
    watched.run(&["logout", "two"], 0).await;
    watched.run(&["cleanup", "--json"], 0).await;
    watched.run(&["status"], 0).await;
    watched.assert_clean(&provider);
}
