//! Refresh locks: who holds one, and whether that process can ever let go.
//!
//! The kernel drops a lock with its process, so none is left behind; but a process that was stopped keeps it, and then
//! nobody else can refresh that account.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::finding::Finding;
use super::holder::{Holder, holder};

/// Tries each lock for a moment, as a refresher would, and lets go at once.
pub(super) fn check(folder: &Path) -> Vec<Finding> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let held = files.filter(|path| path.is_file() && is_held(path));
    let mut findings: Vec<Finding> = held.map(|path| told(&path, holder(&path))).collect();
    if findings.is_empty() {
        findings.push(Finding::ok(
            NAME,
            "nobody holds a refresh lock; the files in the folder locks are no locks, stay there by design and are \
             harmless: the kernel drops a lock with its process",
        ));
    }
    findings
}

fn is_held(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn told(path: &Path, holder: Option<Holder>) -> Finding {
    match holder {
        Some(Holder { process, program, stopped: false }) => {
            Finding::ok(NAME, format!("process {process} ({program}) holds a refresh lock; it is at work"))
        }
        Some(Holder { process, program, stopped: true }) => Finding::warn(
            NAME,
            format!(
                "process {process} ({program}) holds the refresh lock {} and is stopped; nobody else can refresh that \
                 account meanwhile",
                path.display()
            ),
            format!("let it go on with `kill -CONT {process}`, or end it with `kill -KILL {process}`"),
        ),
        None => Finding::warn(
            NAME,
            format!("a process that cannot be named holds the refresh lock {}", path.display()),
            format!(
                "if this lasts for more than a minute, find it with `fuser -v '{}'`, on another machine or in another \
                 container if the folder is shared",
                path.display()
            ),
        ),
    }
}

const NAME: &str = "locks";

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_lock_at_work_is_told_and_a_leftover_file_is_harmless() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account");
        let file = File::create(&path).unwrap();
        let verdicts = || check(folder.path()).iter().map(|finding| finding.verdict).collect::<Vec<_>>();
        assert_eq!(verdicts(), [Verdict::Ok]);
        assert!(check(folder.path())[0].what.contains("harmless"));
        file.lock().unwrap();
        if cfg!(target_os = "linux") {
            let what = &check(folder.path())[0].what;
            assert!(what.contains(&format!("process {} (", std::process::id())), "{what}");
        }
        drop(file);
        assert_eq!(verdicts(), [Verdict::Ok]);
        assert_eq!(check(&folder.path().join("absent")).len(), 1);
    }

    #[test]
    fn a_stopped_holder_and_an_unknown_one_have_remedies() {
        let stopped = Holder { process: 7, program: "bursar".to_owned(), stopped: true };
        let finding = told(Path::new("/locks/a"), Some(stopped));
        assert_eq!(finding.verdict, Verdict::Warn);
        assert!(finding.remedy.unwrap().contains("kill -CONT 7"));
        assert!(told(Path::new("/locks/a"), None).remedy.unwrap().contains("fuser"));
    }
}
