//! Who wakes whom: commits of this node wake its watchers at once and tell the other nodes; theirs wake ours.
//!
//! A wake-up is a hint only, so it is sent after the commit and not inside it, where the server would let one such commit
//! pass at a time. If the sender dies in between, or notifications get lost, a look at the last change finds out.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use bursar_core::ports::store::Sequence;
use futures::FutureExt as _;
use futures::future::{Either, select};
use jiff::Timestamp;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::AsyncMessage;

use super::reader::{try_head, try_settled};
use super::server::Server;
use crate::hearing::Hearing;

/// Where wake-ups come together.
#[derive(Debug)]
pub(super) struct Hints {
    watchers: watch::Sender<u64>,
    /// The largest number that anybody has told of.
    known: AtomicU64,
    /// Tells our own notifications from those of other nodes.
    node: String,
    announce: Notify,
    /// A commit that was told of and looked for before it could be read; 0 if there is none.
    unsettled: AtomicU64,
    began: Instant,
    hearing: Hearing,
    /// What the server's clock said when this one began, in microseconds; [`UNKNOWN`] before it was asked.
    server_began: AtomicI64,
}

impl Hints {
    /// `node` is unguessable, so no other node has it.
    pub(super) fn new(node: &str) -> Self {
        static STORES: AtomicU64 = AtomicU64::new(0);
        // Two stores of one process are two nodes as well.
        let node = format!("{}-{node}-{}", std::process::id(), STORES.fetch_add(1, Ordering::Relaxed));
        let (known, unsettled) = (AtomicU64::new(0), AtomicU64::new(0));
        let (watchers, announce) = (watch::Sender::new(0), Notify::new());
        let hearing = Hearing::new(Duration::ZERO);
        let (began, server_began) = (Instant::now(), AtomicI64::new(UNKNOWN));
        Self { watchers, known, node, announce, unsettled, began, hearing, server_began }
    }

    /// Hears of every wake-up.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.watchers.subscribe()
    }

    /// This node has committed a watched change.
    pub(super) fn committed(&self, sequence: Sequence) {
        self.wake(sequence);
        self.announce.notify_one();
    }

    /// Somebody has read the changes up to `horizon`. If that is less than watchers were told of, because a commit with a
    /// smaller number is still under way, they are woken again when it is not.
    pub(super) fn has_read(&self, horizon: Sequence) {
        let known = self.known();
        if horizon < known {
            self.unsettled.fetch_max(known, Ordering::AcqRel);
        }
    }

    /// Something up to `sequence` may be new. Also if more was told of before: numbers become visible in any order.
    pub(super) fn wake(&self, sequence: Sequence) {
        self.known.fetch_max(sequence, Ordering::AcqRel);
        self.watchers.send_modify(|hints| *hints += 1);
    }

    /// Whether the server has not been heard for too long.
    pub(super) fn is_deaf(&self) -> bool {
        self.hearing.is_lost(self.began.elapsed())
    }

    /// The server's clock, as it was when it was asked last and on from there.
    pub(super) fn now(&self) -> Option<Timestamp> {
        let began = Some(self.server_began.load(Ordering::Acquire)).filter(|began| *began != UNKNOWN)?;
        let elapsed = i64::try_from(self.began.elapsed().as_micros()).ok()?;
        Timestamp::from_microsecond(began.checked_add(elapsed)?).ok()
    }

    /// The server has said what time it was, and has answered.
    fn heard(&self, server_time: i64) {
        let elapsed = self.began.elapsed();
        let elapsed_micros = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
        self.server_began.store(server_time.saturating_sub(elapsed_micros), Ordering::Release);
        self.hearing.heard(elapsed);
    }

    fn known(&self) -> Sequence {
        self.known.load(Ordering::Acquire)
    }
}

/// Listens, announces and looks, until the store is dropped.
pub(super) async fn listen(server: Arc<Server>) {
    let mut heard = None;
    loop {
        if heard.is_none() {
            heard = connect(&server).await;
        }
        // Also for whatever was said while nobody listened.
        look(&server).await;
        handle(&server, &mut heard).await;
    }
}

