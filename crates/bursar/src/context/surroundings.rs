//! Where a command runs: its folder, the remotes of the Git repository around it, its environment.
//!
//! Read with plain file operations. A repository says itself where it comes from, so a rule by remote trusts whoever made
//! the folder; a rule by folder does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{git_config, remote};
use crate::config::environment::Environment;

/// What rules look at.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The folder by all its names: the real one, and the one the shell came by. None: nobody knows the folder.
    pub(super) directories: Vec<PathBuf>,
    /// The remotes of the repository, in one spelling.
    pub(super) remotes: Vec<String>,
    pub(super) environment: Environment,
    /// The variables whose absence means something; `None`: all.
    told: Option<BTreeSet<String>>,
    /// Why folder or remotes are not known.
    pub(super) unreadable: Option<Arc<Unreadable>>,
}

/// A place that rules look at and that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot look at {}", path.display())]
pub struct Unreadable {
    /// The file or folder.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

impl Surroundings {
    /// Reads what is around `directory`, as somebody with this environment sees it.
    pub fn of(environment: &Environment, directory: &Path) -> Self {
        let mut surroundings = Self {
            directories: Vec::new(),
            remotes: Vec::new(),
            environment: environment.clone(),
            told: None,
            unreadable: None,
        };
        match std::fs::canonicalize(directory) {
            Ok(real) => {
                match repository_remotes(&real, environment) {
                    Ok(remotes) => surroundings.remotes = remotes,
                    Err(unreadable) => surroundings.unreadable = Some(Arc::new(unreadable)),
                }
                surroundings.directories = folder_names(&real, directory, environment);
            }
            Err(source) => {
                surroundings.unreadable = Some(Arc::new(Unreadable { path: directory.to_owned(), source }));
            }
        }
        surroundings
    }

    /// Reads what is around this process.
    pub fn of_process(environment: &Environment) -> Self {
        // "." where there is no folder any more: looking at that fails with the same reason.
        let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        Self::of(environment, &directory)
    }

    /// Reads what is around a caller who tells its folder and some variables, `None` for those that are not set. What it
    /// does not tell is not known, and a rule that depends on it is left undecided.
    pub fn of_caller(directory: Option<&Path>, variables: &BTreeMap<String, Option<String>>) -> Self {
        let set = variables.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)));
        let environment = Environment::from_pairs(set);
        let told = Some(variables.keys().cloned().collect());
        match directory {
            Some(directory) => Self { told, ..Self::of(&environment, directory) },
            None => {
                Self { directories: Vec::new(), remotes: Vec::new(), environment, told, unreadable: None }
            }
        }
    }

    /// Made-up surroundings: a folder, the URLs of remotes, an environment.
    pub fn told(directory: &Path, remotes: &[&str], environment: Environment) -> Self {
        Self {
            directories: vec![directory.to_owned()],
            remotes: remotes.iter().flat_map(|url| remote::names(url)).collect(),
            environment,
            told: None,
            unreadable: None,
        }
    }

    /// Whether it is known what a variable is, or that it is not set.
    pub(super) fn knows(&self, variable: &str) -> bool {
        self.told.as_ref().is_none_or(|told| told.contains(variable))
    }
}

/// Variables that reading the surroundings takes into account, besides those that rules name and `BURSAR_ACCOUNT_…`: what a
/// caller should tell.
pub const LOOKED_AT: &[&str] = &["HOME", "PWD", "GIT_DIR"];

/// The folder's real path, and those by which its user knows it: through links in `PWD` or in the home's path.
fn folder_names(real: &Path, given: &Path, environment: &Environment) -> Vec<PathBuf> {
    let same =
        |path: &PathBuf| path.is_absolute() && std::fs::canonicalize(path).is_ok_and(|path| path == real);
    let below_home = environment.path("HOME").and_then(|home| {
        let rest = real.strip_prefix(std::fs::canonicalize(&home).ok()?).ok()?;
        Some(home.join(rest))
    });
    let others = [Some(given.to_owned()), environment.path("PWD").filter(same), below_home];
    let mut names = vec![real.to_owned()];
    for name in others.into_iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn repository_remotes(directory: &Path, environment: &Environment) -> Result<Vec<String>, Unreadable> {
    let Some(repository) = repository(directory, environment)? else {
        return Ok(Vec::new());
    };
    // A linked work tree shares the configuration of the main one.
    let shared = read(&repository.join("commondir"))?;
    let shared = shared.map_or_else(|| repository.clone(), |path| repository.join(path.trim()));
    let config = read(&shared.join("config"))?.unwrap_or_default();
    let mut remotes: Vec<String> =
        git_config::remote_urls(&config).iter().flat_map(|url| remote::names(url)).collect();
    remotes.sort();
    remotes.dedup();
    Ok(remotes)
}

/// The folder with the repository's data, found as Git finds it.
fn repository(directory: &Path, environment: &Environment) -> Result<Option<PathBuf>, Unreadable> {
    if let Some(named) = environment.path("GIT_DIR") {
        return Ok(Some(directory.join(named)));
    }
    for folder in directory.ancestors() {
        let inside = folder.join(".git");
        match std::fs::metadata(&inside) {
            Ok(found) if found.is_dir() => {
                if is_repository(&inside) {
                    return Ok(Some(inside));
                }
            }
            // A linked work tree or a submodule.
            Ok(_) => {
                let text = read(&inside)?.unwrap_or_default();
                if let Some(path) = text.strip_prefix("gitdir:") {
                    return Ok(Some(folder.join(path.trim())));
                }
            }
            Err(error) if is_absent(&error) => {}
            Err(source) => return Err(Unreadable { path: inside, source }),
        }
        if is_repository(folder) {
            return Ok(Some(folder.to_owned()));
        }
    }
    Ok(None)
}

/// What Git asks of a repository's folder, bare ones included.
fn is_repository(folder: &Path) -> bool {
    folder.join("HEAD").symlink_metadata().is_ok()
        && (folder.join("objects").is_dir() || folder.join("commondir").exists())
}

/// A whole text file; `None` if it is not there.
fn read(path: &Path) -> Result<Option<String>, Unreadable> {
    let text = || {
        // Opening a pipe that somebody put there would wait for its other end.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match text() {
        Ok(text) => Ok(Some(text)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(source) => Err(Unreadable { path: path.to_owned(), source }),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Far more than a configuration with thousands of branches needs.
const LARGEST: u64 = 4 << 20;
