//! Patterns of folders and remotes, as `.gitignore` has them: `*` and `?` within one name, `**` across names.
//!
//! A pattern fits a path that it describes, and everything below. Brackets and braces mean themselves: folders are called
//! so.

use std::path::{Component, Path, Prefix};

use crate::config::environment::Environment;

/// Whether `text` can be a rule's folder: it starts at the root, at `~`, or anywhere (`**`).
pub fn is_folder_pattern(text: &str) -> bool {
    let home = text == "~" || text.starts_with("~/");
    let anchored = home || text.starts_with("**") || Path::new(text).is_absolute();
    anchored && !names(text, is_separator).any(|name| name == "..")
}

/// Whether `pattern` fits one of the names a folder has.
pub(super) fn fits_folder<'a>(
    pattern: &str,
    environment: &Environment,
    mut folders: impl Iterator<Item = &'a Path>,
) -> bool {
    let expanded = match pattern.strip_prefix('~') {
        None => pattern.to_owned(),
        Some(rest) => match environment.text("HOME") {
            Some(home) => format!("{home}{rest}"),
            None => return false,
        },
    };
    let pattern: Vec<&str> = names(&expanded, is_separator).filter(|name| *name != ".").collect();
    // Systems whose file names ignore case, unless somebody took the trouble to change that.
    let any_case = cfg!(any(windows, target_os = "macos"));
    folders.any(|folder| {
        let folder: Vec<String> = folder.components().filter_map(component).collect();
        let folder: Vec<&str> = folder.iter().map(String::as_str).collect();
        covers(&pattern, &folder, any_case)
    })
}

/// Whether `pattern` fits a remote, both with `/` between their names.
pub(super) fn fits_remote(pattern: &str, remote: &str) -> bool {
    let pattern: Vec<&str> = names(pattern, |letter| letter == '/').collect();
    let remote: Vec<&str> = names(remote, |letter| letter == '/').collect();
    covers(&pattern, &remote, true)
}

fn names(text: &str, separator: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    text.split(separator).filter(|name| !name.is_empty())
}

fn is_separator(letter: char) -> bool {
    letter == '/' || (cfg!(windows) && letter == '\\')
}

fn component(component: Component<'_>) -> Option<String> {
    match component {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        Component::Prefix(prefix) => match prefix.kind() {
            Prefix::Disk(letter) | Prefix::VerbatimDisk(letter) => Some(format!("{}:", char::from(letter))),
            _ => Some(prefix.as_os_str().to_string_lossy().into_owned()),
        },
        Component::RootDir | Component::CurDir | Component::ParentDir => None,
    }
}

/// Whether a beginning of `path`, or all of it, is as `pattern` says.
fn covers(pattern: &[&str], path: &[&str], any_case: bool) -> bool {
    let one = |pattern: &&str, name: &&str| fits_name(pattern, name, any_case);
    glob(pattern, path, |pattern| *pattern == "**", one, false)
}

fn fits_name(pattern: &str, name: &str, any_case: bool) -> bool {
    let letters = |text: &str| -> Vec<char> {
        if any_case { text.to_lowercase().chars().collect() } else { text.chars().collect() }
    };
    let one = |pattern: &char, letter: &char| *pattern == '?' || pattern == letter;
    glob(&letters(pattern), &letters(name), |pattern| *pattern == '*', one, true)
}

/// Whether `items` follow `pattern`, where `many` takes any number of them and `one` exactly one. If not `whole`, items
/// may be left at the end. Never takes longer than the product of both lengths.
fn glob<P, T>(
    pattern: &[P],
    items: &[T],
    many: impl Fn(&P) -> bool,
    one: impl Fn(&P, &T) -> bool,
    whole: bool,
) -> bool {
    let (mut at, mut item) = (0, 0);
    // Where to go on when the last `many` has to take one more.
    let mut retry = None;
    loop {
        match (pattern.get(at), items.get(item)) {
            (None, rest) if !whole || rest.is_none() => return true,
            (Some(wanted), _) if many(wanted) => {
                at += 1;
                retry = Some((at, item));
            }
            (Some(wanted), Some(found)) if one(wanted, found) => {
                at += 1;
                item += 1;
            }
            _ => match retry {
                Some((after, from)) if from < items.len() => {
                    retry = Some((after, from + 1));
                    (at, item) = (after, from + 1);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(pattern: &str, folder: &str) -> bool {
        let environment = Environment::from_pairs([("HOME", "/home/ada")]);
        fits_folder(pattern, &environment, [Path::new(folder)].into_iter())
    }

    #[test]
    fn a_folder_pattern_fits_the_folder_and_all_below() {
        let table = [
            ("~/work", "/home/ada/work", true),
            ("~/work", "/home/ada/work/web/src", true),
            ("~/work/", "/home/ada/work/web", true),
            ("~/work/**", "/home/ada/work/web", true),
            ("~/work", "/home/ada/workshop", false),
            ("~/work", "/home/ada", false),
            ("~", "/home/ada/x", true),
            ("~", "/home/bob", false),
            ("/", "/anything", true),
            ("/srv/*/acme", "/srv/one/acme/web", true),
            ("/srv/*/acme", "/srv/acme", false),
            ("/srv/*/acme", "/srv/one/two/acme", false),
            ("/srv/**/acme", "/srv/acme", true),
            ("/srv/**/acme", "/srv/one/two/acme/x", true),
            ("**/acme", "/home/ada/acme", true),
            ("**/acme", "/home/acmeX", false),
            ("**/a/b", "/a/c/a/b", true),
            ("/srv/web-*", "/srv/web-one/x", true),
            ("/srv/w?b", "/srv/web", true),
            ("/srv/w?b", "/srv/wb", false),
            ("/srv/[slug]", "/srv/[slug]/x", true),
            ("/srv/[slug]", "/srv/s", false),
            ("/srv/./web", "/srv/web", true),
        ];
        for (pattern, path, expected) in table {
            assert!(is_folder_pattern(pattern), "{pattern}");
            assert_eq!(folder(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_folder_pattern_has_a_beginning() {
        for bad in ["", "work", "./work", "../work", "~bob/work", "*/work", "/srv/../etc", "~/.."] {
            assert!(!is_folder_pattern(bad), "{bad}");
        }
    }

    #[test]
    fn without_a_home_nothing_is_below_it() {
        let nowhere = Environment::default();
        assert!(!fits_folder("~/work", &nowhere, [Path::new("/work")].into_iter()));
    }

    #[test]
    fn many_wildcards_take_no_long_time() {
        let path = "/a".repeat(2_000);
        assert!(!folder(&"/**/a".repeat(500).replace("//", "/").replace("/a", "/a*a*a*a*b"), &path));
    }

    proptest::proptest! {
        #[test]
        fn a_path_without_wildcards_fits_itself_and_what_is_below(
            names in proptest::collection::vec("[a-z.\\[\\]{}]{1,6}", 1..6),
            below in proptest::collection::vec("[a-z]{1,6}", 0..4),
        ) {
            proptest::prop_assume!(!names.iter().any(|name| name == ".." || name == "."));
            let pattern = format!("/{}", names.join("/"));
            let path = format!("/{}", [names, below].concat().join("/"));
            let longer = format!("{pattern}x");
            proptest::prop_assert!(folder(&pattern, &path));
            proptest::prop_assert!(!folder(&longer, &path));
        }
    }
}
