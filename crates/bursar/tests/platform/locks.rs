//! The kernel lock between processes: alive, stopped, dead, and their children.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bursar::locks::KernelRefreshLock;
use bursar::system::SystemClock;
use bursar_core::ports::refresh_lock::{RefreshLock as _, RefreshPermit};
use bursar_core::ports::store::{SandboxId, Space};
use rustix::process::{Pid, Signal, kill_process};

const LONG: Duration = Duration::from_secs(30);

fn lock(folder: &Path) -> KernelRefreshLock {
    KernelRefreshLock::new(folder.join("locks"), Arc::new(SystemClock))
}

async fn acquire(folder: &Path, account: &str, wait: Duration) -> Option<Box<dyn RefreshPermit>> {
    acquire_in(folder, &own(), account, wait).await
}

async fn acquire_in(
    folder: &Path,
    space: &Space,
    account: &str,
    wait: Duration,
) -> Option<Box<dyn RefreshPermit>> {
    lock(folder).acquire(space, account, wait).await.unwrap()
}

/// Where the installation's own accounts are.
fn own() -> Space {
    Space::Sandbox(SandboxId::personal())
}

/// Another process that holds the lock; util-linux's `flock` uses the same kernel call.
struct Holder(Child);

impl Holder {
    fn start(folder: &Path, account: &str) -> Self {
        let path = lock_file(folder, account);
        let mut child = Command::new("flock")
            .arg("--exclusive")
            .arg("--no-fork")
            .arg(path)
            .args(["sh", "-c", "echo held; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("flock is there; run scripts/setup-tests");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Self(child)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn lock_file(folder: &Path, account: &str) -> std::path::PathBuf {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, account.as_bytes());
    let name: Vec<u8> = hash
        .as_ref()
        .iter()
        .flat_map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]])
        .collect();
    folder.join("locks").join(String::from_utf8(name).unwrap())
}

#[tokio::test]
async fn one_at_a_time_per_account_and_accounts_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let held = acquire(folder.path(), "google:ada", Duration::ZERO).await.expect("free");
    assert_eq!(held.remaining(), None);
    assert!(acquire(folder.path(), "google:ada", Duration::ZERO).await.is_none());
    assert!(acquire(folder.path(), "google:ada", Duration::from_millis(60)).await.is_none());
    assert!(acquire(folder.path(), "google:../../bob", Duration::ZERO).await.is_some());
    drop(held);
    assert!(acquire(folder.path(), "google:ada", Duration::ZERO).await.is_some());
}

#[tokio::test]
async fn accounts_of_one_name_in_two_sandboxes_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = |name: &str| Space::Sandbox(SandboxId::parse(name).unwrap());
    let [one, other] = ["sbx-1", "sbx-2"].map(sandbox);
    let mut held = Vec::new();
    for space in [&own(), &one, &other] {
        held.push(acquire_in(folder.path(), space, "google:ada", Duration::ZERO).await.expect("its own"));
        assert!(acquire_in(folder.path(), space, "google:ada", Duration::ZERO).await.is_none());
    }
    // As builds call it that know of no others.
    assert!(lock_file(folder.path(), "google:ada").is_file());
}

#[tokio::test]
async fn folder_and_files_are_private_and_stay() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    drop(acquire(folder.path(), "a", Duration::ZERO).await.expect("free"));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&folder.path().join("locks")), 0o700);
    assert_eq!(mode(&lock_file(folder.path(), "a")), 0o600);
}

#[tokio::test]
async fn a_waiter_gets_the_lock_when_its_owner_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    drop(acquire(folder.path(), "a", Duration::ZERO).await.expect("free"));
    let holder = Holder::start(folder.path(), "a");
    assert!(acquire(folder.path(), "a", Duration::ZERO).await.is_none());
    let (lock, own, kill) = (lock(folder.path()), own(), async { holder.signal(Signal::KILL) });
    let (permit, ()) = futures::future::join(lock.acquire(&own, "a", LONG), kill).await;
    assert!(permit.unwrap().is_some());
}

#[tokio::test]
async fn a_stopped_owner_keeps_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    drop(acquire(folder.path(), "a", Duration::ZERO).await.expect("free"));
    let holder = Holder::start(folder.path(), "a");
    holder.signal(Signal::STOP);
    assert!(acquire(folder.path(), "a", Duration::from_millis(200)).await.is_none());
    holder.signal(Signal::CONT);
    drop(holder);
    assert!(acquire(folder.path(), "a", LONG).await.is_some());
}

#[tokio::test]
async fn a_child_does_not_inherit_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let held = acquire(folder.path(), "a", Duration::ZERO).await.expect("free");
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // An echo proves that the child runs its own program by now.
    child.stdin.as_mut().unwrap().write_all(b"here\n").unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    drop(held);
    assert!(acquire(folder.path(), "a", Duration::ZERO).await.is_some(), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn an_emptied_folder_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    drop(acquire(folder.path(), "a", Duration::ZERO).await.expect("free"));
    std::fs::remove_dir_all(folder.path().join("locks")).unwrap();
    assert!(acquire(folder.path(), "a", Duration::ZERO).await.is_some());
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_told_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("locks"), "a file").unwrap();
    let error = lock(folder.path()).acquire(&own(), "a", LONG).await.unwrap_err();
    assert!(error.detail.contains("locks"), "{error}");
}

#[tokio::test]
async fn many_waiters_take_turns_and_none_overlap() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let folder = tempfile::tempdir().unwrap();
    let (inside, turns) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let waiters = (0..8).map(|_| async {
        let permit = acquire(folder.path(), "a", LONG).await.expect("within the limit");
        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
        tokio::task::yield_now().await;
        inside.fetch_sub(1, Ordering::SeqCst);
        turns.fetch_add(1, Ordering::SeqCst);
        drop(permit);
    });
    futures::future::join_all(waiters).await;
    assert_eq!(turns.load(Ordering::SeqCst), 8);
}
