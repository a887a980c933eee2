//! `bursar explain`.

use super::world::filters;
use crate::support::Home;

#[tokio::test(flavor = "multi_thread")]
async fn an_id_nobody_knows_is_told_so() {
    let _filters = filters();
    insta::assert_snapshot!(Home::new().run(&["explain", "abc"]).await, @"
    exit 1
    --- stdout
    --- stderr
    error: no refusal has the id `abc`
    hint: ids are on error pages and in error answers of this server; of very
          many at once only some are kept, all are in its log
    ");
}
