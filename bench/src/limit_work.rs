//! What nobody can leave out: a signature, a verification, a row that is on the disk before anybody hears of it.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use hyper::body::Bytes;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

/// What is done for each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Work {
    /// Nothing.
    Nothing,
    /// One Ed25519 signature.
    Sign,
    /// One verification of an Ed25519 signature.
    Verify,
    /// One signature, and one row in a group of commits.
    Commit,
}

impl Work {
    /// As it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Sign => "sign",
            Self::Verify => "verify",
            Self::Commit => "commit",
        }
    }
}

/// Whoever does it.
#[derive(Debug)]
pub(crate) enum Worker {
    Idle,
    Signer(Signer),
    Verifier { key: UnparsedPublicKey<Vec<u8>>, signature: Vec<u8> },
    Keeper { signer: Signer, rows: Sender<Row>, row: Bytes, count: AtomicU64 },
}

/// Signs the same over and over.
#[derive(Debug)]
pub(crate) struct Signer {
    key: Ed25519KeyPair,
    message: Vec<u8>,
}

/// A row, and who waits for it.
#[derive(Debug)]
pub(crate) struct Row {
    key: u64,
    body: Bytes,
    done: oneshot::Sender<()>,
}

impl Worker {
    /// Whoever does `work`, with a database in `folder` if it takes one; `answer` is what is written, and as much is signed as
    /// of the token in it.
    pub(crate) fn new(work: Work, folder: &Path, answer: &Bytes) -> Result<Self> {
        let signer = Signer { key: Ed25519KeyPair::generate()?, message: message(answer) };
        Ok(match work {
            Work::Nothing => Self::Idle,
            Work::Sign => Self::Signer(signer),
            Work::Verify => {
                let key = UnparsedPublicKey::new(&ED25519, signer.key.public_key().as_ref().to_vec());
                Self::Verifier { key, signature: signer.key.sign(USUAL_MESSAGE).as_ref().to_vec() }
            }
            Work::Commit => {
                let (rows, received) = channel();
                let connection = open(&folder.join("limit.db"))?;
                std::thread::spawn(move || write(&connection, &received));
                Self::Keeper { signer, rows, row: answer.clone(), count: AtomicU64::new(0) }
            }
        })
    }

    /// Does it once.
    pub(crate) async fn work(&self) -> Result<()> {
        match self {
            Self::Idle => {}
            Self::Signer(signer) => signer.sign(),
            Self::Verifier { key, signature } => {
                key.verify(USUAL_MESSAGE, signature).map_err(|_| anyhow!("a signature that does not fit"))?;
            }
            Self::Keeper { signer, rows, row, count } => {
                signer.sign();
                let (done, written) = oneshot::channel();
                let key = count.fetch_add(1, Ordering::Relaxed) % FAMILIES;
                rows.send(Row { key, body: row.clone(), done }).map_err(|_| anyhow!("nobody writes"))?;
                written.await.context("a row that was not written")?;
            }
        }
        Ok(())
    }
}

impl Signer {
    fn sign(&self) {
        std::hint::black_box(self.key.sign(&self.message));
    }
}

/// What is signed of the access token in an answer: all of it but the signature.
fn message(answer: &[u8]) -> Vec<u8> {
    let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    let signed = answer["access_token"].as_str().and_then(|token| token.rsplit_once('.'));
    signed.map_or_else(|| USUAL_MESSAGE.to_vec(), |(message, _)| message.as_bytes().to_vec())
}

/// With the settings of bursar's own store.
fn open(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute("CREATE TABLE row (key INTEGER PRIMARY KEY, body BLOB NOT NULL)", [])?;
    Ok(connection)
}

/// Everybody who waits while one flush runs shares the next, and so do those who come within a moment of each other: nearly
/// all of them.
fn write(connection: &Connection, rows: &Receiver<Row>) -> Result<()> {
    let mut last_group = 1;
    while let Ok(first) = rows.recv() {
        let mut group = vec![first];
        group.extend(rows.try_iter());
        while group.len() < last_group {
            let Ok(row) = rows.recv_timeout(MOMENT) else { break };
            group.push(row);
        }
        last_group = group.len();
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for Row { key, body, .. } in &group {
            let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO row VALUES (?1, ?2)")?;
            statement.execute(params![i64::try_from(*key)?, &body[..]])?;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        for Row { done, .. } in group {
            // Whoever has gone away does not need to know.
            let _ = done.send(());
        }
    }
    Ok(())
}

/// As long as what is signed of an access token that a client has for itself.
const USUAL_MESSAGE: &[u8] = &[b'x'; 480];
/// As many rows are written in turn.
const FAMILIES: u64 = 32;
const MOMENT: Duration = Duration::from_micros(200);
