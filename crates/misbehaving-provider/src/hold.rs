//! Hold points: a call waits at a known place until the test lets it go on.

use tokio::sync::watch;

use crate::fault::{Endpoint, When};

/// A hold on the next call of one endpoint. Dropping it lets the call go on.
#[derive(Debug)]
pub struct Hold {
    id: u64,
    arrived: watch::Receiver<bool>,
    released: watch::Sender<bool>,
}

impl Hold {
    /// Waits until a call stands at the hold point.
    ///
    /// # Panics
    /// When the provider stopped before a call came.
    pub async fn arrived(&self) {
        let mut arrived = self.arrived.clone();
        arrived
            .wait_for(|arrived| *arrived)
            .await
            .expect("the provider stopped before a call arrived at this hold");
    }

    /// Whether a call stands, or stood, at the hold point.
    #[must_use]
    pub fn has_arrived(&self) -> bool {
        *self.arrived.borrow()
    }

    /// Lets the call go on.
    pub fn release(self) {
        self.released.send_replace(true);
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }
}

/// Holds that no call has reached yet.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    waiting: Vec<HoldPoint>,
    last_id: u64,
}

/// The provider's side of a [`Hold`].
#[derive(Debug)]
pub(crate) struct HoldPoint {
    endpoint: Endpoint,
    when: When,
    arrived: watch::Sender<bool>,
    released: watch::Receiver<bool>,
}

impl Holds {
    pub(crate) fn hold(&mut self, endpoint: Endpoint, when: When) -> Hold {
        let (arrived_sender, arrived) = watch::channel(false);
        let (released, released_receiver) = watch::channel(false);
        self.last_id += 1;
        self.waiting.push(HoldPoint { endpoint, when, arrived: arrived_sender, released: released_receiver });
        Hold { id: self.last_id, arrived, released }
    }

    /// The hold for a call that has come to this point; holds whose guard is gone no longer count.
    pub(crate) fn take(&mut self, endpoint: Endpoint, when: When) -> Option<HoldPoint> {
        self.waiting.retain(|point| point.released.has_changed().is_ok());
        let position =
            self.waiting.iter().position(|point| point.endpoint == endpoint && point.when == when)?;
        Some(self.waiting.remove(position))
    }
}

impl HoldPoint {
    pub(crate) async fn wait(mut self) {
        self.arrived.send_replace(true);
        // An error means that the guard was dropped, which releases as well.
        let _ = self.released.wait_for(|released| *released).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_catches_one_call_at_its_own_point() {
        let mut holds = Holds::default();
        let _guard = holds.hold(Endpoint::Token, When::AfterProcessing);
        assert!(holds.take(Endpoint::Token, When::BeforeProcessing).is_none());
        assert!(holds.take(Endpoint::Token, When::AfterProcessing).is_some());
        assert!(holds.take(Endpoint::Token, When::AfterProcessing).is_none());
    }

    #[test]
    fn a_dropped_hold_catches_nothing() {
        let mut holds = Holds::default();
        drop(holds.hold(Endpoint::Token, When::BeforeProcessing));
        assert!(holds.take(Endpoint::Token, When::BeforeProcessing).is_none());
    }

    #[tokio::test]
    async fn a_released_call_goes_on() {
        let mut holds = Holds::default();
        let guard = holds.hold(Endpoint::Token, When::BeforeProcessing);
        let point = holds.take(Endpoint::Token, When::BeforeProcessing).unwrap();
        assert!(!guard.has_arrived());
        let (wait, ()) = (point.wait(), guard.release());
        wait.await;
    }
}
