//! A home inside a git work tree: sealed or not, logins do not belong into a repository.

use std::path::Path;

use super::finding::Finding;
use crate::config::paths::Paths;

/// Looks for `.git` in the data folder and above.
pub(super) fn check(paths: &Paths) -> Finding {
    match work_tree(paths.data_folder()) {
        None => Finding::ok(NAME, "the files are outside of any git work tree"),
        Some(tree) => Finding::warn(
            NAME,
            format!("{} is inside the git work tree {}", paths.data_folder().display(), tree.display()),
            "move it elsewhere and set BURSAR_HOME; until then its .gitignore of `*` keeps it out of commits",
        ),
    }
}

fn work_tree(folder: &Path) -> Option<&Path> {
    // A linked work tree has a file of that name.
    folder.ancestors().find(|folder| folder.join(".git").exists())
}

const NAME: &str = "git_work_tree";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_work_tree_is_found_above_a_home_that_is_not_there_yet() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("project/deep/home");
        assert_eq!(work_tree(&home), None);
        std::fs::create_dir_all(folder.path().join("project/.git")).unwrap();
        assert_eq!(work_tree(&home), Some(folder.path().join("project").as_path()));
    }
}
