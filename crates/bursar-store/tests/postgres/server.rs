//! A `PostgreSQL` server of a test's own: on a socket in its folder, durable, gone when the test is.
//!
//! It refuses to run as root, so it runs as the user that its package made. A new database takes a second to make, so one
//! is made and then copied.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use bursar_core::secret::Secret;
use bursar_store::postgres::{PostgresOptions, PostgresStore};
use futures::executor::block_on;

use super::KINDS;

/// A running server with an empty database `bursar`; ended when dropped.
pub(super) struct Server {
    folder: PathBuf,
    settings: Vec<String>,
    process: Mutex<Option<Child>>,
}

impl Server {
    /// Starts one in `folder` and waits until it answers. It ends with the thread that started it, at the latest.
    pub(super) fn start(folder: &Path) -> Self {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
        if let Some(user) = other_user() {
            // Where it makes its socket.
            chown(folder, Some(user), Some(group_of(user))).unwrap();
        }
        let copied =
            Command::new("cp").args(["-a", "--reflink=auto"]).arg(template()).arg(data(folder)).status();
        assert!(copied.unwrap().success());
        let server = Self { folder: folder.to_owned(), settings: Vec::new(), process: Mutex::new(None) };
        server.restart();
        server
    }

    /// Starts the server that was ended.
    pub(super) fn restart(&self) {
        for _ in 0..60 {
            // A server that was killed leaves processes behind that take a moment to notice.
            if self.try_start() {
                return;
            }
            pause();
        }
        panic!("{}", self.log());
    }

    /// Ends the server without warning; what was promised is on the disk or was a lie.
    pub(super) fn kill(&self) {
        self.end("KILL");
    }

    /// Ends the server as an administrator in a hurry would, with every connection.
    pub(super) fn stop(&self) {
        self.end("INT");
    }

    /// Settings for the next start, such as `ssl=on`.
    pub(super) fn set(&mut self, settings: &[String]) {
        self.settings = settings.to_vec();
    }

    /// Runs SQL as the administrator and returns what it printed.
    pub(super) fn ask(&self, sql: &str) -> String {
        let output = self.client("bursar").args(["-c", sql]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Moves the clock of the usual database by so many minutes.
    pub(super) fn move_clock(&self, minutes: i32) {
        for clock in ["statement_timestamp", "clock_timestamp"] {
            self.ask(&format!(
                "SET allow_system_table_mods = on; ALTER FUNCTION pg_catalog.{clock}() RENAME TO true_{clock}; \
                 CREATE FUNCTION pg_catalog.{clock}() RETURNS timestamptz STABLE LANGUAGE sql \
                 AS 'SELECT pg_catalog.true_{clock}() + make_interval(mins => {minutes})'"
            ));
        }
    }

    /// A client that runs what it is given, as the administrator.
    pub(super) fn client(&self, database: &str) -> Command {
        let mut command = Command::new("psql");
        command
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "bursar", "-d", database, "-h"])
            .arg(&self.folder);
        let port = self.settings.iter().find_map(|setting| setting.strip_prefix("port="));
        command.args(["-p", port.unwrap_or("5432")]);
        command
    }

    /// The URL of a user's own, in the usual database.
    pub(super) fn url(&self, user: &str) -> Secret {
        Secret::new(format!("postgres://{user}@/bursar?host={}", self.folder.display()))
    }

    /// Where the server listens.
    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// The folder with its files.
    pub(super) fn data(&self) -> PathBuf {
        data(&self.folder)
    }

    /// The options of a store that goes by the server's clock.
    pub(super) fn options(&self) -> PostgresOptions {
        PostgresOptions::new(self.url("bursar"), KINDS, "first")
    }

    /// A store that goes by the server's clock.
    pub(super) fn store(&self) -> PostgresStore {
        block_on(PostgresStore::open(self.options())).unwrap()
    }

