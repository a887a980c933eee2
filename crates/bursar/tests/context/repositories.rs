//! Remotes are found wherever Git would find them, in repositories that the real Git made.

use std::path::Path;

use bursar::config::environment::Environment;
use bursar::config::meaning::RuleConfig;
use bursar::context::{Doubt, Surroundings, Undecided, prefer};

use super::git::{git, repository};

/// Whether a rule for this remote holds in `folder`.
fn holds(folder: &Path, remote: &str, variables: &[(&str, &str)]) -> Result<bool, Undecided> {
    let rule = RuleConfig {
        account: "github-app:work".to_owned(),
        git_remote: Some(remote.to_owned()),
        ..RuleConfig::default()
    };
    let environment = Environment::from_pairs(variables.iter().copied());
    let found = prefer(&[rule], &Surroundings::of(&environment, folder), "github-app")?;
    Ok(found.is_some())
}

#[test]
fn remotes_are_found_from_every_folder_of_a_work_tree() {
    let home = tempfile::tempdir().unwrap();
    let web = home.path().join("web");
    repository(&web, "git@github.com:acme/web.git");
    git(&web, &["remote", "add", "mirror", "https://ada:hunter2@mirror.example:8443/acme/web.git"]);
    let deep = web.join("source/deep");
    std::fs::create_dir_all(&deep).unwrap();
    for folder in [&web, &deep, &web.join(".git")] {
        for remote in
            ["github.com/acme", "https://github.com/Acme/web", "mirror.example", "mirror.example:8443/acme/*"]
        {
            assert!(holds(folder, remote, &[]).unwrap(), "{} {remote}", folder.display());
        }
        assert!(!holds(folder, "github.com/other", &[]).unwrap());
    }
    assert!(!holds(home.path(), "github.com/acme", &[]).unwrap(), "beside it there is no repository");
}

#[test]
fn linked_work_trees_bare_repositories_and_named_ones_count() {
    let home = tempfile::tempdir().unwrap();
    let [web, linked, bare, plain] =
        ["web", "linked", "bare.git", "plain"].map(|name| home.path().join(name));
    repository(&web, "git@github.com:acme/web.git");
    git(&web, &["worktree", "add", "--quiet", linked.to_str().unwrap()]);
    git(home.path(), &["clone", "--quiet", "--bare", web.to_str().unwrap(), bare.to_str().unwrap()]);
    git(&bare, &["remote", "set-url", "origin", "ssh://git@github.com/acme/web"]);
    std::fs::create_dir(&plain).unwrap();
    for folder in [&linked, &bare, &bare.join("refs")] {
        assert!(holds(folder, "github.com/acme/web", &[]).unwrap(), "{}", folder.display());
    }
    assert!(!holds(&plain, "github.com/acme/web", &[]).unwrap());
    for named in [web.join(".git").to_str().unwrap(), "../web/.git"] {
        assert!(holds(&plain, "github.com/acme/web", &[("GIT_DIR", named)]).unwrap(), "{named}");
    }
}

#[test]
fn a_submodule_has_its_own_remote_and_not_its_parent_s() {
    let home = tempfile::tempdir().unwrap();
    let [web, library] = ["web", "library"].map(|name| home.path().join(name));
    repository(&library, "https://github.com/other/library");
    repository(&web, "git@github.com:acme/web.git");
    git(&web, &["submodule", "--quiet", "add", library.to_str().unwrap(), "vendored"]);
    let vendored = web.join("vendored");
    git(&vendored, &["remote", "set-url", "origin", "https://github.com/other/library"]);
    assert!(holds(&vendored, "github.com/other/library", &[]).unwrap());
    assert!(!holds(&vendored, "github.com/acme", &[]).unwrap());
    assert!(holds(&web, "github.com/acme", &[]).unwrap());
}

