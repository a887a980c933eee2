//! The agent's door: a Unix socket with mode 0600, handed over by systemd or made here.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// The door, and the file to remove when it closes.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) listener: UnixListener,
    /// Device and inode of the file we made; `None` for a socket that belongs to the service manager.
    made: Option<(PathBuf, u64, u64)>,
}

/// Why there is no door.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Something that is no socket has its name.
    #[error("{} is in the way: it is not a socket", path.display())]
    InTheWay {
        /// The path.
        path: PathBuf,
    },
    /// Somebody else's socket has its name.
    #[error("the socket {} belongs to user {owner}", path.display())]
    Foreign {
        /// The path.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// The system knows only short names for sockets.
    #[error("the socket's path is too long: {}", path.display())]
    TooLong {
        /// The path.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot listen on {}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl Door {
    /// Takes the socket systemd opened, or makes one at `path`. Call it as the one agent only: a socket of ours that is
    /// there already is a dead agent's.
    pub(super) fn open(path: &Path) -> Result<Self, SocketError> {
        let failed = |source| SocketError::Io { path: path.to_owned(), source };
        if let Some(listener) = handed_over().map_err(failed)? {
            listener.set_nonblocking(true).map_err(failed)?;
            return Ok(Self { listener: UnixListener::from_std(listener).map_err(failed)?, made: None });
        }
        if path.as_os_str().len() > LONGEST_PATH {
            return Err(SocketError::TooLong { path: path.to_owned() });
        }
        remove_stale(path)?;
        let listener = bind_private(path).map_err(failed)?;
        let made = std::fs::metadata(path).map_err(failed)?;
        Ok(Self {
            listener: UnixListener::from_std(listener).map_err(failed)?,
            made: Some((path.to_owned(), made.dev(), made.ino())),
        })
    }

    /// Whether callers still find us: somebody may have removed our file, or put another one there.
    pub(super) fn watcher(&self) -> impl Fn() -> bool + Send + Sync + 'static + use<> {
        let made = self.made.clone();
        move || {
            made.as_ref().is_none_or(|(path, device, inode)| {
                std::fs::metadata(path).is_ok_and(|found| (found.dev(), found.ino()) == (*device, *inode))
            })
        }
    }

    /// What is left to do once the listener is closed: removing the file, if it is still ours.
    pub(super) fn farewell(&self) -> impl FnOnce() + Send + 'static + use<> {
        let (is_ours, made) = (self.watcher(), self.made.clone());
        move || {
            if let Some((path, ..)) = made.filter(|_| is_ours()) {
                // A file that is gone already is as good.
                let _gone = std::fs::remove_file(path);
            }
        }
    }
}

/// The name of its variables is between systemd and the library that reads them.
fn handed_over() -> io::Result<Option<StdUnixListener>> {
    listenfd::ListenFd::from_env().take_unix_listener(0)
}

fn remove_stale(path: &Path) -> Result<(), SocketError> {
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(SocketError::Io { path: path.to_owned(), source }),
    };
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(SocketError::Foreign { path: path.to_owned(), owner: found.uid() });
    }
    if !found.file_type().is_socket() {
        return Err(SocketError::InTheWay { path: path.to_owned() });
    }
    std::fs::remove_file(path).map_err(|source| SocketError::Io { path: path.to_owned(), source })
}

/// Nobody else can connect even for a moment: the socket gets its mode under another name, before it gets its own.
fn bind_private(path: &Path) -> io::Result<StdUnixListener> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let beside = folder.join(format!(".{}", std::process::id()));
    let _left_over = std::fs::remove_file(&beside);
    let listener = StdUnixListener::bind(&beside)?;
    let private = std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600))
        .and_then(|()| std::fs::rename(&beside, path))
        .and_then(|()| listener.set_nonblocking(true));
    if let Err(error) = private {
        let _unused = std::fs::remove_file(&beside);
        return Err(error);
    }
    Ok(listener)
}

/// `sun_path` has 108 bytes with its end on Linux and 104 on macOS.
const LONGEST_PATH: usize = 103;
