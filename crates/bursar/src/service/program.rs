//! Which path a service should start this program by.

use std::path::PathBuf;

use super::ServiceError;
use crate::config::environment::Environment;

/// The name on `PATH` that leads to this program, else its own file.
///
/// Package managers link a lasting name to a file that is gone after the next upgrade; a service must know the name.
pub(super) fn own(environment: &Environment) -> Result<PathBuf, ServiceError> {
    let own =
        std::env::current_exe().and_then(std::fs::canonicalize).map_err(|_| ServiceError::ProgramGone)?;
    Ok(lasting(environment, &own).unwrap_or(own))
}

fn lasting(environment: &Environment, own: &std::path::Path) -> Option<PathBuf> {
    let name = own.file_name()?;
    let folders = environment.path("PATH")?;
    std::env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|candidate| std::fs::canonicalize(candidate).is_ok_and(|found| found == own))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_link_on_the_path_is_preferred_to_what_it_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let (bin, cellar) = (folder.path().join("bin"), folder.path().join("cellar/1.0"));
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir_all(&cellar).unwrap();
        let own = cellar.canonicalize().unwrap().join("bursar");
        std::fs::write(&own, "").unwrap();
        let path = format!("relative:/there/is/nothing:{}", bin.display());
        let environment = Environment::from_pairs([("PATH", path.as_str())]);
        assert_eq!(lasting(&environment, &own), None);
        std::os::unix::fs::symlink(&own, bin.join("bursar")).unwrap();
        assert_eq!(lasting(&environment, &own), Some(bin.join("bursar")));
        let other = cellar.join("other");
        std::fs::write(&other, "").unwrap();
        assert_eq!(lasting(&environment, &other), None, "only a name that leads here");
    }
}
