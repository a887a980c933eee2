//! Hears of commits made elsewhere: by subscription, and by looking again when that is silent.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::ports::clock::Clock;
use bursar_core::ports::store::{Sequence, Space};
use futures::future::{Either, select};
use futures::{FutureExt as _, StreamExt as _};
use redis::Cmd;
use redis::aio::PubSub;
use tokio::sync::watch;

use super::link::Link;
use super::read::read_spaces;
use super::request::Names;
use crate::hearing::Hearing;

/// Who waits for changes.
#[derive(Debug)]
pub(super) struct Hints {
    sender: watch::Sender<u64>,
    pub(super) hearing: Hearing,
}

impl Hints {
    /// Nothing is known yet.
    pub(super) fn new(clock: &dyn Clock) -> Self {
        Self { sender: watch::Sender::new(0), hearing: Hearing::new(clock.stopwatch()) }
    }

    /// Somebody else who waits.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.sender.subscribe()
    }

    /// Wakes everybody.
    pub(super) fn announce(&self) {
        self.sender.send_modify(|hints| *hints += 1);
    }
}

/// Listens until it is dropped.
pub(super) async fn listen(link: Arc<Link>, names: Arc<Names>, hints: Arc<Hints>, origin: String) {
    let mut announced = HashMap::new();
    let mut turn = 0_usize;
    loop {
        turn = turn.wrapping_add(1);
        match subscribe(&link, &names, turn).await {
            Some(subscription) => {
                // Subscribed first: what is announced while we look is heard too.
                look(&link, &names, &hints, &mut announced).await;
                hear(&link, &names, &hints, &origin, subscription, &mut announced).await;
            }
            None => look(&link, &names, &hints, &mut announced).await,
        }
        link.clock().sleep(DEAF).await;
    }
}

/// Passes on what is announced, until the connection ends.
async fn hear(
    link: &Link,
    names: &Names,
    hints: &Hints,
    origin: &str,
    subscription: PubSub,
    announced: &mut HashMap<String, Sequence>,
) {
    let mut messages = subscription.into_on_message();
    let mut pause = link.clock().sleep(SILENCE);
    loop {
        match select(messages.next(), pause).await {
            Either::Left((None, _)) => return,
            Either::Left((Some(message), rest)) => {
                pause = rest;
                // One server of a cluster passes on what others say, and nothing of those it hears as little of.
                if !names.cluster {
                    hints.hearing.heard(link.clock().stopwatch());
                }
                let text: String = message.get_payload().unwrap_or_default();
                // Our own commits were told when they were answered.
                if let Some((from, sequence)) = text.split_once(' ')
                    && from != origin
                    && sequence.parse::<Sequence>().is_ok()
                {
                    hints.announce();
                }
            }
            Either::Right(_) => {
                // A connection that was cut without a word stays silent for ever.
                look(link, names, hints, announced).await;
                pause = link.clock().sleep(SILENCE);
            }
        }
    }
}

async fn subscribe(link: &Link, names: &Names, turn: usize) -> Option<PubSub> {
    let client = link.target().node(turn).ok()?;
    let subscribing = async {
        let mut subscription = client.get_async_pubsub().await?;
        subscription.subscribe(names.channel()).await?;
        Ok::<_, redis::RedisError>(subscription)
    };
    tokio::time::timeout(SUBSCRIBE, subscribing.boxed()).await.ok()?.ok()
}

/// Reads what was announced last. The servers of a cluster tell of their own spaces only, so they are heard when all of them
/// have answered.
async fn look(link: &Link, names: &Names, hints: &Hints, announced: &mut HashMap<String, Sequence>) {
    let began = link.clock().stopwatch();
    let mut is_whole = true;
    let mut spaces = vec![Space::System];
    if names.cluster {
        match read_spaces(link, names).await {
            Ok(sandboxes) => spaces.extend(sandboxes),
            Err(_) => is_whole = false,
        }
    }
    for space in spaces {
        let mut command = Cmd::new();
        command.arg("GET").arg(names.announced(&space));
        let Ok(said) = link.command(&command).await else {
            is_whole = false;
            continue;
        };
        // Nothing, as long as nothing was ever announced.
        let redis::Value::BulkString(text) = said else { continue };
        let Some(sequence) = String::from_utf8(text).ok().and_then(|text| text.parse().ok()) else {
            continue;
        };
        if announced.insert(space.as_str().to_owned(), sequence) != Some(sequence) {
            hints.announce();
        }
    }
    if is_whole {
        hints.hearing.heard(began);
    }
}

/// How soon a lost subscription is tried again; until then this is how often we look.
const DEAF: Duration = Duration::from_millis(500);

/// How long a subscription may be silent before we look whether it is still one.
const SILENCE: Duration = Duration::from_secs(2);

/// As long as any other connection may take.
const SUBSCRIBE: Duration = Duration::from_secs(5);
