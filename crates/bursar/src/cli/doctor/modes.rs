//! Who can look into the files: folders 0700, files 0600, nothing that belongs to somebody else.

use std::path::{Path, PathBuf};

use super::finding::Finding;
use crate::config::paths::{PathError, Paths};

/// Looks at every folder and file that is there; makes none. With `mend`, modes that are too open are corrected.
pub(super) fn check(paths: &Paths, mend: bool) -> Vec<Finding> {
    if !paths.data_folder().exists() {
        let what = format!("{} is not there yet; the first login makes it", paths.data_folder().display());
        return vec![Finding::ok(NAME, what)];
    }
    let mut folders = vec![paths.data_folder().to_owned(), paths.locks()];
    if paths.runtime_folder() != paths.data_folder() {
        folders.push(paths.runtime_folder().to_owned());
    }
    let beside = |suffix: &str| {
        let mut name = paths.database().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    };
    let files = [paths.database(), beside("-wal"), beside("-shm"), paths.key_file()];
    let mut findings: Vec<Finding> = folders
        .into_iter()
        .map(|path| (path, PRIVATE_FOLDER))
        .chain(files.map(|path| (path, PRIVATE_FILE)))
        // Others may read it, because no secret stands in it; but it names programs that are run.
        .chain([(paths.config_file(), ONLY_MINE_TO_WRITE)])
        .filter_map(|(path, rule)| check_one(&path, rule, mend))
        .collect();
    findings.extend(check_writable(paths.data_folder()));
    if findings.is_empty() {
        let what = format!("only you can look into {} and its files", paths.data_folder().display());
        findings.push(Finding::ok(NAME, what));
    }
    findings
}

/// What a mode must not have, and what it becomes instead.
#[derive(Clone, Copy, Debug)]
struct Rule {
    forbidden: u32,
    command: &'static str,
    opens: &'static str,
}

const PRIVATE_FOLDER: Rule = Rule { forbidden: 0o077, command: "chmod 700", opens: "others can look into" };
const PRIVATE_FILE: Rule =
    Rule { forbidden: 0o077, command: "chmod 600", opens: "others can read or change" };
const ONLY_MINE_TO_WRITE: Rule = Rule { forbidden: 0o022, command: "chmod go-w", opens: "others can change" };

/// The name of these findings.
const NAME: &str = "file_modes";

#[cfg(unix)]
fn check_one(path: &Path, rule: Rule, mend: bool) -> Option<Finding> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(source) => {
            let error = PathError::Io { act: "look at", path: path.to_owned(), source };
            return Some(Finding::failure(NAME, error.into()));
        }
    };
    if found.uid() != rustix::process::geteuid().as_raw() {
        let error = PathError::Foreign { path: path.to_owned(), owner: found.uid() };
        return Some(Finding::failure(NAME, error.into()));
    }
    let mode = found.mode() & 0o7777;
    if mode & rule.forbidden == 0 {
        return None;
    }
    let mended = mode & !rule.forbidden;
    if !mend {
        let what = format!("{} {} (mode {mode:04o})", rule.opens, path.display());
        let remedy = format!("run `bursar doctor --mend`, or `{} '{}'`", rule.command, path.display());
        return Some(Finding::fail(NAME, what, remedy));
    }
    match std::fs::set_permissions(path, std::fs::Permissions::from_mode(mended)) {
        Ok(()) => {
            Some(Finding::ok(NAME, format!("mended {}: mode {mode:04o} is now {mended:04o}", path.display())))
        }
        Err(source) => {
            let error = PathError::Io { act: "change the mode of", path: path.to_owned(), source };
            Some(Finding::failure(NAME, error.into()))
        }
    }
}

#[cfg(unix)]
fn check_writable(folder: &Path) -> Option<Finding> {
    use rustix::fs::Access;

    let wanted = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    let error = rustix::fs::access(folder, wanted).err()?;
    let what = format!("nothing can be written into {}: {error}", folder.display());
    let remedy =
        format!("run `chmod 700 '{}'`, or set BURSAR_HOME to a folder of your own", folder.display());
    Some(Finding::fail(NAME, what, remedy))
}

// Folders in the profile of a Windows user are that user's alone unless somebody changed their access list.
#[cfg(not(unix))]
fn check_one(_path: &Path, _rule: Rule, _mend: bool) -> Option<Finding> {
    None
}

#[cfg(not(unix))]
fn check_writable(_folder: &Path) -> Option<Finding> {
    None
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::finding::Verdict;
    use super::*;
    use crate::config::environment::Environment;

    fn home() -> (tempfile::TempDir, Paths) {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let paths =
            Paths::resolve(&Environment::from_pairs([("BURSAR_HOME", home.to_str().unwrap())])).unwrap();
        (folder, paths)
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_home_that_is_not_there_is_fine_and_is_not_made() {
        let (_folder, paths) = home();
        let findings = check(&paths, true);
        assert_eq!(findings.iter().map(|finding| finding.verdict).collect::<Vec<_>>(), [Verdict::Ok]);
        assert!(!paths.data_folder().exists());
    }

    #[test]
    fn every_open_mode_is_told_and_mended_on_request_only() {
        let (_folder, paths) = home();
        paths.prepare(false).unwrap();
        let files = [paths.database(), paths.key_file(), paths.config_file()];
        for file in files {
            std::fs::write(file, "").unwrap();
        }
        let loose = [
            (paths.data_folder().to_owned(), 0o755, 0o700),
            (paths.locks(), 0o711, 0o700),
            (paths.database(), 0o644, 0o600),
            (paths.key_file(), 0o640, 0o600),
            (paths.config_file(), 0o666, 0o644),
        ];
        for (path, mode, _) in &loose {
            set_mode(path, *mode);
        }
        let told = check(&paths, false);
        assert_eq!(told.len(), loose.len(), "{told:#?}");
        assert!(told.iter().all(|finding| finding.verdict == Verdict::Fail && finding.remedy.is_some()));
        for (path, before, _) in &loose {
            assert_eq!(mode(path), *before, "telling changes nothing");
        }
        let mended = check(&paths, true);
        assert!(mended.iter().all(|finding| finding.verdict == Verdict::Ok), "{mended:#?}");
        for (path, _, after) in &loose {
            assert_eq!(mode(path), *after, "{}", path.display());
        }
        assert_eq!(check(&paths, false).len(), 1, "one line for all that is well");
    }
}
