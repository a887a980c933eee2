//! A network between a store and its server that can be cut at the worst moment.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// What happens to the next order to commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It arrives, and so does its answer.
    Arrives,
    /// It never arrives, and the connection breaks.
    Lost,
    /// It arrives, its answer does not, and the connection breaks.
    AnswerLost,
    /// It arrives, and from then on nothing does, without a word.
    Silence,
}

/// Listens on a port of its own and passes everything on to the server.
pub(super) struct Proxy {
    port: u16,
    state: Arc<State>,
}

struct State {
    server: PathBuf,
    fate: Mutex<Fate>,
    /// Refuses and cuts every connection.
    down: AtomicBool,
    /// Delivers nothing, without a word; what was sent meanwhile arrives when it is over, as after lost packets.
    partitioned: Mutex<bool>,
    healed: Condvar,
    cut: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Starts one before the server's socket. It ends with the process.
    pub(super) fn start(server: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            server: server.to_owned(),
            fate: Mutex::new(Fate::Arrives),
            down: AtomicBool::new(false),
            partitioned: Mutex::new(false),
            healed: Condvar::new(),
            cut: AtomicUsize::new(0),
            open: Mutex::new(Vec::new()),
        });
        let serving = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                serving.serve(client);
            }
        });
        Self { port, state }
    }

    /// Where stores connect to.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Decides about the next order to commit; those after it arrive again.
    pub(super) fn next_commit(&self, fate: Fate) {
        *self.state.fate.lock().unwrap() = fate;
    }

    /// How many orders to commit met with a fate.
    pub(super) fn met(&self) -> usize {
        self.state.cut.load(Ordering::SeqCst)
    }

    /// Cuts all connections and lets no new ones through, or lets them through again.
    pub(super) fn set_down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
        for connection in self.state.open.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Loses everything on the way, in both directions, or delivers it again.
    pub(super) fn set_partitioned(&self, partitioned: bool) {
        *self.state.partitioned.lock().unwrap() = partitioned;
        self.state.healed.notify_all();
    }
}

impl State {
    fn wait_for_network(&self) {
        let partitioned = self.partitioned.lock().unwrap();
        drop(self.healed.wait_while(partitioned, |partitioned| *partitioned).unwrap());
    }

    fn serve(self: &Arc<Self>, client: TcpStream) {
        if self.down.load(Ordering::SeqCst) {
            return;
        }
        let Ok(server) = UnixStream::connect(&self.server) else { return };
        self.open.lock().unwrap().push(client.try_clone().unwrap());
        let deaf = Arc::new(AtomicBool::new(false));
        let (mut answers, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let (heard, network) = (Arc::clone(&deaf), Arc::clone(self));
        thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(length @ 1..) = answers.read(&mut buffer) {
                network.wait_for_network();
                if !heard.load(Ordering::SeqCst) && to_client.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            if !heard.load(Ordering::SeqCst) {
                let _ = to_client.shutdown(Shutdown::Both);
            }
        });
        let state = Arc::clone(self);
        thread::spawn(move || state.pass_on(client, server, &deaf));
    }

    fn pass_on(&self, mut client: TcpStream, mut server: UnixStream, deaf: &AtomicBool) {
        let mut buffer = vec![0; 65536];
        let mut silent = false;
        while let Ok(length @ 1..) = client.read(&mut buffer) {
            self.wait_for_network();
            let sent = &buffer[..length];
            if silent {
                continue;
            }
            let fate = if sent.windows(7).any(|word| word == b"COMMIT\0") {
                self.take_fate()
            } else {
                Fate::Arrives
            };
            match fate {
                Fate::Arrives => {}
                Fate::Lost => break,
                Fate::AnswerLost | Fate::Silence => deaf.store(true, Ordering::SeqCst),
            }
            if server.write_all(sent).is_err() {
                break;
            }
            match fate {
                // The server has it all; whether it has begun is its own affair.
                Fate::AnswerLost => break,
                Fate::Silence => silent = true,
                _ => {}
            }
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Write);
    }

    fn take_fate(&self) -> Fate {
        let fate = std::mem::replace(&mut *self.fate.lock().unwrap(), Fate::Arrives);
        if fate != Fate::Arrives {
            self.cut.fetch_add(1, Ordering::SeqCst);
        }
        fate
    }
}
