//! A key source whose every step can be stopped at, and what it holds is seen.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::engine::Engine;
use crate::engine::test_world::World;
use crate::ports::key_source::{CreatedKey, KeyError, KeySources, MasterKey};
use crate::secret::Secret;

/// Where a rotation can be interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The new key is kept beside, and nothing else has happened.
    KeptBeside,
    /// The record is committed, and both keys are still there.
    Committed,
    /// The old key is gone, and the record still names it.
    Retired,
}

/// A drawer for two keys: the one in its place, and the one beside it.
#[derive(Debug)]
pub(super) struct Drawer {
    keys: Mutex<Keys>,
    /// How often the key was fetched.
    pub(super) fetched: AtomicUsize,
    /// Lets fetches through, one permit each.
    pub(super) gate: Semaphore,
}

#[derive(Debug, Default)]
struct Keys {
    made: u8,
    place: Option<MasterKey>,
    beside: Option<MasterKey>,
    stop_at: Option<Step>,
}

impl Drawer {
    pub(super) fn new() -> Arc<Self> {
        let gate = Semaphore::new(Semaphore::MAX_PERMITS);
        Arc::new(Self { keys: Mutex::default(), fetched: AtomicUsize::new(0), gate })
    }

    pub(super) fn stop_at(&self, step: Option<Step>) {
        self.keys.lock().unwrap().stop_at = step;
    }

    /// How many keys there are.
    pub(super) fn count(&self) -> usize {
        let keys = self.keys.lock().unwrap();
        [&keys.place, &keys.beside].into_iter().flatten().count()
    }

    /// Another process on the same store and the same drawer.
    pub(super) fn process(self: &Arc<Self>, world: &World) -> Engine {
        let mut engine = world.engine.clone();
        engine.ports.key_sources = Arc::clone(self) as Arc<dyn KeySources>;
        Engine { vault: Arc::default(), ..engine }
    }
}

impl Keys {
    fn make(&mut self) -> MasterKey {
        self.made += 1;
        MasterKey::new([self.made; 32])
    }

    fn stops_at(&self, step: Step) -> Result<(), KeyError> {
        if self.stop_at == Some(step) { Err(interrupted()) } else { Ok(()) }
    }
}

impl KeySources for Drawer {
    fn existing<'a>(&'a self, _recorded: &'a str) -> BoxFuture<'a, Result<MasterKey, KeyError>> {
        Box::pin(async {
            self.fetched.fetch_add(1, Ordering::SeqCst);
            self.gate.acquire().await.unwrap().forget();
            self.keys.lock().unwrap().place.clone().ok_or_else(interrupted)
        })
    }

    fn create(&self) -> BoxFuture<'_, Result<CreatedKey, KeyError>> {
        let mut keys = self.keys.lock().unwrap();
        let key = keys.make();
        keys.place = Some(key.clone());
        Box::pin(async { Ok(CreatedKey { key, recorded: "drawer".into() }) })
    }

    fn successor<'a>(
        &'a self,
        _recorded: &'a str,
        given: Option<Secret>,
    ) -> BoxFuture<'a, Result<CreatedKey, KeyError>> {
        let mut keys = self.keys.lock().unwrap();
        let key = match given {
            Some(_) => keys.place.clone().unwrap(),
            None => keys.make(),
        };
        keys.beside = Some(key.clone());
        let stopped = keys.stops_at(Step::KeptBeside);
        Box::pin(async { stopped.map(|()| CreatedKey { key, recorded: "drawer".into() }) })
    }

    fn beside<'a>(&'a self, _recorded: &'a str) -> BoxFuture<'a, Result<Option<MasterKey>, KeyError>> {
        let beside = self.keys.lock().unwrap().beside.clone();
        Box::pin(async { Ok(beside) })
    }

    fn retire<'a>(&'a self, _old: &'a str, _new: &'a str) -> BoxFuture<'a, Result<(), KeyError>> {
        let mut keys = self.keys.lock().unwrap();
        let retired = keys.stops_at(Step::Committed).and_then(|()| {
            if let Some(key) = keys.beside.take() {
                keys.place = Some(key);
            }
            keys.stops_at(Step::Retired)
        });
        Box::pin(async { retired })
    }
}

fn interrupted() -> KeyError {
    KeyError::Unavailable {
        source_name: "drawer".into(),
        detail: "interrupted".into(),
        hint: "try again".into(),
    }
}