    fn try_start(&self) -> bool {
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        let mut command = unprivileged();
        // Not a moment longer than the test, even if that is killed.
        command.args(["--pdeathsig", "QUIT"]).arg(program("postgres")).arg("-D").arg(data(&self.folder));
        let socket = format!("unix_socket_directories={}", self.folder.display());
        for setting in
            SETTINGS.iter().copied().chain([&*socket]).chain(self.settings.iter().map(|setting| &**setting))
        {
            command.args(["-c", setting]);
        }
        let child =
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        *self.process.lock().unwrap() = Some(child);
        loop {
            if self.client("bursar").args(["-c", "SELECT 1"]).output().unwrap().status.success() {
                return true;
            }
            let mut process = self.process.lock().unwrap();
            if process.as_mut().unwrap().try_wait().unwrap().is_some() {
                *process = None;
                return false;
            }
            drop(process);
            pause();
        }
    }

    fn end(&self, signal: &str) {
        if let Some(mut child) = self.process.lock().unwrap().take() {
            let killed = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
            assert!(killed.unwrap().success());
            child.wait().unwrap();
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // At once, but in order: a killed server would leave shared memory behind.
        self.end("QUIT");
    }
}

/// Makes a file the server's own, readable by nobody else.
pub(super) fn own(file: &Path) {
    fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    if let Some(user) = other_user() {
        chown(file, Some(user), Some(group_of(user))).unwrap();
    }
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}

/// A folder with a new database, made once for all tests of this user.
fn template() -> PathBuf {
    let who = fs::metadata("/proc/self").unwrap().uid();
    let shared = std::env::temp_dir().join(format!("bursar-tests-postgres-{who}-1"));
    if shared.exists() {
        return shared;
    }
    let making = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
    if let Some(user) = other_user() {
        chown(making.path(), Some(user), Some(group_of(user))).unwrap();
    }
    let made = making.path().join("made");
    let initialised = unprivileged()
        .arg(program("initdb"))
        .args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--username=bursar"])
        .args(["--wal-segsize=1", "--pgdata"])
        .arg(&made)
        .output()
        .unwrap();
    assert!(initialised.status.success(), "{}", String::from_utf8_lossy(&initialised.stderr));
    fs::write(
        made.join("pg_hba.conf"),
        "local all guarded scram-sha-256\nlocal all all trust\nhost all all 127.0.0.1/32 trust\n",
    )
    .unwrap();
    let mut single = unprivileged();
    single.arg(program("postgres")).args(["--single", "-c", "fsync=off", "-D"]).arg(&made).arg("postgres");
    let mut single =
        single.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut single.stdin.take().unwrap(), b"CREATE DATABASE bursar\n").unwrap();
    assert!(single.wait().unwrap().success());
    // Somebody else may have been faster; theirs is as good.
    let _ = fs::rename(&made, &shared);
    shared
}

/// A command that runs another one as somebody who is not root.
fn unprivileged() -> Command {
    let mut command = Command::new("setpriv");
    if let Some(user) = other_user() {
        command
            .arg(format!("--reuid={user}"))
            .arg(format!("--regid={}", group_of(user)))
            .arg("--clear-groups");
    }
    command
}

/// Who runs the server if the tests run as root.
fn other_user() -> Option<u32> {
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    root.then(|| number(&["-u", "postgres"]))
}

fn group_of(user: u32) -> u32 {
    number(&["-g", &user.to_string()])
}

fn number(arguments: &[&str]) -> u32 {
    let output = Command::new("id").args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// The newest installed server's program of that name; distributions keep them off the search path.
fn program(name: &str) -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin").join(name)).collect();
    versions.retain(|path| path.exists());
    versions.sort();
    versions.pop().unwrap_or_else(|| PathBuf::from(name))
}

/// Small, and as durable as in earnest.
const SETTINGS: [&str; 8] = [
    "listen_addresses=",
    "port=5432",
    "fsync=on",
    "synchronous_commit=on",
    "max_connections=80",
    "shared_buffers=16MB",
    "max_wal_size=64MB",
    "autovacuum_naptime=5s",
];
