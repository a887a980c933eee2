//! Records that a newer build has written, in the hands of this one.

use futures::executor::block_on;
use serde_json::Value;

use super::stage::Stage;
use crate::engine::records::KINDS;
use crate::ports::store::{Batch, CommitId, Expected, NewRecord, Page, Space};

/// Puts a field that nobody here knows into every record of the stage. How many there were.
fn write_as_a_newer_build(stage: &Stage) -> usize {
    let store = &stage.world.engine.ports().store;
    let mut written = 0;
    for kind in KINDS {
        for space in [Space::System, stage.world.engine.space().clone()] {
            if kind.check_space(&space).is_err() {
                continue;
            }
            for record in block_on(store.list(&space, kind, Page::first(1000))).unwrap().value {
                let mut body: Value = serde_json::from_slice(&record.body).unwrap();
                body["of_a_newer_build"] = Value::Bool(true);
                let newer = NewRecord {
                    kind,
                    key: record.key,
                    body: serde_json::to_vec(&body).unwrap(),
                    indexes: Vec::new(),
                    due_at: record.due_at,
                    expires_at: record.expires_at,
                };
                written += 1;
                let batch = Batch::new(space.clone(), CommitId(format!("newer {written}")));
                let batch = batch.put(newer, Expected::Version(record.version));
                block_on(store.commit(batch)).unwrap();
            }
        }
    }
    written
}

#[test]
fn records_with_fields_of_a_newer_build_are_read_as_ever() {
    let stage = Stage::new();
    let first = stage.log_in();
    assert!(write_as_a_newer_build(&stage) > 8, "there is one of almost everything");
    assert!(stage.is_good(&first.access_token));
    let second = stage.refresh(&first.refresh_token.unwrap()).unwrap();
    assert!(stage.is_good(&second.access_token));
    stage.log_in();
}
