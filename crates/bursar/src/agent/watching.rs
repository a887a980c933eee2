//! Changed files: the store, written by another process, and the configuration, written by a person.
//!
//! What the system tells is a hint. Where it tells nothing, because a limit is reached or the file system cannot, the
//! half minute after which everything is looked at anyway has to do.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::config::paths::Paths;

/// Tells as long as it lives.
#[derive(Debug)]
pub(super) struct Watching {
    /// Another process has, or we have, written to the store.
    pub(super) store: Arc<Notify>,
    /// The configuration or a provider entry was written.
    pub(super) config: Arc<Notify>,
    /// Something happened to the socket's file or its folder.
    pub(super) socket: Arc<Notify>,
    folders: [PathBuf; 4],
    watcher: Mutex<Option<RecommendedWatcher>>,
}

impl Watching {
    /// Watches the folders of `paths`, and the one with the user's own provider entries.
    pub(super) fn start(paths: &Paths, providers: &Path) -> Self {
        let [store, config, socket] = [(); 3].map(|()| Arc::new(Notify::new()));
        let socket_folder = paths.socket().parent().unwrap_or_else(|| Path::new("/")).to_owned();
        let folders = [
            paths.data_folder().to_owned(),
            paths.config_folder().to_owned(),
            providers.to_owned(),
            socket_folder,
        ];
        let places = Places {
            database: paths.database(),
            config: paths.config_file(),
            providers: providers.to_owned(),
            socket: paths.socket().to_owned(),
        };
        let told = [&store, &config, &socket].map(Arc::clone);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // An error may mean that hints were lost: everything is looked at.
            let meant = event.map_or([true; 3], |event| places.of(&event));
            for (told, _) in told.iter().zip(meant).filter(|(_, meant)| *meant) {
                told.notify_one();
            }
        });
        if let Err(error) = &watcher {
            tracing::warn!(%error, "changed files are noticed late");
        }
        let watching = Self { store, config, socket, folders, watcher: Mutex::new(watcher.ok()) };
        watching.follow();
        watching
    }

    /// Watches folders that were not there before too.
    pub(super) fn follow(&self) {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in self.folders.iter().filter(|folder| folder.is_dir()) {
            if let Some(watcher) = watcher.as_mut()
                && let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive)
            {
                tracing::warn!(%error, "changed files are noticed late");
            }
        }
    }
}

/// The files that make up the configuration, as they were written last.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written(Vec<(PathBuf, Option<(SystemTime, u64)>)>);

impl Written {
    /// Looks at the files without reading them.
    pub(super) fn of(paths: &Paths, providers: &Path) -> Self {
        let entries = std::fs::read_dir(providers).into_iter().flatten();
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|path| is_entry(path));
        files.sort();
        files.push(paths.config_file());
        let state = |path: &PathBuf| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len()))
        };
        Self(files.into_iter().map(|path| (path.clone(), state(&path))).collect())
    }
}

/// Which files matter.
struct Places {
    database: PathBuf,
    config: PathBuf,
    providers: PathBuf,
    socket: PathBuf,
}

impl Places {
    /// Whether the event is about the store, the configuration, and the socket.
    fn of(&self, event: &Event) -> [bool; 3] {
        if matches!(event.kind, EventKind::Access(_)) {
            return [false; 3];
        }
        let is_store = |path: &PathBuf| {
            // The database, its log (`-wal`) and whatever SQLite puts beside them.
            path.parent() == self.database.parent()
                && path.file_name().zip(self.database.file_name()).is_some_and(|(name, database)| {
                    name.as_encoded_bytes().starts_with(database.as_encoded_bytes())
                })
        };
        let is_config = |path: &PathBuf| {
            *path == self.config
                || *path == self.providers
                || (path.parent() == Some(&self.providers) && is_entry(path))
        };
        let is_socket = |path: &PathBuf| *path == self.socket || Some(path.as_path()) == self.socket.parent();
        [
            event.paths.iter().any(is_store),
            event.paths.iter().any(is_config),
            event.paths.iter().any(is_socket),
        ]
    }
}

fn is_entry(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "toml")
}
