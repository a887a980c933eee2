//! The folder of one session: token files and the socket, for nobody but this user, and only as long as the command
//! runs.
//!
//! Its owner holds a lock on a file in it, which the system lets go however the owner ends. So what a killed run left
//! behind can be told from what is in use, whatever the store says, and the next run removes it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bursar_core::secret::Secret;

/// A session's folder. Dropping it removes it with everything in it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder of session `id` (0700) below `sessions`, which is made too if it is missing.
    pub(super) fn create(sessions: &Path, id: &str) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(sessions)?;
        builder.recursive(false);
        let path = sessions.join(id);
        for _ in 0..TRIES {
            builder.create(&path)?;
            if let Some(lock) = locked(&path)? {
                return Ok(Self { path, _lock: lock });
            }
            // Somebody was faster and took it for a leftover. Its lock is gone with it, or soon will be.
            let _gone = std::fs::remove_dir_all(&path);
        }
        Err(io::Error::other("it is removed again and again"))
    }

    /// Where something of this name is, or will be.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Puts `token` into the file `name`, mode 0600, as its whole content. Readers find the old content or the new one,
    /// never a part of either.
    pub(super) fn write(&self, name: &str, token: &Secret) -> io::Result<()> {
        let beside = self.path.join(format!(".{name}.new"));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&beside).and_then(|mut file| file.write_all(token.expose().as_bytes()));
        written.and_then(|()| std::fs::rename(&beside, self.path.join(name))).inspect_err(|_| {
            // Half a token is of no use, and a full disk has no room for it.
            let _gone = std::fs::remove_file(&beside);
        })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _left = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes what killed runs left below `sessions`; how many folders that was. Folders in use stay.
pub(crate) fn remove_leftovers(sessions: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(sessions) else {
        return 0;
    };
    entries.flatten().filter(|entry| remove_leftover(&entry.path())).count()
}

fn remove_leftover(folder: &Path) -> bool {
    let Ok(lock) = OpenOptions::new().write(true).open(folder.join(LOCK)) else {
        // It was killed before there was a lock, or its lock comes in this moment: then it is not empty any more.
        return std::fs::remove_dir(folder).is_ok();
    };
    lock.try_lock().is_ok() && std::fs::remove_dir_all(folder).is_ok()
}

/// `None`: somebody removes it.
fn locked(folder: &Path) -> io::Result<Option<File>> {
    let path = folder.join(LOCK);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = match options.open(&path) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match lock.try_lock() {
        // A folder's name is never used twice: what is there is what was locked.
        Ok(()) => Ok(path.exists().then_some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

const LOCK: &str = ".lock";

/// Whoever looks for leftovers looks once; ten in the same moment do not happen.
const TRIES: usize = 10;

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_folder_is_private_while_it_lives_and_gone_afterwards() {
        let home = tempfile::tempdir().unwrap();
        let sessions = home.path().join("sessions");
        let folder = Folder::create(&sessions, "one").unwrap();
        folder.write("API_TOKEN", &Secret::new("hunter2")).unwrap();
        let file = folder.place("API_TOKEN");
        assert_eq!((mode(&sessions), mode(&sessions.join("one")), mode(&file)), (0o700, 0o700, 0o600));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "hunter2");
        folder.write("API_TOKEN", &Secret::new("*")).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "*");
        assert_eq!(std::fs::read_dir(sessions.join("one")).unwrap().count(), 2, "the file and the lock");
        drop(folder);
        assert_eq!(std::fs::read_dir(&sessions).unwrap().count(), 0);
    }

    #[test]
    fn only_what_nobody_holds_is_a_leftover() {
        let home = tempfile::tempdir().unwrap();
        let sessions = home.path().join("sessions");
        assert_eq!(remove_leftovers(&sessions), 0);
        let live = Folder::create(&sessions, "live").unwrap();
        live.write("A", &Secret::new("token")).unwrap();
        // A killed run: the lock's file is there, and nobody holds it.
        let killed = sessions.join("killed");
        std::fs::create_dir(&killed).unwrap();
        std::fs::write(killed.join(LOCK), "").unwrap();
        std::fs::write(killed.join("A"), "token").unwrap();
        // Killed even earlier.
        std::fs::create_dir(sessions.join("empty")).unwrap();
        assert_eq!(remove_leftovers(&sessions), 2);
        assert_eq!(std::fs::read_to_string(live.place("A")).unwrap(), "token");
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old_token() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::create(home.path(), "one").unwrap();
        folder.write("A", &Secret::new("old")).unwrap();
        // Nothing can be written where a folder has the name.
        std::fs::create_dir(folder.place(".A.new")).unwrap();
        assert!(folder.write("A", &Secret::new("new")).is_err());
        assert_eq!(std::fs::read_to_string(folder.place("A")).unwrap(), "old");
    }

    #[test]
    fn folders_are_made_and_leftovers_looked_for_at_once() {
        let home = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for worker in 0..4 {
                let sessions = home.path();
                scope.spawn(move || {
                    for round in 0..50 {
                        let folder = Folder::create(sessions, &format!("{worker}-{round}")).unwrap();
                        folder.write("A", &Secret::new("token")).unwrap();
                        remove_leftovers(sessions);
                        assert_eq!(std::fs::read_to_string(folder.place("A")).unwrap(), "token");
                    }
                });
            }
        });
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
