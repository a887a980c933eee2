//! Under a service manager that opens the socket first and wants to be told.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixDatagram, UnixStream};

use super::raw::{Answer, socket};
use super::running::Agent;
use super::world::with_keys;

/// Does what systemd does for a unit with a socket: listens, then becomes the service.
const MANAGER: &str = "
import os, socket, sys
program, path = sys.argv[1:3]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(path)
os.chmod(path, 0o600)
listener.listen(16)
sys.stdin.read()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(program, [program, 'agent', 'run'] + sys.argv[3:])
";

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_came_before_it_are_served_and_the_manager_is_told() {
    let home = with_keys(1).await;
    let notify = home.beside("notify");
    let manager = UnixDatagram::bind(&notify).unwrap();
    let prepared = home.command(&[]);
    let mut command = tokio::process::Command::new("python3");
    command
        .args(["-c", MANAGER, env!("CARGO_BIN_EXE_bursar")])
        .arg(socket(&home))
        .env_clear()
        .envs(prepared.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("NOTIFY_SOCKET", &notify)
        .stdin(std::process::Stdio::piped())
        .kill_on_drop(true);
    let mut agent = Agent::of(&home, &mut command);
    let mut early = loop {
        if let Ok(stream) = UnixStream::connect(socket(&home)).await {
            break stream;
        }
    };
    let request = b"GET /v1/agent HTTP/1.1\r\nHost: bursar\r\nConnection: close\r\n\r\n";
    early.write_all(request).await.unwrap();
    agent.goes_on();

    let mut told = [0; 64];
    let length = manager.recv(&mut told).await.unwrap();
    assert_eq!(&told[..length], b"READY=1\n");
    let mut answer = Vec::new();
    early.read_to_end(&mut answer).await.unwrap();
    let document = Answer::read(&answer).succeeded();
    assert_eq!(document["process"], agent.id(), "nobody stands between");

    home.run(&["token", "gitlab:ci0"]).await.succeeded();
    home.run(&["agent", "stop"]).await.succeeded();
    assert_eq!(agent.ended().await, 0, "{}", agent.log());
    assert!(socket(&home).exists(), "the socket is the manager's");
}
