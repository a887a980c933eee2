//! What all requests of a gateway occupy together: connections with upstreams, and memory for bodies that may be sent twice.

use std::sync::Arc;

use bursar_core::ports::clock::Clock;
use futures::future::{Either, select};
use http::StatusCode;
use hyper::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::Limits;
use super::refusal::Refusal;

/// The room of one gateway. Clones are the same room.
#[derive(Clone, Debug)]
pub(super) struct Room {
    exchanges: Arc<Semaphore>,
    copies: Arc<Semaphore>,
}

/// A request's place among those under way.
pub(super) type Exchange = OwnedSemaphorePermit;

/// Memory set aside for a body.
pub(super) type Space = OwnedSemaphorePermit;

impl Room {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            exchanges: Arc::new(Semaphore::new(limits.exchanges)),
            copies: Arc::new(Semaphore::new(limits.replay_memory)),
        }
    }

    /// A place for a request that goes to an upstream, as soon as there is one.
    pub(super) async fn exchange(&self, limits: &Limits, clock: &dyn Clock) -> Result<Exchange, Refusal> {
        if let Ok(place) = Arc::clone(&self.exchanges).try_acquire_owned() {
            return Ok(place);
        }
        let place = Box::pin(Arc::clone(&self.exchanges).acquire_owned());
        match select(place, clock.sleep(limits.hand_out_wait)).await {
            Either::Left((Ok(place), _)) => Ok(place),
            Either::Left((Err(_), _)) | Either::Right(_) => Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "too many requests are under way",
            )
            .hint("end some of them, or allow the gateway's process more open files")),
        }
    }

    /// Space for a body of this length, if there is some now.
    pub(super) fn space(&self, length: u64) -> Option<Space> {
        Arc::clone(&self.copies).try_acquire_many_owned(u32::try_from(length).ok()?).ok()
    }
}

/// These bytes, which give their space back when nobody has them any more.
pub(super) fn held(bytes: Bytes, space: Space) -> Bytes {
    Bytes::from_owner(Held { bytes, _space: space })
}

struct Held {
    bytes: Bytes,
    _space: Space,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
