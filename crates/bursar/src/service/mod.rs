//! Starting the agent at every login: what the system's service manager is told, and where.
//!
//! The texts are pure functions, one manager a file; [`files`] writes and removes them. Who runs the manager's commands
//! is `cli/agent/install.rs`.

pub mod files;
pub mod launchd;
mod program;
pub mod systemd;
pub mod windows_task;
mod xml;

use std::path::{Path, PathBuf};

use crate::config::environment::Environment;
use crate::config::paths::Paths;

/// What a service manager has to know to start the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Starting {
    /// The program, absolute.
    pub program: PathBuf,
    /// Variables that say where files are. Never a secret: service files are read by many.
    pub variables: Vec<(&'static str, String)>,
    /// Where the agent listens; `None`: where the login session has its sockets.
    pub socket: Option<PathBuf>,
    /// Where what it says goes, if the manager keeps no journal.
    pub log: PathBuf,
}

/// What installing means with one manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The manager's name.
    pub manager: &'static str,
    /// The files it reads, in the order in which they are written.
    pub files: Vec<ServiceFile>,
    /// Makes the manager read the files; fails if no manager is there to do so.
    pub announce: Vec<Step>,
    /// Ends an agent that runs by an earlier text of the files; its failures mean nothing.
    pub renew: Vec<Step>,
    /// Starts the agent, now and at every login.
    pub begin: Vec<Step>,
    /// Stops it and forgets it, before the files are removed; its failures mean nothing.
    pub end: Vec<Step>,
    /// Links that the manager makes to the files, for when it is not there to remove them.
    pub links: Vec<PathBuf>,
    /// What a person should know, as whole sentences.
    pub advice: Vec<String>,
}

/// One file of a service manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceFile {
    /// Where it belongs.
    pub path: PathBuf,
    /// The whole of it, with [`MARK`] in it.
    pub text: String,
    /// How it is written.
    pub encoding: Encoding,
}

/// How text becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As everywhere.
    Utf8,
    /// With a byte order mark, as Windows Task Scheduler insists.
    Utf16,
}

/// One command of the manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The program, looked up on `PATH`.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl Step {
    pub(crate) fn new<'a>(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        Self { program: program.into(), arguments }
    }

    /// As a person would type it.
    pub fn line(&self) -> String {
        let words =
            std::iter::once(self.program.to_string_lossy().into_owned()).chain(self.arguments.clone());
        let words = words.map(|word| if word.contains([' ', '\\']) { format!("'{word}'") } else { word });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// The plan for this system.
pub fn plan(environment: &Environment, paths: &Paths) -> Result<Plan, ServiceError> {
    let starting = Starting::of(environment, paths)?;
    #[cfg(target_os = "linux")]
    return systemd::plan(&starting, environment);
    #[cfg(target_os = "macos")]
    return launchd::plan(&starting, environment, rustix::process::getuid().as_raw());
    #[cfg(windows)]
    return windows_task::plan(&starting, environment, paths.data_folder());
    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    {
        let _ = (starting, environment);
        Err(ServiceError::NoManager)
    }
}

impl Starting {
    /// This program with the places that the environment names.
    pub fn of(environment: &Environment, paths: &Paths) -> Result<Self, ServiceError> {
        let mut variables = Vec::new();
        for name in PLACES {
            let Some(path) = environment.path(name) else { continue };
            let text = path.to_str().ok_or_else(|| ServiceError::not_text(&path))?;
            variables.push((*name, text.to_owned()));
        }
        let named = ["BURSAR_HOME", "BURSAR_SOCKET"].iter().any(|name| environment.path(name).is_some());
        Ok(Self {
            program: program::own(environment)?,
            variables,
            socket: named.then(|| paths.socket().to_owned()),
            log: paths.data_folder().join(LOG),
        })
    }
}

/// Variables that are set here but that no service will see, in order: secrets, and settings that may hold one.
pub fn left_out(environment: &Environment) -> Vec<String> {
    let setting = |name: &str| {
        name.starts_with("BURSAR_")
            && !PLACES.contains(&name)
            && !OF_ONE_TERMINAL.iter().any(|prefix| name.starts_with(prefix))
    };
    let set = environment.names().filter(|name| setting(name) || PROXIES.contains(name));
    set.filter(|name| environment.path(name).is_some()).map(str::to_owned).collect()
}

/// What every file of ours has on one line; a file without it is somebody else's and is left alone.
pub const MARK: &str = "Written by `bursar agent install`; `bursar agent uninstall` removes it.";

/// Beside the database, where there is no journal.
pub const LOG: &str = "agent.log";

/// Places of files, which are no secrets, and without which a service would look for them elsewhere.
const PLACES: &[&str] = &[
    "BURSAR_HOME",
    "BURSAR_SOCKET",
    "BURSAR_MASTER_KEY_FILE",
    "BURSAR_PASSPHRASE_FILE",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Meant for the terminal or the child they were set in.
const OF_ONE_TERMINAL: &[&str] = &["BURSAR_LOG", "BURSAR_ACCOUNT_", "BURSAR_SESSION", "BURSAR_GATEWAY"];

/// A proxy's URL may hold a password.
const PROXIES: &[&str] =
    &["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Why the agent cannot be installed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Nobody there who could start it.
    #[error("starting at login is not known how to do on this system")]
    NoManager,
    /// A path that the manager's files cannot hold.
    #[error("{manager} cannot start what has {what} in its path: {path}")]
    Unwritable {
        /// The manager.
        manager: &'static str,
        /// What is in the way.
        what: &'static str,
        /// Where it is.
        path: String,
    },
    /// Sockets have short names.
    #[error("the socket's path is longer than the {most} bytes a socket may have: {}", path.display())]
    LongSocket {
        /// The most.
        most: usize,
        /// The path.
        path: PathBuf,
    },
    /// Somebody else's file has the name.
    #[error("{} was not written by bursar", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The program's own file cannot be found.
    #[error("the program's own file is not there any more")]
    ProgramGone,
    /// Where files of this kind belong is unknown.
    #[error("there is no home folder to put the service's file into")]
    NoHome,
    /// A file cannot be read, written or removed.
    #[error("cannot {act} {}", path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl ServiceError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NoManager => "start `bursar agent run` by the system's own means".to_owned(),
            Self::Unwritable { .. } => "move it to a path of plain letters, and install again".to_owned(),
            Self::LongSocket { .. } => "set BURSAR_SOCKET to a shorter path, and install again".to_owned(),
            Self::Foreign { path } => {
                format!("move it away (`mv '{0}' '{0}.old'`), and install again", path.display())
            }
            Self::ProgramGone => "start the program again from where it is now".to_owned(),
            Self::NoHome => "set HOME".to_owned(),
            Self::Io { .. } => "see `bursar agent install --dry-run` for what belongs where".to_owned(),
        }
    }

    fn not_text(path: &Path) -> Self {
        Self::Unwritable {
            manager: "a service",
            what: "something that is not Unicode",
            path: path.to_string_lossy().into_owned(),
        }
    }
}

