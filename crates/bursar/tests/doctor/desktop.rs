//! A desktop session for one test: a bus, and on it a keyring or a notification service when the test wants one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bursar::system::{SystemClock, TokioTasks};
use bursar_core::ports::clock::Clock as _;
use bursar_core::ports::tasks::Tasks as _;
use futures::StreamExt as _;
use zbus::message::Type as MessageType;
use zbus::{Connection, MessageStream, Variant};

const MISSING: &str = "the program is there; run scripts/setup-tests";

/// The session; everything in it ends with it.
pub(super) struct Desktop {
    folder: tempfile::TempDir,
    bus: Child,
    address: String,
    keyring: Option<Child>,
}

impl Desktop {
    /// A bus with nobody on it.
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("bus.conf");
        let text = format!(
            "<busconfig><type>session</type><listen>unix:dir={}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
             <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            folder.path().display()
        );
        std::fs::write(&config, text).unwrap();
        let mut bus = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect(MISSING);
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(address.starts_with("unix:"), "dbus-daemon told its address");
        Self { folder, bus, address: address.trim().to_owned(), keyring: None }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// GNOME's keyring, unlocked with a password as at login, or not.
    pub(super) fn start_keyring(&mut self, unlocked: bool) {
        let mut command = Command::new("gnome-keyring-daemon");
        command
            .args(["--foreground", "--components=secrets", "--control-directory"])
            .arg(self.folder.path().join("control"))
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env("HOME", self.folder.path())
            .env("XDG_DATA_HOME", self.folder.path().join("data"))
            .env("XDG_RUNTIME_DIR", self.folder.path());
        if unlocked {
            command.arg("--unlock");
        }
        let mut keyring =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect(MISSING);
        keyring.stdin.take().unwrap().write_all(b"login password").unwrap();
        self.keyring = Some(keyring);
        self.wait_for_keyring(true);
    }

    pub(super) fn stop_keyring(&mut self) {
        if let Some(mut keyring) = self.keyring.take() {
            keyring.kill().unwrap();
            keyring.wait().unwrap();
        }
        self.wait_for_keyring(false);
    }

    /// Until the keyring's name on the bus is taken, or free.
    fn wait_for_keyring(&self, taken: bool) {
        let deadline = SystemClock.stopwatch() + Duration::from_secs(30);
        loop {
            let asked = Command::new("dbus-send")
                .args(["--session", "--print-reply=literal", "--dest=org.freedesktop.DBus", "/"])
                .args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"])
                .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
                .output()
                .expect(MISSING);
            if String::from_utf8_lossy(&asked.stdout).contains("true") == taken {
                return;
            }
            assert!(SystemClock.stopwatch() < deadline, "the keyring never came or never went");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A notification service that has the standard's methods as far as anybody asks, and shows nothing.
    pub(super) async fn show_notifications(&self) -> Notifications {
        let connection = zbus::connection::Builder::address(self.address.as_str()).build().await.unwrap();
        let quiet = Arc::new(AtomicBool::new(false));
        let calls = MessageStream::from(&connection);
        connection.request_name("org.freedesktop.Notifications").await.unwrap();
        // It ends with the bus.
        TokioTasks::new().spawn(Box::pin(serve(connection.clone(), calls, Arc::clone(&quiet))));
        Notifications { quiet }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for child in self.keyring.iter_mut().chain([&mut self.bus]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The notification service.
pub(super) struct Notifications {
    quiet: Arc<AtomicBool>,
}

impl Notifications {
    /// Keeps notifications back from now on.
    pub(super) fn do_not_disturb(&self) {
        self.quiet.store(true, Ordering::SeqCst);
    }
}

async fn serve(connection: Connection, mut calls: MessageStream, quiet: Arc<AtomicBool>) {
    while let Some(Ok(call)) = calls.next().await {
        let header = call.header();
        if header.message_type() != MessageType::MethodCall {
            continue;
        }
        let member = header.member().map(ToString::to_string).unwrap_or_default();
        let sent = match member.as_str() {
            "GetServerInformation" => connection.reply(&header, &("Tester", "tests", "1.0", "1.2")).await,
            "Get" => connection.reply(&header, &(Variant::from(quiet.load(Ordering::SeqCst)),)).await,
            _ => connection.reply_error(&header, "org.freedesktop.DBus.Error.UnknownMethod", &()).await,
        };
        sent.unwrap();
    }
}
