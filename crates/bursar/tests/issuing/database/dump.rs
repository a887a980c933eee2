//! What somebody finds who takes a copy of the servers' files.

use std::sync::Arc;

use crate::issuing::dump::nothing_is_found;
use crate::issuing::site::Backend;
use crate::servers::Servers;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_files_of_postgres_holds_nothing_to_use() {
    nothing_is_found(Backend::Postgres(Arc::new(Servers::start()))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_files_of_redis_holds_nothing_to_use() {
    nothing_is_found(Backend::Redis(Arc::new(Servers::start()))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_files_of_both_holds_nothing_to_use() {
    nothing_is_found(Backend::Mixed(Arc::new(Servers::start()))).await;
}
