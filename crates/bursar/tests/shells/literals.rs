//! A token is a text to every shell, whatever is in it.

use std::fmt::Write as _;

use misbehaving_provider::{Behaviour, MisbehavingProvider};

use super::{SHELLS, Shell, prepared, run, store_key};
use crate::support::{Home, ended};

/// Texts that a shell would act upon, if they were not literals.
const HOSTILE: &[&str] = &[
    "plain-Token_1.2~+/=",
    "'",
    "''",
    "a'; touch pwned; '",
    "\"; touch pwned; \"",
    "$(touch pwned)",
    "`touch pwned`",
    "${HOME}$HOME%HOME%!!",
    "\\",
    "\\'\\\\''\\",
    "end\\",
    "\\n\\t\\x41",
    "two\nlines\n\nand more; touch pwned",
    "carriage\r\nreturn",
    "tab\tand  spaces  ",
    "  -n --help",
    "* ? [a-z] {a,b} ~ # & | < > ( )",
    "ünïcödé 名前 \u{1f511}",
    "\u{2018}; touch pwned; \u{2019}",
    "(touch pwned)",
];

/// Logs in at a provider that gives out this access token.
async fn issue(home: &Home, provider: &MisbehavingProvider, nickname: &str, token: &str) {
    provider.change(|behaviour| {
        behaviour.token.extra_members.insert("access_token".to_owned(), token.into());
    });
    let login = home.login(provider, nickname).await;
    assert_eq!(login.code, 0, "{login}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_real_shell_gives_back_the_exact_token() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    let mut arguments = "env".to_owned();
    for (number, token) in HOSTILE.iter().enumerate() {
        issue(&home, &provider, &format!("k{number}"), token).await;
        let _always = write!(arguments, " --env T{number}=k{number}");
    }
    for shell in SHELLS {
        // A program of the shell sees the variables; no shell is named: it is recognised.
        let script = format!("{}\nenv -0", shell.acts_upon(&arguments));
        let run = run(&home, shell, &script).await;
        assert_eq!(run.code, 0, "{shell:?}: {run}");
        for (number, token) in HOSTILE.iter().enumerate() {
            let variable = format!("T{number}={token}");
            assert!(run.stdout.split('\0').any(|seen| seen == variable), "{shell:?}: {token:?}\n{run}");
        }
        assert!(!home.beside("pwned").exists(), "{shell:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_pair_of_quotes_breaks_no_plain_token() {
    let home = Home::new();
    store_key(&home, "a", "one", None).await;
    store_key(&home, "b", "two", None).await;
    let arguments = "env --env A=gitlab:a --env B=gitlab:b";
    for (shell, evaluated) in [
        (Shell::Bash, format!("eval $(bursar {arguments})")),
        (Shell::Fish, format!("eval (bursar {arguments})")),
    ] {
        let script = format!("{evaluated}\nprintf '%s %s' \"$A\" \"$B\"");
        assert_eq!(run(&home, shell, &script).await.stdout, "one two", "{shell:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_a_control_character_is_refused_without_being_shown() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    issue(&home, &provider, "odd", "hunter2\u{1b}[2J").await;
    for shell in ["bash", "zsh", "sh", "fish", "powershell", "nushell"] {
        let refused = home.run(&["env", "--env", "T=odd", "--shell", shell]).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{shell}: {refused}");
        assert!(refused.stderr.contains("the value of T has a control character in it"), "{refused}");
        assert!(!refused.stderr.contains("hunter2"), "{refused}");
    }
    let json = home.run(&["env", "--env", "T=odd", "--json"]).await;
    assert!(json.stdout.contains("hunter2\\u001b[2J"), "JSON can say it: {json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shell_is_the_one_that_asks_then_the_login_shell_then_any() {
    let home = Home::new();
    store_key(&home, "ci", "token", None).await;
    for (shell, expected) in [
        (Shell::Bash, "export GITLAB_TOKEN='token';\n"),
        (Shell::Zsh, "export GITLAB_TOKEN='token';\n"),
        (Shell::Dash, "export GITLAB_TOKEN='token';\n"),
        (Shell::Fish, "set -gx GITLAB_TOKEN 'token';\n"),
    ] {
        // `; true`: a shell that has nothing else to do becomes the program.
        let mut other = prepared(&home, shell, "bursar env gitlab; true");
        let run = ended(other.env("SHELL", "/usr/bin/nu")).await;
        assert_eq!(run.stdout, expected, "{shell:?}: {run}");
    }
    let by_variable = async |login_shell: &str| {
        ended(home.command(&["env", "gitlab"]).env("SHELL", login_shell)).await.stdout
    };
    assert_eq!(by_variable("/usr/bin/fish").await, "set -gx GITLAB_TOKEN 'token';\n");
    assert_eq!(by_variable("/opt/microsoft/powershell/7/pwsh").await, "$env:GITLAB_TOKEN = 'token';\n");
    assert_eq!(by_variable("/usr/bin/elvish").await, "export GITLAB_TOKEN='token';\n");
}
