//! Who changes something, for the log of events.

use std::sync::Arc;

use crate::engine::issuer::AuthorizationServer;
use crate::ports::event::Event;
use crate::ports::store::Batch;

impl AuthorizationServer {
    /// The same server in the hands of `actor`: every change made through it is noted as theirs. A user's or client's id, or
    /// a word for a way in that has none.
    #[must_use]
    pub fn acting_as(&self, actor: impl Into<Arc<str>>) -> Self {
        Self { actor: Some(actor.into()), ..self.clone() }
    }

    /// A batch that begins with what is done, and by whom.
    pub(in crate::engine::issuer) fn change(&self, event: Event) -> Batch {
        let event = match &self.actor {
            Some(actor) => event.with("actor", &**actor),
            None => event,
        };
        self.engine().batch().event(event)
    }
}
