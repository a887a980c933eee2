//! `c`, `ct`, `ct-all` and `ct-refresh` in real shells.

use misbehaving_provider::{Behaviour, MisbehavingProvider};

use super::{SHELLS, Shell, prepared, run, store_key};
use crate::support::{Home, ended};

/// The short commands, as this shell calls them.
fn names(shell: Shell) -> [&'static str; 2] {
    if shell == Shell::Dash { ["ct_all", "ct_refresh"] } else { ["ct-all", "ct-refresh"] }
}

#[tokio::test(flavor = "multi_thread")]
async fn c_chooses_an_account_by_number_or_name_for_this_terminal_only() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    for nickname in ["play", "work"] {
        assert_eq!(home.login(&provider, nickname).await.code, 0);
    }
    let id = format!("127.0.0.1-{}", provider.address().port());
    let list = home.run(&["list"]).await.stdout;
    assert!(list.lines().nth(2).unwrap().starts_with(&format!("  2  {id}:work ")), "{list}");
    for shell in SHELLS {
        let functions = shell.acts_upon("env --functions");
        for (wanted, nickname) in [("2", "work"), ("play", "play"), (format!("{id}:work").as_str(), "work")] {
            let ended = run(&home, shell, &format!("{functions}\nc {wanted}\nbursar which {id}\nct")).await;
            assert_eq!(ended.code, 0, "{shell:?} {wanted}: {ended}");
            let shown = format!("[OK]    {nickname} (");
            assert_eq!(
                ended.stdout.matches(&shown).count(),
                2,
                "by `c` and by `ct`: {shell:?} {wanted}: {ended}"
            );
            let variable = format!("BURSAR_ACCOUNT_{}", id.replace(['.', '-'], "_"));
            let why = format!("{id}:{nickname} (ada@example.com): named by {variable}\n");
            assert!(ended.stdout.contains(&why), "{shell:?} {wanted}: {ended}");
        }
    }
    // Nobody else has noticed.
    assert_eq!(home.run(&["which", &id]).await.code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn ct_refresh_refreshes_the_account_of_this_terminal_and_no_other() {
    let (home, provider) = (Home::new(), MisbehavingProvider::start(Behaviour::default()).await);
    for nickname in ["play", "work"] {
        assert_eq!(home.login(&provider, nickname).await.code, 0);
    }
    for (round, shell) in SHELLS.into_iter().enumerate() {
        let functions = shell.acts_upon("env --functions");
        let [all, refresh] = names(shell);
        let script = format!("{functions}\nc work\n{refresh}\n{all} --json");
        let ended = run(&home, shell, &script).await;
        assert_eq!(ended.code, 0, "{shell:?}: {ended}");
        assert!(ended.stdout.contains(":work: refreshed, expires "), "{shell:?}: {ended}");
        assert!(!ended.stdout.contains(":play: refreshed"), "{shell:?}: {ended}");
        assert!(ended.stdout.contains("\"account\": \"play\""), "`{all}` shows all: {shell:?}: {ended}");
        assert_eq!(provider.refreshes(), round + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_choice_the_environment_or_the_only_account_counts_and_else_nothing_is_guessed() {
    let home = Home::new();
    store_key(&home, "a", "one", None).await;
    for shell in SHELLS {
        let functions = shell.acts_upon("env --functions");
        let ended = run(&home, shell, &format!("{functions}\nct")).await;
        assert!(ended.code == 0 && ended.stdout.contains("[OK]    a"), "{shell:?}: {ended}");
    }
    store_key(&home, "b", "two", None).await;
    for shell in SHELLS {
        let functions = shell.acts_upon("env --functions");
        let script = format!("{functions}\nct");
        let unknown = run(&home, shell, &script).await;
        assert_eq!((unknown.code, unknown.stdout.as_str()), (2, ""), "{shell:?}: {unknown}");
        assert!(unknown.stderr.contains("no account is chosen in this terminal"), "{shell:?}: {unknown}");
        // What started this shell has chosen.
        let known = ended(prepared(&home, shell, &script).env("BURSAR_ACCOUNT_GITLAB", "b")).await;
        assert!(known.code == 0 && known.stdout.contains("[OK]    b"), "{shell:?}: {known}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_name_changes_nothing_and_is_no_code() {
    let home = Home::new();
    for nickname in ["a", "12", "b"] {
        store_key(&home, nickname, "key", None).await;
    }
    for shell in SHELLS {
        let functions = shell.acts_upon("env --functions");
        for (wanted, code) in
            [("4", 3), ("0", 3), ("nobody", 3), ("'$(touch pwned)'", 3), ("--help", 3), ("'a b'", 3)]
        {
            let ended = run(&home, shell, &format!("{functions}\nc a >/dev/null\nc {wanted}")).await;
            assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{shell:?} {wanted}: {ended}");
            let kept = run(&home, shell, &format!("{functions}\nc a\nc {wanted}\nct")).await;
            assert_eq!(kept.stdout.matches("[OK]    a").count(), 2, "{shell:?} {wanted}: {kept}");
        }
        // A nickname that is a number is a name; `1` is the first account and never the beginning of `12`.
        for (wanted, nickname) in [("12", "12"), ("1", "12"), ("2", "a"), ("3", "b")] {
            let ended = run(&home, shell, &format!("{functions}\nc {wanted}")).await;
            assert!(ended.stdout.contains(&format!("[OK]    {nickname}\n")), "{shell:?} {wanted}: {ended}");
        }
        let listed = run(&home, shell, &format!("{functions}\nc")).await;
        assert!(listed.stdout.starts_with("  #  REF"), "{shell:?}: {listed}");
    }
    assert!(!home.beside("pwned").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_functions_need_no_store_and_replace_aliases_of_their_names() {
    let home = Home::new();
    home.write_config("[vault]\nkey = 7\n");
    for shell in ["bash", "zsh", "sh", "fish", "powershell"] {
        let printed = home.run(&["env", "--functions", "--shell", shell]).await;
        assert_eq!((printed.code, printed.stderr.as_str()), (0, ""), "{shell}: {printed}");
        assert!(printed.stdout.starts_with("# bursar: "), "{shell}: {printed}");
    }
    assert_eq!(home.run(&["env", "--functions", "--shell", "nushell"]).await.code, 2);
    for (shell, aliases) in [
        (Shell::Bash, "shopt -s expand_aliases\nalias c=clear"),
        (Shell::Zsh, "setopt aliases\nalias c=clear"),
    ] {
        let functions = shell.acts_upon("env --functions");
        let ended = run(&home, shell, &format!("{aliases}\n{functions}\neval c\ntype c clear")).await;
        assert!(ended.stdout.contains("c is a"), "{shell:?}: {ended}");
        assert!(!ended.stdout.contains("clear is a shell function"), "{shell:?}: {ended}");
        assert!(!ended.stdout.contains("clear is a function"), "{shell:?}: {ended}");
    }
}
