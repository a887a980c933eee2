//! A Redis server of a test's own: on a socket in its folder, durable, gone when the test is.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::secret::Secret;
use bursar_store::redis::{RedisOptions, RedisStore};
use futures::executor::block_on;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::runtime::Handle;

use super::KINDS;

/// A running server; killed when dropped.
pub(super) struct Server {
    folder: PathBuf,
    settings: Vec<String>,
    process: Mutex<Option<Child>>,
}

impl Server {
    /// Starts one in `folder` and waits until it answers. `settings` come last and win.
    pub(super) fn start(folder: &Path, settings: &[&str]) -> Self {
        let settings = settings.iter().map(|&word| word.to_owned()).collect();
        let server = Self { folder: folder.to_owned(), settings, process: Mutex::new(None) };
        server.restart();
        server
    }

    /// Starts the server that was killed.
    pub(super) fn restart(&self) {
        let log = fs::File::create(self.folder.join("redis.log")).unwrap();
        let child = Command::new("redis-server")
            .args(["--port", "0", "--unixsocket", "redis.sock", "--save", "", "--daemonize", "no"])
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            .args(&self.settings)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        *self.process.lock().unwrap() = Some(child);
        while !self.answers() {
            let mut process = self.process.lock().unwrap();
            let ended = process.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "{}", fs::read_to_string(self.folder.join("redis.log")).unwrap());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the server without warning.
    pub(super) fn kill(&self) {
        if let Some(mut child) = self.process.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// What the system calls its process.
    pub(super) fn process_id(&self) -> u32 {
        self.process.lock().unwrap().as_ref().unwrap().id()
    }

    /// Where it listens.
    pub(super) fn url(&self) -> Secret {
        Secret::new(format!("redis+unix://{}", self.folder.join("redis.sock").display()))
    }

    /// The options of a store that takes its time from the server.
    pub(super) fn options(&self) -> RedisOptions {
        RedisOptions::new(self.url(), KINDS, Arc::new(RealClock), "first", runtime())
    }

    /// A store that takes its time from the server.
    pub(super) fn store(&self) -> Arc<RedisStore> {
        Arc::new(block_on(RedisStore::open(self.options())).unwrap())
    }

    /// What the server answers to a command of words without spaces, as it is on the wire.
    pub(super) fn ask(&self, command: &str) -> String {
        let mut stream = UnixStream::connect(self.folder.join("redis.sock")).unwrap();
        // The end of its sending half makes the server close after the answer.
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        answer.strip_suffix("+OK\r\n").unwrap_or(&answer).to_owned()
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = UnixStream::connect(self.folder.join("redis.sock")) else { return false };
        let mut answer = [0; 1];
        let asked = stream.write_all(b"PING\r\n").and_then(|()| stream.read_exact(&mut answer));
        let mut rest = [0; 6];
        // `-NOAUTH` is an answer too; `-LOADING` is none yet.
        asked.is_ok() && stream.read(&mut rest).is_ok() && (answer == *b"+" || rest.starts_with(b"NOAUTH"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where connections of all tests live.
pub(super) fn runtime() -> Handle {
    static RUNTIME: LazyLock<Handle> = LazyLock::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        handle
    });
    RUNTIME.clone()
}

/// The machine's own time, for tests in which servers come and go.
#[derive(Debug)]
pub(super) struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "stands for the system's clock")]
        Timestamp::now()
    }

    fn stopwatch(&self) -> Duration {
        Duration::from_micros(self.now().as_microsecond().unsigned_abs())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let runtime = runtime();
        let _inside = runtime.enter();
        #[expect(clippy::disallowed_methods, reason = "stands for the system's clock")]
        Box::pin(tokio::time::sleep(duration))
    }
}
