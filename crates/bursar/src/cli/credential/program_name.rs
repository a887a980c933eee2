//! Helpers that other programs find by the name of a file: a link to bursar is enough.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The command line that a program name stands for; any other line comes back as it is.
///
/// `docker-credential-bursar get` is `bursar credential docker get`, and `docker-credential-bursar-work get` names the
/// account as well. The same goes for `git-credential-bursar`.
pub(in crate::cli) fn by_program_name(line: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut line: Vec<OsString> = line.into_iter().collect();
    let Some((protocol, account)) = line.first().and_then(|program| meaning(program)) else { return line };
    let mut words: Vec<OsString> = vec!["bursar".into(), "credential".into(), protocol.into()];
    if let Some(account) = account {
        words.extend(["--account".into(), account.into()]);
    }
    line.splice(..1, words);
    line
}

fn meaning(program: &OsStr) -> Option<(&'static str, Option<String>)> {
    let name = Path::new(program).file_name()?.to_str()?;
    let name = name.strip_suffix(".exe").unwrap_or(name);
    for (prefix, protocol) in PROGRAMS {
        match name.strip_prefix(prefix) {
            Some("") => return Some((protocol, None)),
            Some(rest) => {
                if let Some(account) = rest.strip_prefix('-').filter(|account| !account.is_empty()) {
                    return Some((protocol, Some(account.to_owned())));
                }
            }
            None => {}
        }
    }
    None
}

const PROGRAMS: [(&str, &str); 2] =
    [("docker-credential-bursar", "docker"), ("git-credential-bursar", "git")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stands_for_a_protocol_and_perhaps_an_account() {
        for (line, meant) in [
            ("/usr/bin/docker-credential-bursar get", "bursar credential docker get"),
            ("docker-credential-bursar-work get", "bursar credential docker --account work get"),
            ("docker-credential-bursar.exe list", "bursar credential docker list"),
            ("git-credential-bursar --bearer get", "bursar credential git --bearer get"),
            ("git-credential-bursar-google:me erase", "bursar credential git --account google:me erase"),
            ("docker-credential-bursar- get", "docker-credential-bursar- get"),
            ("docker-credential-bursary get", "docker-credential-bursary get"),
            ("bursar credential git get", "bursar credential git get"),
            ("", ""),
        ] {
            let words =
                |text: &str| -> Vec<OsString> { text.split_whitespace().map(OsString::from).collect() };
            assert_eq!(by_program_name(words(line)), words(meant), "{line}");
        }
    }
}
