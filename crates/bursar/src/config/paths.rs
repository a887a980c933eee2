//! Where bursar keeps its files.
//!
//! `BURSAR_HOME` puts everything under one folder; otherwise the XDG base directories decide. Folders are made with
//! mode 0700, and looser ones are refused, because everything in them is somebody's login.

use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};

use super::environment::Environment;

/// The places of all files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    config_folder: PathBuf,
    data_folder: PathBuf,
    runtime_folder: PathBuf,
    socket: PathBuf,
}

impl Paths {
    /// Decides from the environment alone; touches no file.
    pub fn resolve(environment: &Environment) -> Result<Self, PathError> {
        let (config, data, runtime) = match environment.path("BURSAR_HOME") {
            Some(home) if home.is_absolute() => (home.clone(), home.clone(), home),
            Some(home) => return Err(PathError::Relative { variable: "BURSAR_HOME", path: home }),
            None => {
                let config = base(environment, "XDG_CONFIG_HOME", ".config")?;
                let data = base(environment, "XDG_DATA_HOME", ".local/share")?.join("bursar");
                // Without a runtime folder (su, cron, containers) the socket lives beside the data it serves.
                let runtime = absolute(environment, "XDG_RUNTIME_DIR");
                let runtime = runtime.map_or_else(|| data.clone(), |folder| folder.join("bursar"));
                (config.join("bursar"), data, runtime)
            }
        };
        let socket = environment.path("BURSAR_SOCKET").unwrap_or_else(|| runtime.join("agent.sock"));
        Ok(Self { config_folder: config, data_folder: data, runtime_folder: runtime, socket })
    }

    /// Settings a person writes.
    pub fn config_file(&self) -> PathBuf {
        self.config_folder.join("config.toml")
    }

    /// Holds `config.toml`.
    pub fn config_folder(&self) -> &Path {
        &self.config_folder
    }

    /// Holds the database and everything else that must survive a restart.
    pub fn data_folder(&self) -> &Path {
        &self.data_folder
    }

    /// The store.
    pub fn database(&self) -> PathBuf {
        self.data_folder.join("bursar.db")
    }

    /// Holds one lock file per account.
    pub fn locks(&self) -> PathBuf {
        self.data_folder.join("locks")
    }

    /// The master key, where no keychain keeps it and the configuration names no other place.
    pub fn key_file(&self) -> PathBuf {
        self.data_folder.join("master.key")
    }

    /// Holds the socket, unless `BURSAR_SOCKET` names another place.
    pub fn runtime_folder(&self) -> &Path {
        &self.runtime_folder
    }

    /// Where the agent listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Makes sure of the folders: creates what is missing, refuses what others can look into.
    ///
    /// With `mend`, modes that are too loose are corrected instead; a folder of somebody else is refused even then.
    pub fn prepare(&self, mend: bool) -> Result<(), PathError> {
        private_folder(&self.data_folder, mend)?;
        keep_out_of_git(&self.data_folder)?;
        private_folder(&self.locks(), mend)?;
        if self.runtime_folder != self.data_folder {
            private_folder(&self.runtime_folder, mend)?;
        }
        Ok(())
    }
}

/// XDG says that a relative path is to be ignored.
fn absolute(environment: &Environment, variable: &str) -> Option<PathBuf> {
    environment.path(variable).filter(|path| path.is_absolute())
}

fn base(environment: &Environment, variable: &str, fallback: &str) -> Result<PathBuf, PathError> {
    absolute(environment, variable)
        .or_else(|| Some(absolute(environment, "HOME")?.join(fallback)))
        .ok_or(PathError::NoHome)
}

/// Creates `folder` (and its parents) with mode 0700, or checks that it is ours alone.
pub fn private_folder(folder: &Path, mend: bool) -> Result<(), PathError> {
    let told = |act, source| PathError::Io { act, path: folder.to_owned(), source };
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => check_folder(folder, &found, mend),
        Ok(_) => Err(PathError::NotAFolder { path: folder.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            builder.recursive(true).create(folder).map_err(|source| told("create", source))
        }
        Err(source) => Err(told("look at", source)),
    }
}

#[cfg(unix)]
fn check_folder(folder: &Path, found: &std::fs::Metadata, mend: bool) -> Result<(), PathError> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(PathError::Foreign { path: folder.to_owned(), owner: found.uid() });
    }
    let mode = found.mode() & 0o7777;
    let open_to_others = mode & 0o077 != 0;
    if !open_to_others {
        return Ok(());
    }
    if !mend {
        return Err(PathError::Loose { path: folder.to_owned(), mode });
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(|source| PathError::Io {
        act: "change the mode of",
        path: folder.to_owned(),
        source,
    })
}

#[cfg(not(unix))]
fn check_folder(_folder: &Path, _found: &std::fs::Metadata, _mend: bool) -> Result<(), PathError> {
    // Folders in the profile of a Windows user are that user's alone unless somebody changed their access list.
    Ok(())
}

/// A home inside a work tree must not be committed by `git add .`, sealed or not.
fn keep_out_of_git(folder: &Path) -> Result<(), PathError> {
    let path = folder.join(".gitignore");
    match std::fs::OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => io::Write::write_all(&mut file, b"*\n"),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
    .map_err(|source| PathError::Io { act: "write", path, source })
}