/// Handles what comes in and what must go out, until it is time to look again.
async fn handle(server: &Server, heard: &mut Option<mpsc::UnboundedReceiver<String>>) {
    let hints = &server.hints;
    let unsettled = hints.unsettled.load(Ordering::Acquire) != 0;
    let until = Instant::now() + if unsettled { SETTLES_WITHIN } else { LOOK_EVERY };
    loop {
        match timeout_at(until, next(hints, heard)).await {
            Err(_) => return,
            Ok(Next::Heard(payload)) => take(hints, &payload),
            // Tried again after the next look, and not in a hurry: the server may have its reasons.
            Ok(Next::Deaf) => *heard = None,
            Ok(Next::Announce) => announce(server).await,
        }
    }
}

/// What happened first.
enum Next {
    Heard(String),
    Deaf,
    Announce,
}

async fn next(hints: &Hints, heard: &mut Option<mpsc::UnboundedReceiver<String>>) -> Next {
    let incoming = match heard {
        Some(heard) => heard.recv().left_future(),
        None => std::future::pending().right_future(),
    };
    match select(std::pin::pin!(incoming), std::pin::pin!(hints.announce.notified())).await {
        Either::Left((Some(payload), _)) => Next::Heard(payload),
        Either::Left((None, _)) => Next::Deaf,
        Either::Right(((), _)) => Next::Announce,
    }
}

fn take(hints: &Hints, payload: &str) {
    if let Some((node, sequence)) = payload.split_once(' ')
        && node != hints.node
    {
        hints.wake(sequence.parse().unwrap_or(0));
    }
}

async fn announce(server: &Server) {
    let payload = format!("{} {}", server.hints.node, server.hints.known());
    // If it fails, the others will look for themselves.
    if let Err(trouble) = server.try_rows("SELECT pg_notify($1, $2)", &[&CHANNEL, &payload]).await {
        tracing::debug!(?trouble, "other nodes could not be told of a change");
    }
}

/// Reads how far the server is, what its clock says, and whether what was under way is settled.
pub(super) async fn look(server: &Server) {
    let hints = &server.hints;
    let unsettled = hints.unsettled.load(Ordering::Acquire);
    if unsettled != 0
        && let Ok(settled) = try_settled(server).await
        && settled.horizon >= unsettled
    {
        // If somebody has looked for a later one by now, that will be looked at again.
        let _ = hints.unsettled.compare_exchange(unsettled, 0, Ordering::AcqRel, Ordering::Relaxed);
        hints.wake(unsettled);
    }
    if let Ok((head, server_time)) = try_head(server).await {
        hints.heard(server_time);
        if head > hints.known() {
            hints.wake(head);
        }
    }
}

/// A connection that only listens; `None` if there is none to be had now.
async fn connect(server: &Server) -> Option<mpsc::UnboundedReceiver<String>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let connected = timeout(CONNECT, server.config.connect(server.connector.clone())).await;
    let (client, mut connection) = connected.ok()?.ok()?;
    tokio::runtime::Handle::current().spawn(async move {
        // The client lives as long as its connection is driven.
        let listening = async {
            let started = client.batch_execute(LISTEN).await;
            match started {
                Ok(()) => std::future::pending().await,
                Err(error) => tracing::debug!(%error, "notifications cannot be heard"),
            }
        };
        let driving = async {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notification(notification) = message
                    && sender.send(notification.payload().to_owned()).is_err()
                {
                    break;
                }
            }
        };
        select(std::pin::pin!(listening), std::pin::pin!(driving)).await;
    });
    Some(receiver)
}

/// No server's clock says this.
const UNKNOWN: i64 = i64::MIN;

const CHANNEL: &str = "bursar";

const LISTEN: &str = "LISTEN bursar";

/// Caches may be stale for a second; this leaves time for the answer.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Many commits' time; who is still under way then may be for seconds.
const SETTLES_WITHIN: Duration = Duration::from_millis(50);

/// As long as a pooled connection may take.
const CONNECT: Duration = Duration::from_secs(5);
