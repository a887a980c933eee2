//! Your own provider entries: the `*.toml` of one folder, on top of the embedded ones.

use std::io;
use std::path::{Path, PathBuf};

use bursar_core::provider::{Catalogue, OverlayFile};

use super::error::ConfigError;

/// Reads the configured folder, or `providers` beside the configuration if there is one.
pub(super) fn read(configured: Option<PathBuf>, config_folder: &Path) -> Result<Catalogue, ConfigError> {
    let required = configured.is_some();
    let folder = configured.unwrap_or_else(|| config_folder.join("providers"));
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| ConfigError::Unreadable { path, source }
    };
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !required => {
            return Ok(Catalogue::embedded());
        }
        entries => entries.map_err(unreadable(&folder))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable(&folder))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    // The order of a folder is no order; errors should not depend on it.
    paths.sort();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(unreadable(&path))?;
        files.push(OverlayFile { name: path.display().to_string(), text });
    }
    Ok(Catalogue::with_overlay(files)?)
}
