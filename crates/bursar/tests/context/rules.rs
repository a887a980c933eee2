//! The rule itself, pure: a list and surroundings in, one account out.

use std::collections::BTreeMap;
use std::path::Path;

use bursar::config::environment::Environment;
use bursar::config::meaning::RuleConfig;
use bursar::context::{Doubt, Surroundings, prefer};

fn rule(account: &str, directory: &str, git_remote: &str, environment: &str) -> RuleConfig {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    RuleConfig {
        account: account.to_owned(),
        directory: text(directory),
        git_remote: text(git_remote),
        environment: text(environment),
    }
}

fn told(folder: &str, remotes: &[&str], variables: &[(&str, &str)]) -> Surroundings {
    let variables = variables.iter().copied().chain([("HOME", "/home/ada")]);
    Surroundings::told(Path::new(folder), remotes, Environment::from_pairs(variables))
}

#[test]
fn the_first_rule_of_the_provider_whose_conditions_all_hold_counts() {
    let rules = [
        rule("google:ci", "", "", "CI=true"),
        rule("github-app:acme", "~/work", "github.com/acme/*", ""),
        rule("github-app:work", "~/work", "", ""),
        rule("github-app:any", "", "github.com", "BOT"),
        rule("google:work", "~/work", "", ""),
    ];
    let acme = &["git@github.com:acme/web.git"][..];
    let other = &["https://github.com/other/web", "https://example.com/x/y"][..];
    let (none, unset): (&[&str], &[(&str, &str)]) = (&[], &[]);
    let table = [
        ("/home/ada/work/web", acme, unset, "github-app", Some(("github-app:acme", 2))),
        ("/home/ada/work/web", other, unset, "github-app", Some(("github-app:work", 3))),
        ("/home/ada/work/web", none, unset, "github-app", Some(("github-app:work", 3))),
        ("/home/ada/play", acme, unset, "github-app", None),
        ("/home/ada/play", acme, &[("BOT", "1")][..], "github-app", Some(("github-app:any", 4))),
        ("/home/ada/play", acme, &[("BOT", "")][..], "github-app", None),
        ("/home/ada/work", none, unset, "google", Some(("google:work", 5))),
        ("/home/ada/work", none, &[("CI", "true")][..], "google", Some(("google:ci", 1))),
        ("/home/ada/work", none, &[("CI", "yes")][..], "google", Some(("google:work", 5))),
        ("/home/ada/work", acme, &[("CI", "true")][..], "gitlab", None),
        ("/home/ada/work", acme, unset, "github", None),
        ("/", none, unset, "google", None),
    ];
    for (folder, remotes, variables, provider, expected) in table {
        let found = prefer(&rules, &told(folder, remotes, variables), provider).unwrap();
        let found = found.as_ref().map(|(account, number)| (account.as_str(), *number));
        assert_eq!(found, expected, "{folder} {remotes:?} {variables:?} {provider}");
    }
}

#[test]
fn a_rule_that_depends_on_what_is_not_known_is_never_passed_over() {
    let nothing = BTreeMap::new();
    let home = BTreeMap::from([("HOME".to_owned(), Some("/home/ada".to_owned()))]);
    let no_bot = BTreeMap::from([("BOT".to_owned(), None)]);
    let bot = BTreeMap::from([("BOT".to_owned(), Some("1".to_owned()))]);
    let nowhere = |variables| Surroundings::of_caller(None, variables);
    let here = |variables| Surroundings::of_caller(Some(Path::new("/")), variables);
    let last = || rule("google:last", "/", "", "");
    let doubt = |surroundings: &Surroundings, first: RuleConfig| match prefer(
        &[first, last()],
        surroundings,
        "google",
    ) {
        Ok(found) => format!("{:?}", found.map(|(account, _)| account)),
        Err(undecided) => match undecided.doubt {
            Doubt::Folder => format!("folder, rule {}", undecided.number),
            Doubt::Variable { name } => format!("{name}, rule {}", undecided.number),
            Doubt::Unreadable(unreadable) => unreadable.path.display().to_string(),
        },
    };
    let by_variable = || rule("google:bot", "", "", "BOT");
    assert_eq!(doubt(&here(&nothing), by_variable()), "BOT, rule 1");
    assert_eq!(doubt(&here(&bot), by_variable()), r#"Some("google:bot")"#);
    assert_eq!(doubt(&here(&no_bot), by_variable()), r#"Some("google:last")"#);
    assert_eq!(doubt(&here(&nothing), rule("google:x", "~/work", "", "")), "HOME, rule 1");
    assert_eq!(doubt(&here(&home), rule("google:x", "~/work", "", "")), r#"Some("google:last")"#);
    assert_eq!(doubt(&nowhere(&home), rule("google:x", "~/work", "", "")), "folder, rule 1");
    assert_eq!(doubt(&nowhere(&home), rule("google:x", "", "github.com", "")), "folder, rule 1");
    assert_eq!(doubt(&nowhere(&no_bot), by_variable()), "folder, rule 2");
    let settled = rule("google:x", "/srv", "", "BOT");
    assert_eq!(
        doubt(&here(&nothing), settled),
        r#"Some("google:last")"#,
        "one condition fails, whatever the other"
    );
    assert_eq!(
        doubt(&here(&nothing), rule("gitlab:x", "", "", "BOT")),
        r#"Some("google:last")"#,
        "not asked for"
    );
}

#[test]
fn a_folder_that_is_gone_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    let surroundings = Surroundings::of(&Environment::default(), &gone);
    let undecided = prefer(&[rule("google:work", "/", "", "")], &surroundings, "google").unwrap_err();
    assert!(matches!(undecided.doubt, Doubt::Unreadable(unreadable) if unreadable.path == gone));
    let by_variable = [rule("google:work", "", "", "CI")];
    assert_eq!(prefer(&by_variable, &surroundings, "google").unwrap(), None, "that one needs no folder");
}

proptest::proptest! {
    /// Beside an oracle that knows no wildcards: the first rule whose folder the command is in.
    #[test]
    fn the_first_folder_that_holds_counts(
        folders in proptest::collection::vec("(/[ab]{1,2}){1,3}", 1..8),
        place in "(/[ab]{1,2}){1,4}",
        providers in proptest::collection::vec("(google|gitlab)", 8),
    ) {
        let rules: Vec<RuleConfig> = folders
            .iter()
            .zip(&providers)
            .enumerate()
            .map(|(number, (folder, provider))| rule(&format!("{provider}:{number}"), folder, "", ""))
            .collect();
        let expected = rules.iter().position(|rule| {
            rule.account.starts_with("google:") && Path::new(&place).starts_with(rule.directory.as_ref().unwrap())
        });
        let found = prefer(&rules, &told(&place, &[], &[]), "google").unwrap();
        proptest::prop_assert_eq!(found.map(|(_, number)| number - 1), expected);
    }
}
