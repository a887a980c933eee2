//! Exit codes are what scripts branch on.

use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn each_command_line_ends_with_its_code() {
    let home = Home::new();
    let table: &[(&[&str], i32)] = &[
        (&[], 2),
        (&["--version"], 0),
        (&["--help"], 0),
        (&["help", "token"], 0),
        (&["frobnicate"], 2),
        (&["--frobnicate"], 2),
        (&["config", "check"], 0),
        (&["config", "show"], 0),
        (&["config", "reference"], 0),
        (&["completions", "bash"], 0),
        (&["completions", "csh"], 2),
        (&["man"], 0),
        (&["man", "login"], 0),
        (&["man", "logn"], 2),
        (&["doctor"], 0),
        (&["list"], 0),
        (&["doctor", "nobody"], 3),
        (&["status"], 0),
        (&["check"], 0),
        (&["token"], 2),
        (&["token", "nobody"], 3),
        (&["token", "nobody", "--min-valid", "5"], 2),
        (&["token", "nobody", "--wait", "5s", "--no-wait"], 2),
        (&["refresh"], 2),
        (&["refresh", "nobody"], 3),
        (&["refresh", "--all"], 0),
        (&["use", "nobody"], 3),
        (&["which", "nobody"], 3),
        (&["logout", "nobody"], 3),
        (&["exec", "nobody"], 2),
        (&["exec", "nobody", "--", "true"], 3),
        (&["login", "no-such-provider"], 2),
        (&["cleanup", "--dry-run"], 0),
        (&["rebuild"], 0),
    ];
    for (arguments, code) in table {
        let ended = home.run(arguments).await;
        assert_eq!(ended.code, *code, "{arguments:?}: {ended}");
        if *code != 0 {
            assert!(!ended.stderr.is_empty(), "{arguments:?} says why");
            assert_eq!(ended.stdout, "", "{arguments:?}: words belong on stderr");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_command_is_told_the_nearest_one() {
    let home = Home::new();
    let ended = home.run(&["man", "tokn"]).await;
    insta::assert_snapshot!(ended, @"
    exit 2
    --- stdout
    --- stderr
    error: there is no command `tokn`
    hint: did you mean `bursar man token`?
    ");
    let ended = home.run(&["statsu"]).await;
    insta::assert_snapshot!(ended, @"
    exit 2
    --- stdout
    --- stderr
    error: unrecognized subcommand 'statsu'

      tip: some similar subcommands exist: 'status', 'stats'

    Usage: bursar [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_need_no_store_make_no_home() {
    let home = Home::new();
    for arguments in
        [&["man"][..], &["completions", "zsh"], &["config", "check"], &["config", "show"], &["doctor"]]
    {
        home.run(arguments).await;
        assert!(!home.path().exists(), "{arguments:?}");
    }
}
