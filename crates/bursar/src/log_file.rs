//! A log that only its owner reads and that does not grow for ever.
//!
//! A log is put aside when it is large enough, under its name and a number; the oldest goes. Writing never fails: a full
//! disk must not stop what is logged about.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Appends to one file, mode 0600.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    length: u64,
    size: u64,
    keep: u32,
}

impl LogFile {
    /// Opens or makes it, with the usual limits.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::with_limits(path, USUAL_SIZE, USUAL_KEEP)
    }

    /// Opens or makes it; `size` is in bytes, `keep` counts those put aside.
    pub fn with_limits(path: &Path, size: u64, keep: u32) -> io::Result<Self> {
        let file = open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, length, size, keep })
    }

    fn put_aside(&mut self) -> io::Result<()> {
        let aside = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..self.keep).rev() {
            match std::fs::rename(aside(number), aside(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.keep == 0 {
            std::fs::remove_file(&self.path)?;
        } else {
            std::fs::rename(&self.path, aside(1))?;
        }
        self.file = open(&self.path)?;
        self.length = 0;
        Ok(())
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len() as u64;
        if self.length > 0 && self.length + length > self.size {
            // One that cannot be put aside grows on: better than losing lines.
            let _grows = self.put_aside();
        }
        self.file.write_all(bytes)?;
        self.length += length;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Months of an agent's ordinary story.
const USUAL_SIZE: u64 = 1 << 20;
const USUAL_KEEP: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_is_put_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let mut log = LogFile::with_limits(&path, 8, 2).unwrap();
        for line in ["first\n", "second\n", "third\n", "fourth\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).ok();
        assert_eq!(read("a.log").as_deref(), Some("fourth\n"));
        assert_eq!(read("a.log.1").as_deref(), Some("third\n"));
        assert_eq!(read("a.log.2").as_deref(), Some("second\n"));
        assert_eq!(read("a.log.3"), None);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_it_and_a_restart_goes_on_with_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        LogFile::open(&path).unwrap().write_all(b"one\n").unwrap();
        LogFile::open(&path).unwrap().write_all(b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
