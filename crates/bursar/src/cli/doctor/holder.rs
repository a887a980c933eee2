//! Which process holds a kernel lock on a file, as far as the system tells (proc(5)).

use std::path::Path;

/// A process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(target_os = "linux", test)), expect(dead_code, reason = "only Linux tells"))]
pub(super) struct Holder {
    /// Its number.
    pub(super) process: u32,
    /// The name of its program.
    pub(super) program: String,
    /// Whether somebody stopped it, so that it does nothing until it is told to go on.
    pub(super) stopped: bool,
}

/// Who holds the lock on `path`; `None` if the system does not tell.
#[cfg(target_os = "linux")]
pub(super) fn holder(path: &Path) -> Option<Holder> {
    use std::os::unix::fs::MetadataExt as _;

    let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    let inode = std::fs::metadata(path).ok()?.ino();
    // The number of the device is not always the one that files report, so the open files have the last word.
    let listed = listed(&locks, inode).into_iter().filter(|process| has_open(*process, path));
    let process =
        listed.into_iter().next().or_else(|| everybody().find(|process| has_open(*process, path)))?;
    described(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn holder(_path: &Path) -> Option<Holder> {
    None
}

/// The processes that hold a whole-file lock on a file with this number.
#[cfg(target_os = "linux")]
fn listed(locks: &str, inode: u64) -> Vec<u32> {
    let holders = locks.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        // A line with an arrow is somebody who waits.
        let [_, "FLOCK", _, _, process, file, ..] = words.as_slice() else { return None };
        let (_, number) = file.rsplit_once(':')?;
        (number.parse() == Ok(inode)).then(|| process.parse().ok())?
    });
    holders.collect()
}

#[cfg(target_os = "linux")]
fn everybody() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|process| *process != std::process::id())
}

#[cfg(target_os = "linux")]
fn has_open(process: u32, path: &Path) -> bool {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    open.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|target| target == path)
}

/// Number, name and state out of `/proc/PID/stat`. The name may hold spaces and brackets itself.
#[cfg(target_os = "linux")]
fn described(stat: &str) -> Option<Holder> {
    let (process, rest) = stat.split_once(" (")?;
    let (program, rest) = rest.rsplit_once(") ")?;
    let program = program.chars().filter(|letter| !letter.is_control()).collect();
    Some(Holder { process: process.parse().ok()?, program, stopped: rest.starts_with(['T', 't']) })
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_list_is_read() {
        let locks = "1: FLOCK  ADVISORY  WRITE 71 08:01:1234 0 EOF\n\
                     1: -> FLOCK  ADVISORY  WRITE 72 08:01:1234 0 EOF\n\
                     2: POSIX  ADVISORY  WRITE 73 08:01:1234 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 74 08:01:99 0 EOF\n\
                     nonsense\n";
        assert_eq!(listed(locks, 1234), [71]);
        assert_eq!(listed(locks, 5), [0; 0]);
    }

    #[test]
    fn a_process_is_described_whatever_its_name() {
        let holder = |stat| described(stat).map(|found| (found.process, found.program, found.stopped));
        assert_eq!(holder("7 (bursar) S 1 7"), Some((7, "bursar".to_owned(), false)));
        assert_eq!(holder("7 (a ) T (b)) T 1 7"), Some((7, "a ) T (b)".to_owned(), true)));
        assert_eq!(holder("7 (traced) t 1 7"), Some((7, "traced".to_owned(), true)));
        assert_eq!(holder(""), None);
    }
}
