//! Reading the log of events, and forgetting what is old in it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Engine;
use crate::ports::store::{EventQuery, Space, StoreError};

impl Engine {
    /// The number of the newest event; 0 if there is none. For readers who want only what happens from now on.
    pub async fn last_event(&self) -> Result<u64, StoreError> {
        // Events are only found by what comes after a number, so the end is found by halving.
        let (mut known, mut beyond) = (0, 1);
        while let Some(later) = self.first_event_after(beyond).await? {
            known = later;
            beyond = later.saturating_mul(2);
        }
        while known + 1 < beyond {
            let middle = known + (beyond - known) / 2;
            match self.first_event_after(middle).await? {
                Some(later) => known = later,
                None => beyond = middle,
            }
        }
        Ok(self.first_event_after(known).await?.unwrap_or(known))
    }

    /// Removes events that are older than `kept`, those of the installation too, and tells how many it was: as much as fits
    /// into a few seconds.
    pub async fn forget_events(&self, kept: SignedDuration) -> Result<usize, StoreError> {
        let before = self.now().saturating_sub(kept).unwrap_or(Timestamp::MIN);
        let clock = &self.ports.clock;
        let end = clock.stopwatch().saturating_add(LONGEST_ROUND);
        let mut forgotten = 0;
        for space in [&self.space, &Space::System] {
            loop {
                let gone = self.ports.store.forget_events(space, before, FORGOTTEN_AT_ONCE).await?;
                forgotten += gone;
                if gone < FORGOTTEN_AT_ONCE || clock.stopwatch() > end {
                    break;
                }
            }
        }
        Ok(forgotten)
    }

    async fn first_event_after(&self, after: u64) -> Result<Option<u64>, StoreError> {
        let query = EventQuery { after, subject: None, limit: 1 };
        let events = self.ports.store.events(&self.space, query).await?.value;
        Ok(events.first().map(|stored| stored.id))
    }
}

/// Short enough a transaction that nobody else notices.
const FORGOTTEN_AT_ONCE: usize = 500;
/// What is left is for the next round.
const LONGEST_ROUND: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::engine::test_world::{World, tokens};
    use crate::ports::event::Event;

    #[test]
    fn old_events_go_from_the_sandbox_and_from_the_installation() {
        let world = World::new("", |_| tokens("a1", None));
        let count = FORGOTTEN_AT_ONCE + 1;
        let spaces = [world.engine.space().clone(), Space::System];
        let events = |space: &Space| {
            let query = EventQuery { after: 0, subject: None, limit: usize::MAX };
            block_on(world.store.events(space, query)).unwrap().value.len()
        };
        let before = spaces.each_ref().map(events);
        for space in &spaces {
            let some = (0..count).map(|number| Event::new(world.now(), "noted", number.to_string()));
            block_on(world.store.append(space, some.collect())).unwrap();
        }
        let (day, kept) = (SignedDuration::from_hours(24), SignedDuration::from_hours(24 * 90));
        world.clock.jump(kept);
        for space in &spaces {
            block_on(world.store.append(space, vec![Event::new(world.now(), "young", "one")])).unwrap();
        }
        assert_eq!(block_on(world.engine.forget_events(kept + day)).unwrap(), 0);
        world.clock.jump(day);
        let gone = block_on(world.engine.forget_events(kept)).unwrap();
        assert_eq!(gone, 2 * count + before[0] + before[1]);
        assert_eq!(spaces.each_ref().map(events), [1, 1]);
    }
}