/// The path as text without control characters: a line end would begin a line of its own in the file.
fn plain<'a>(manager: &'static str, path: &'a Path) -> Result<&'a str, ServiceError> {
    let text = path.to_str().ok_or_else(|| ServiceError::not_text(path))?;
    plain_text(manager, text)
}

fn plain_text<'a>(manager: &'static str, text: &'a str) -> Result<&'a str, ServiceError> {
    if text.chars().any(char::is_control) {
        let path = text.escape_debug().to_string();
        return Err(ServiceError::Unwritable { manager, what: "a control character", path });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_kept_and_secrets_are_told_by_name_only() {
        let environment = Environment::from_pairs([
            ("BURSAR_HOME", "/vault"),
            ("BURSAR_MASTER_KEY", "hunter2"),
            ("BURSAR_MASTER_KEY_FILE", "/key"),
            ("BURSAR_NETWORK_PROXY", "http://ada:hunter2@proxy.test"),
            ("BURSAR_ACCOUNT_GOOGLE", "work"),
            ("BURSAR_REFRESH_WAIT", ""),
            ("HTTPS_PROXY", "http://ada:hunter2@proxy.test"),
            ("XDG_DATA_HOME", "/data"),
        ]);
        let starting = Starting::of(&environment, &Paths::resolve(&environment).unwrap()).unwrap();
        assert_eq!(
            starting.variables,
            [
                ("BURSAR_HOME", "/vault".to_owned()),
                ("BURSAR_MASTER_KEY_FILE", "/key".to_owned()),
                ("XDG_DATA_HOME", "/data".to_owned()),
            ]
        );
        assert_eq!(starting.socket.as_deref(), Some(Path::new("/vault/agent.sock")));
        assert_eq!(left_out(&environment), ["BURSAR_MASTER_KEY", "BURSAR_NETWORK_PROXY", "HTTPS_PROXY"]);
    }

    #[test]
    fn without_a_home_of_its_own_the_session_says_where_the_socket_is() {
        let environment =
            Environment::from_pairs([("HOME", "/home/ada"), ("XDG_RUNTIME_DIR", "/run/user/7")]);
        let starting = Starting::of(&environment, &Paths::resolve(&environment).unwrap()).unwrap();
        assert_eq!(starting.socket, None);
        assert_eq!(starting.log, Path::new("/home/ada/.local/share/bursar/agent.log"));
    }
}