/// A place that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// Neither `HOME` nor the XDG variables say where.
    #[error("there is no home folder to keep files in")]
    NoHome,
    /// A relative path would mean another place in every folder.
    #[error("{variable} is not an absolute path: {}", path.display())]
    Relative {
        /// The variable.
        variable: &'static str,
        /// What it says.
        path: PathBuf,
    },
    /// Something else has the folder's name.
    #[error("{} is not a folder", path.display())]
    NotAFolder {
        /// Its path.
        path: PathBuf,
    },
    /// Others can look into it.
    #[error("others can look into {} (mode {mode:04o})", path.display())]
    Loose {
        /// Its path.
        path: PathBuf,
        /// Its mode bits.
        mode: u32,
    },
    /// It belongs to another user.
    #[error("{} belongs to user {owner}", path.display())]
    Foreign {
        /// Its path.
        path: PathBuf,
        /// Numeric id of its owner.
        owner: u32,
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

impl PathError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NoHome => "set BURSAR_HOME to an absolute path".to_owned(),
            Self::Relative { variable, .. } => format!("set {variable} to an absolute path"),
            Self::NotAFolder { path } => format!("move {} away, or set BURSAR_HOME", path.display()),
            Self::Loose { path, .. } => format!("run: chmod 700 '{}'", path.display()),
            Self::Foreign { .. } => "run as that user, or set BURSAR_HOME to a folder of your own".to_owned(),
            Self::Io { .. } => "check the folder's owner and mode, or set BURSAR_HOME".to_owned(),
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn one_variable_puts_everything_under_one_folder() {
        let environment = Environment::from_pairs([
            ("BURSAR_HOME", "/vault"),
            ("XDG_CONFIG_HOME", "/elsewhere"),
            ("HOME", "/home/ada"),
        ]);
        let paths = Paths::resolve(&environment).unwrap();
        let socket = paths.socket().to_owned();
        let all = [paths.config_file(), paths.database(), paths.locks(), paths.key_file(), socket];
        let names = ["config.toml", "bursar.db", "locks", "master.key", "agent.sock"];
        assert_eq!(all, names.map(|name| PathBuf::from("/vault").join(name)));
    }

    #[test]
    fn xdg_decides_without_a_home_of_our_own() {
        let environment = Environment::from_pairs([
            ("HOME", "/home/ada"),
            ("XDG_CONFIG_HOME", "relative-is-ignored"),
            ("XDG_DATA_HOME", "/data"),
            ("XDG_RUNTIME_DIR", "/run/user/1"),
        ]);
        let paths = Paths::resolve(&environment).unwrap();
        assert_eq!(paths.config_file(), Path::new("/home/ada/.config/bursar/config.toml"));
        assert_eq!(paths.database(), Path::new("/data/bursar/bursar.db"));
        assert_eq!(paths.socket(), Path::new("/run/user/1/bursar/agent.sock"));
    }

    #[test]
    fn the_socket_falls_back_to_the_data_folder_and_can_be_named() {
        let environment = Environment::from_pairs([("HOME", "/home/ada")]);
        let paths = Paths::resolve(&environment).unwrap();
        assert_eq!(paths.socket(), Path::new("/home/ada/.local/share/bursar/agent.sock"));
        let environment = Environment::from_pairs([("HOME", "/home/ada"), ("BURSAR_SOCKET", "/tmp/a.sock")]);
        assert_eq!(Paths::resolve(&environment).unwrap().socket(), Path::new("/tmp/a.sock"));
    }

    #[test]
    fn no_home_and_a_relative_one_are_refused() {
        assert!(matches!(Paths::resolve(&Environment::default()), Err(PathError::NoHome)));
        let relative = Environment::from_pairs([("BURSAR_HOME", "vault")]);
        assert!(matches!(Paths::resolve(&relative), Err(PathError::Relative { .. })));
    }

    #[test]
    fn folders_are_created_private_with_a_gitignore() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("a/b");
        let home_text = home.to_str().unwrap();
        let paths = Paths::resolve(&Environment::from_pairs([("BURSAR_HOME", home_text)])).unwrap();
        paths.prepare(false).unwrap();
        paths.prepare(false).unwrap();
        assert_eq!((mode(&home), mode(&home.join("locks"))), (0o700, 0o700));
        assert_eq!(std::fs::read_to_string(home.join(".gitignore")).unwrap(), "*\n");
    }

    #[test]
    fn looser_modes_are_refused_with_the_command_or_mended_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        std::fs::create_dir(&home).unwrap();
        for loose in [0o755, 0o750, 0o701, 0o770] {
            set_mode(&home, loose);
            let error = private_folder(&home, false).unwrap_err();
            assert!(matches!(error, PathError::Loose { mode, .. } if mode == loose), "{error}");
            assert_eq!(error.hint(), format!("run: chmod 700 '{}'", home.display()));
            assert_eq!(mode(&home), loose, "refusing changes nothing");
            private_folder(&home, true).unwrap();
            assert_eq!(mode(&home), 0o700);
        }
    }

    #[test]
    fn a_file_in_the_folders_place_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(private_folder(&file, true), Err(PathError::NotAFolder { .. })));
    }
}
