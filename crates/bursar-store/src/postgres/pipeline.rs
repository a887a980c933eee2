//! Several statements in one go: sent together, answered in order.

use std::future::poll_fn;
use std::task::Poll;

use deadpool_postgres::Client;
use futures::FutureExt as _;
use futures::future::{BoxFuture, MaybeDone, maybe_done};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, Statement};

/// A value handed to the server.
pub(super) type Parameter<'a> = &'a (dyn ToSql + Sync);

/// One statement.
pub(super) enum Step<'a> {
    /// Without parameters and rows, such as `BEGIN`.
    Order(&'static str),
    /// Prepared.
    Query(Statement, Vec<Parameter<'a>>),
}

/// The rows of every step, or the first step that failed and why. Waits for all answers either way.
pub(super) async fn run(client: &Client, steps: Vec<Step<'_>>) -> Result<Vec<Vec<Row>>, (usize, Error)> {
    let started = steps.into_iter().map(|step| maybe_done(start(client, step)));
    let mut pending: Vec<MaybeDone<BoxFuture<'_, _>>> = started.collect();
    // A statement is sent when it is first polled; polling in order sends in order.
    poll_fn(|context| {
        let mut all = true;
        for step in &mut pending {
            all &= step.poll_unpin(context).is_ready();
        }
        if all { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let mut answers = Vec::with_capacity(pending.len());
    for (position, step) in pending.iter_mut().enumerate() {
        let answer = std::pin::Pin::new(step).take_output().unwrap_or_else(|| Ok(Vec::new()));
        answers.push(answer.map_err(|error| (position, error))?);
    }
    Ok(answers)
}

fn start<'a>(client: &'a Client, step: Step<'a>) -> BoxFuture<'a, Result<Vec<Row>, Error>> {
    match step {
        Step::Order(sql) => client.batch_execute(sql).map(|done| done.map(|()| Vec::new())).boxed(),
        Step::Query(statement, parameters) => {
            async move { client.query(&statement, &parameters).await }.boxed()
        }
    }
}
