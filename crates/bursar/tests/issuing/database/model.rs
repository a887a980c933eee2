//! Random operations against the model, on servers.

use std::sync::Arc;

use crate::issuing::model::holds;
use crate::issuing::site::Backend;
use crate::servers::Servers;

#[test]
fn grants_and_families_behave_like_the_model_on_postgres() {
    holds(&Backend::Postgres(Arc::new(Servers::start())), CASES);
}

#[test]
fn grants_and_families_behave_like_the_model_on_redis() {
    holds(&Backend::Redis(Arc::new(Servers::start())), CASES);
}

#[test]
fn grants_and_families_behave_like_the_model_on_postgres_and_redis() {
    holds(&Backend::Mixed(Arc::new(Servers::start())), CASES);
}

/// Each takes a second or two; with fewer, what is rare may not happen often enough to show anything.
const CASES: u32 = 30;
