//! Small files with a secret inside: a master key, a passphrase, a client secret.
//!
//! They are read only if nobody else can read them: a secret in a file others can read is no secret any more, and the
//! user should hear about it at once instead of after an incident.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use bursar_core::secret::Secret;
use zeroize::Zeroizing;

/// Reads a file's text without the line end that editors and `echo` leave.
pub fn read(path: &Path) -> Result<Secret, PrivateFileError> {
    let told = |source| PrivateFileError::Io { act: "read", path: path.to_owned(), source };
    // Opened first and judged by the open file: what is checked is what is read.
    let mut file = open(path).map_err(told)?;
    check(path, &file.metadata().map_err(told)?)?;
    let mut text = Zeroizing::new(String::with_capacity(LARGEST));
    let read = (&mut file).take(LARGEST as u64 + 1).read_to_string(&mut text).map_err(told)?;
    if read > LARGEST {
        return Err(PrivateFileError::TooLarge { path: path.to_owned() });
    }
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text)))
}

/// Writes a new file with mode 0600; an existing one is never overwritten.
///
/// It appears whole or not at all, even if the machine stops in the middle or two processes try at once: half a key
/// would lock everything it was made for.
pub fn create(path: &Path, text: &Secret) -> Result<(), PrivateFileError> {
    let told = |source| PrivateFileError::Io { act: "create", path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(told)?;
    let written = file.write_all(text.expose().as_bytes()).and_then(|()| file.write_all(b"\n"));
    written.and_then(|()| file.as_file().sync_all()).map_err(told)?;
    match file.persist_noclobber(path) {
        Ok(_) => sync_folder(folder).map_err(told),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(PrivateFileError::Exists { path: path.to_owned() })
        }
        Err(error) => Err(told(error.error)),
    }
}

/// Private keys of client authentication are the largest secrets that come in files: 16 KiB is plenty.
const LARGEST: usize = 16 * 1024;

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    // A pipe or device instead of a file must not make the program wait.
    let mut options = std::fs::OpenOptions::new();
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    std::os::unix::fs::OpenOptionsExt::custom_flags(options.read(true), nonblocking).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(unix)]
fn check(path: &Path, found: &Metadata) -> Result<(), PrivateFileError> {
    use std::os::unix::fs::MetadataExt as _;
    if !found.is_file() {
        return Err(PrivateFileError::NotAFile { path: path.to_owned() });
    }
    let mode = found.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(PrivateFileError::Loose { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check(path: &Path, found: &Metadata) -> Result<(), PrivateFileError> {
    if found.is_file() { Ok(()) } else { Err(PrivateFileError::NotAFile { path: path.to_owned() }) }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// A file with a secret that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// Others can read or change it.
    #[error("others can read {} (mode {mode:04o})", path.display())]
    Loose {
        /// Its path.
        path: PathBuf,
        /// Its mode bits.
        mode: u32,
    },
    /// A folder, pipe or device.
    #[error("{} is not an ordinary file", path.display())]
    NotAFile {
        /// Its path.
        path: PathBuf,
    },
    /// No secret is so long.
    #[error("{} is larger than {} KiB", path.display(), LARGEST / 1024)]
    TooLarge {
        /// Its path.
        path: PathBuf,
    },
    /// There is one already.
    #[error("{} exists already", path.display())]
    Exists {
        /// Its path.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {act} {}", path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl PrivateFileError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Loose { path, .. } => format!("run: chmod 600 '{}'", path.display()),
            Self::NotAFile { .. } | Self::TooLarge { .. } => {
                "name a file that holds only the secret".to_owned()
            }
            Self::Exists { path } => format!("move {} away", path.display()),
            Self::Io { .. } => "check the path, its owner and mode".to_owned(),
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_created_is_private_and_read_back_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create(&path, &Secret::new("hunter2")).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(read(&path).unwrap(), Secret::new("hunter2"));
        let again = create(&path, &Secret::new("other")).unwrap_err();
        assert!(matches!(again, PrivateFileError::Exists { .. }), "{again}");
        assert_eq!(read(&path).unwrap(), Secret::new("hunter2"), "never overwritten");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn files_others_can_read_are_refused_with_the_command() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "hunter2\r\n").unwrap();
        for (mode, fine) in [(0o600, true), (0o400, true), (0o644, false), (0o640, false), (0o602, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            match read(&path) {
                Ok(secret) => assert!(fine && secret == Secret::new("hunter2"), "{mode:o}"),
                Err(error) => {
                    assert!(!fine, "{mode:o}: {error}");
                    assert_eq!(error.hint(), format!("run: chmod 600 '{}'", path.display()));
                }
            }
        }
    }

    #[test]
    fn a_pipe_or_a_huge_file_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert!(matches!(read(&pipe), Err(PrivateFileError::NotAFile { .. })));
        let huge = folder.path().join("huge");
        create(&huge, &Secret::new("x".repeat(LARGEST + 1))).unwrap();
        assert!(matches!(read(&huge), Err(PrivateFileError::TooLarge { .. })));
    }
}
