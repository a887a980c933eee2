//! A file of lines that is put aside when it is large: `NAME` becomes `NAME.1`, `NAME.1` becomes `NAME.2`, and so on.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// An open log.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    written: u64,
    size: u64,
    keep: u32,
    /// The last line was not written to its end.
    torn: bool,
}

impl LogFile {
    /// Opens or creates the file, which nobody else may read. No limit of size: it is never put aside.
    pub fn open(path: PathBuf, size: u64, keep: u32) -> io::Result<Self> {
        let file = open(&path)?;
        let written = file.metadata()?.len();
        Ok(Self { path, file, written, size, keep, torn: false })
    }

    /// Appends one line.
    pub fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.size > 0 && self.written > 0 && self.written + line.len() as u64 > self.size {
            self.put_aside()?;
        }
        if self.torn {
            self.file.write_all(b"\n")?;
            self.torn = false;
        }
        // One write for one line: others may append to the same file.
        match self.file.write_all(line) {
            Ok(()) => {
                self.written += line.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.torn = true;
                Err(error)
            }
        }
    }

    fn put_aside(&mut self) -> io::Result<()> {
        if self.keep == 0 {
            self.file.set_len(0)?;
        } else {
            for number in (1..self.keep).rev() {
                renamed(&self.aside(number), &self.aside(number + 1))?;
            }
            renamed(&self.path, &self.aside(1))?;
            self.file = open(&self.path)?;
        }
        self.written = 0;
        self.torn = false;
        Ok(())
    }

    fn aside(&self, number: u32) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        name.into()
    }
}

/// For whoever writes a whole line at a time.
impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.append(line).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn renamed(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    // A link would let whoever made it choose the file that is written to.
    let no_links = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let file = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(no_links).open(path)?;
    let found = file.metadata()?;
    if found.is_file() && found.permissions().mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_log_is_put_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("requests.log");
        let mut log = LogFile::open(path.clone(), 20, 2).unwrap();
        for number in 0..7 {
            log.append(format!("line {number} long\n").as_bytes()).unwrap();
        }
        let text = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert_eq!(text(&path), "line 6 long\n");
        assert_eq!(text(&log.aside(1)), "line 5 long\n");
        assert_eq!(text(&log.aside(2)), "line 4 long\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn what_is_there_counts_and_without_a_limit_nothing_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("requests.log");
        std::fs::write(&path, "from before\n").unwrap();
        LogFile::open(path.clone(), 20, 1).unwrap().append(b"line 1 long\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "line 1 long\n");
        let mut endless = LogFile::open(path.clone(), 0, 1).unwrap();
        for _ in 0..100 {
            endless.append(b"line 2 long\n").unwrap();
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 101 * 12);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it_and_links_are_not_followed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("requests.log");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        LogFile::open(path.clone(), 20, 1).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(LogFile::open(link, 20, 1).is_err());
    }
}
