//! A sealed store keeps what it has acknowledged, acknowledges nothing more, and says where everything has gone.

use std::time::Duration;

use bursar_core::ports::event::Event;
use bursar_core::ports::store::{EventQuery, Expected, Incarnation, Origin, SandboxId, Space, StoreError};
use futures::executor::block_on;

use super::{ACCOUNT, Bench, LOGIN, done, home, keys, on_every_backend, record, start};

/// With everything in it that could end a literal.
const PLACE: &str = "postgres://o'brien@db/bursar";

fn moved<T: std::fmt::Debug + PartialEq>(outcome: &Result<T, StoreError>) {
    assert_eq!(outcome, &Err(StoreError::Moved(PLACE.to_owned())));
}

fn append(bench: &Bench) -> Result<(), StoreError> {
    block_on(bench.store.append(&home(), vec![Event::new(start(), "used", "a")]))
}

#[test]
fn sealed_store_refuses_every_write_and_can_be_read() {
    on_every_backend(|bench| {
        let version = bench.create(record(&ACCOUNT, "a", "kept"));
        let batch = bench.batch().put(record(&ACCOUNT, "b", ""), Expected::Absent);
        done(&bench.commit(batch.clone()));
        block_on(bench.store.seal("elsewhere")).unwrap();
        block_on(bench.store.seal(PLACE)).unwrap();
        moved(&bench.try_commit(bench.batch().put(record(&ACCOUNT, "c", ""), Expected::Absent)));
        moved(&bench.try_commit(bench.batch().put(record(&ACCOUNT, "a", ""), Expected::Version(version))));
        moved(&bench.try_commit(bench.batch().delete(&ACCOUNT, "a", version)));
        moved(&append(bench));
        moved(&block_on(bench.store.health()).map(|health| health.backend));
        assert_eq!(bench.body(&ACCOUNT, "a").as_deref(), Some("kept"));
        assert_eq!(keys(&bench.list(&ACCOUNT)), ["a", "b"]);
        let query = EventQuery { after: 0, subject: None, limit: 10 };
        assert_eq!(block_on(bench.store.events(&home(), query)).unwrap().value, []);
        block_on(bench.store.backup(&mut std::io::sink())).unwrap();
        done(&bench.try_commit(batch).expect("what was acknowledged is so when it is asked for again"));
    });
}

#[test]
fn no_space_begins_in_a_sealed_store() {
    on_every_backend(|bench| {
        let (old, new) = (tenant("old"), tenant("new"));
        done(&bench.commit(bench.batch_in(old.clone()).put(record(&ACCOUNT, "a", ""), Expected::Absent)));
        block_on(bench.store.seal(PLACE)).unwrap();
        for space in [&old, &new] {
            let event = vec![Event::new(start(), "used", "a")];
            moved(&block_on(bench.store.append(space, event)));
            let batch = bench.batch_in(space.clone()).put(record(&ACCOUNT, "b", ""), Expected::Absent);
            moved(&bench.try_commit(batch));
            assert_eq!(block_on(bench.store.get(space, &ACCOUNT, "b")).unwrap().value, None);
        }
        block_on(bench.store.unseal()).unwrap();
        done(&bench.commit(bench.batch_in(new).put(record(&ACCOUNT, "b", ""), Expected::Absent)));
    });
}

fn tenant(name: &str) -> Space {
    Space::Sandbox(SandboxId::parse(name).unwrap())
}

#[test]
fn unsealed_store_goes_on() {
    on_every_backend(|bench| {
        let version = bench.create(record(&ACCOUNT, "a", ""));
        block_on(bench.store.unseal()).unwrap();
        block_on(bench.store.seal(PLACE)).unwrap();
        block_on(bench.store.unseal()).unwrap();
        done(&bench.commit(bench.batch().delete(&ACCOUNT, "a", version)));
        bench.create(record(&LOGIN, "ephemeral", ""));
        append(bench).unwrap();
        block_on(bench.store.count(&home(), "c", 1, Duration::from_mins(1))).unwrap();
        block_on(bench.store.health()).unwrap();
    });
}

#[test]
fn sealed_store_takes_no_backup() {
    on_every_backend(|bench| {
        let mut backup = Vec::new();
        block_on(bench.store.backup(&mut backup)).unwrap();
        block_on(bench.store.seal(PLACE)).unwrap();
        let wanted = Incarnation { id: "second".to_owned(), origin: Origin::Fresh };
        moved(&block_on(bench.store.restore(&mut backup.as_slice(), wanted)));
        block_on(bench.store.unseal()).unwrap();
        assert_eq!(block_on(bench.store.health()).unwrap().incarnation.id, "first");
    });
}
