//! Git remotes in one spelling: `git@github.com:Acme/Web.git` and `https://github.com/acme/web` are both `github.com/acme/web`.
//!
//! Users, passwords and tokens in a remote's URL are dropped at once: they are nobody's business here.

/// Whether `text` can be a rule's remote.
pub fn is_remote_pattern(text: &str) -> bool {
    pattern(text).is_some()
}

/// A rule's remote, however it is spelled: `host/path`, with the port if one was written.
pub(super) fn pattern(text: &str) -> Option<String> {
    if text.is_empty() || text.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        return None;
    }
    let spelled_as_remote = text.contains("://") || text.contains('@');
    let (first, rest) = text.split_once('/').unwrap_or((text, ""));
    let has_path_after_colon = first.rsplit_once(':').is_some_and(|(host, after)| {
        // `host:8443/acme` has a port, `host:acme/web` a path, `[::1]` neither.
        !after.is_empty() && !after.bytes().all(|byte| byte.is_ascii_digit()) && !host.starts_with('[')
    });
    if spelled_as_remote || has_path_after_colon {
        let (host, port, path) = parts(text)?;
        return Some(joined(&host, port.as_deref(), &path));
    }
    let host = first.to_lowercase();
    let path = bare_path(rest);
    (!host.is_empty() && !host.contains('\\')).then(|| joined(&host, None, &path))
}

/// The names of a remote as a repository has it: with its port, if it has one, and without. None if it is a folder.
pub(super) fn names(url: &str) -> Vec<String> {
    let Some((host, port, path)) = parts(url).filter(|(_, _, path)| !path.is_empty()) else {
        return Vec::new();
    };
    let with_port = port.map(|port| joined(&host, Some(&port), &path));
    [joined(&host, None, &path)].into_iter().chain(with_port).collect()
}

/// Host, port and path of a URL or of `user@host:path`.
fn parts(text: &str) -> Option<(String, Option<String>, String)> {
    let (authority, path) = match text.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("file") => return None,
        Some((_, rest)) => rest.split_once('/').unwrap_or((rest, "")),
        None => {
            let colon = match text.find(']') {
                Some(bracket) if text.contains('[') => text[bracket..].find(':')? + bracket,
                _ => text.find(':')?,
            };
            let (authority, path) = (&text[..colon], &text[colon + 1..]);
            // A colon after a slash belongs to a path; a single letter before one is a drive.
            if authority.contains('/') || (cfg!(windows) && authority.len() == 1) {
                return None;
            }
            (authority, path)
        }
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, Some(port.to_owned()))
        }
        _ => (host.trim_end_matches(':'), None),
    };
    let host = host.trim_end_matches('.').to_lowercase();
    (!host.is_empty()).then(|| (host, port, bare_path(path)))
}

fn bare_path(path: &str) -> String {
    let path = path.to_lowercase();
    let path = path.trim_matches('/');
    path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/').to_owned()
}

fn joined(host: &str, port: Option<&str>, path: &str) -> String {
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    if path.is_empty() { format!("{host}{port}") } else { format!("{host}{port}/{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::pattern::fits_remote;

    #[test]
    fn every_spelling_of_a_remote_is_the_same_remote() {
        for spelled in [
            "git@github.com:Acme/Web.git",
            "github.com:acme/web",
            "ssh://git@github.com/acme/web.git",
            "ssh://git@GitHub.com/acme/web/",
            "git+ssh://git@github.com/acme/web.git",
            "https://github.com/acme/web",
            "https://ada:hunter2@github.com/acme/web.git",
            "https://oauth2@github.com./acme/web.git/",
            "git://github.com/acme/web.git",
        ] {
            assert_eq!(names(spelled), ["github.com/acme/web"], "{spelled}");
        }
        assert_eq!(
            names("ssh://git@git.acme.example:2222/a/b"),
            ["git.acme.example/a/b", "git.acme.example:2222/a/b"]
        );
        assert_eq!(names("git@[::1]:a/b.git"), ["[::1]/a/b"]);
        assert_eq!(names("ssh://git@[::1]:22/a/b.git"), ["[::1]/a/b", "[::1]:22/a/b"]);
    }

    #[test]
    fn folders_are_no_remotes() {
        for folder in
            ["/srv/git/web.git", "../web", "file:///srv/git/web", "", ":", "host:", "https://", "./a:b"]
        {
            assert_eq!(names(folder), [""; 0], "{folder}");
        }
    }

    #[test]
    fn passwords_in_a_remote_go_nowhere() {
        for url in
            ["https://ada:hunter2@h/x", "https://hunter2@h/x", "ssh://ada:hunter2@h:1/x", "hunter2@h:x"]
        {
            assert!(!names(url).concat().contains("hunter2"), "{url}");
            assert!(!pattern(url).unwrap().contains("hunter2"), "{url}");
        }
    }

    #[test]
    fn a_rule_covers_a_host_an_owner_or_a_repository() {
        let table = [
            ("github.com", "git@github.com:acme/web.git", true),
            ("github.com/acme", "git@github.com:acme/web.git", true),
            ("GitHub.com/Acme/*", "https://github.com/acme/web", true),
            ("github.com/acme/web", "https://github.com/acme/web.git", true),
            ("git@github.com:acme/web.git", "https://github.com/acme/web.git", true),
            ("https://github.com/acme", "git@github.com:acme/web", true),
            ("github.com:acme/*", "git@github.com:acme/web", true),
            ("github.com/acme/web-*", "git@github.com:acme/web-one", true),
            ("github.com/acme", "git@github.com:acme-evil/web", false),
            ("github.com/acme/web", "git@github.com:acme/website", false),
            ("github.com", "git@github.com.evil.example:acme/web", false),
            ("github.com", "https://evil.example/github.com/acme", false),
            ("github.com/acme", "https://github.com@evil.example/acme/web", false),
            ("*.acme.example", "https://git.acme.example/a/b", true),
            ("gitlab.com/acme", "https://gitlab.com/acme/group/deep/web", true),
            ("**/web", "https://gitlab.com/acme/group/web", true),
            ("git.acme.example:8443", "https://git.acme.example:8443/a/b", true),
            ("git.acme.example:8443", "https://git.acme.example/a/b", false),
            ("git.acme.example", "ssh://git@git.acme.example:2222/a/b", true),
            ("[::1]/a", "git@[::1]:a/b.git", true),
        ];
        for (rule, remote, expected) in table {
            let pattern = pattern(rule).unwrap();
            let fits = names(remote).iter().any(|name| fits_remote(&pattern, name));
            assert_eq!(fits, expected, "{rule} {remote}");
        }
        for bad in ["", "two words", "/srv/git", "\t", "file:///srv/git"] {
            assert!(!is_remote_pattern(bad), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(text in ".{0,60}") {
            let _ = (names(&text), pattern(&text));
        }

        #[test]
        fn ssh_and_https_are_equal(host in "[a-z]{1,8}\\.[a-z]{2,3}", path in "[a-z0-9]{1,8}/[a-z0-9._-]{1,7}[a-z0-9]") {
            let scp = names(&format!("git@{host}:{path}.git"));
            proptest::prop_assert_eq!(&scp, &names(&format!("https://{host}/{path}")));
            proptest::prop_assert_eq!(&scp, &names(&format!("ssh://git@{host}/{path}.git")));
        }
    }
}