#[test]
fn a_link_to_a_work_tree_leads_into_it_and_a_folder_fits_by_both_its_names() {
    let home = tempfile::tempdir().unwrap();
    let (web, link) = (home.path().join("web"), home.path().join("link"));
    repository(&web, "git@github.com:acme/web.git");
    std::os::unix::fs::symlink(&web, &link).unwrap();
    assert!(holds(&link, "github.com/acme", &[]).unwrap());
    let fits = |folder: &Path, pattern: &Path, variables: &[(&str, &str)]| {
        let rule = RuleConfig {
            account: "github-app:work".to_owned(),
            directory: Some(pattern.to_str().unwrap().to_owned()),
            ..RuleConfig::default()
        };
        let surroundings = Surroundings::of(&Environment::from_pairs(variables.iter().copied()), folder);
        prefer(&[rule], &surroundings, "github-app").unwrap().is_some()
    };
    assert!(fits(&link, &link, &[]) && fits(&link, &web, &[]));
    assert!(!fits(&web, &link, &[]), "nobody came by the link");
    assert!(fits(&web, &link, &[("PWD", link.to_str().unwrap())]), "the shell did");
    let elsewhere = home.path().to_str().unwrap();
    assert!(!fits(&web, &home.path().join("other"), &[("PWD", elsewhere)]), "a stale PWD is not believed");
    let linked_home = home.path().join("linked-home");
    std::os::unix::fs::symlink(home.path(), &linked_home).unwrap();
    assert!(fits(&web, Path::new("~/web"), &[("HOME", linked_home.to_str().unwrap())]));
}

#[test]
fn what_is_brought_in_from_elsewhere_is_not_followed() {
    let home = tempfile::tempdir().unwrap();
    let web = home.path().join("web");
    repository(&web, "gh:acme/web");
    let other = home.path().join("other.config");
    std::fs::write(&other, "[remote \"evil\"]\nurl = git@github.com:acme/web.git\n").unwrap();
    git(&web, &["config", "include.path", other.to_str().unwrap()]);
    git(&web, &["config", "url.https://github.com/.insteadOf", "gh:"]);
    assert!(!holds(&web, "github.com", &[]).unwrap());
    assert!(holds(&web, "gh/acme", &[]).unwrap(), "as it is written");
}

#[test]
fn a_configuration_that_cannot_be_read_leaves_the_rule_undecided() {
    let home = tempfile::tempdir().unwrap();
    let web = home.path().join("web");
    repository(&web, "git@github.com:acme/web.git");
    let config = web.join(".git/config");
    std::fs::remove_file(&config).unwrap();
    assert!(!holds(&web, "github.com", &[]).unwrap(), "no file, no remotes");
    std::fs::create_dir(&config).unwrap();
    let undecided = holds(&web, "github.com", &[]).unwrap_err();
    let Doubt::Unreadable(unreadable) = undecided.doubt else { panic!("{undecided:?}") };
    assert_eq!(unreadable.path, std::fs::canonicalize(config).unwrap());
}

#[test]
fn a_pipe_in_place_of_a_configuration_does_not_hang() {
    let home = tempfile::tempdir().unwrap();
    let web = home.path().join("web");
    repository(&web, "git@github.com:acme/web.git");
    let config = web.join(".git/config");
    std::fs::remove_file(&config).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&config).status().unwrap().success());
    assert!(holds(&web, "github.com", &[]).is_err());
}

#[test]
fn a_broken_git_file_or_an_empty_git_folder_is_no_repository() {
    let home = tempfile::tempdir().unwrap();
    repository(home.path(), "git@github.com:acme/outer.git");
    let (broken, empty) = (home.path().join("broken"), home.path().join("empty"));
    std::fs::create_dir_all(empty.join(".git")).unwrap();
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join(".git"), "not a link").unwrap();
    for folder in [&broken, &empty] {
        assert!(holds(folder, "github.com/acme/outer", &[]).unwrap(), "{}", folder.display());
    }
}
