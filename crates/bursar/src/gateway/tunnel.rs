//! After an upgrade: bytes in both directions, read by nobody, until one side ends or the gateway does.

use bursar_core::ports::tasks::Tasks;
use futures::future::{Either, select, try_join};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use super::handler::Serving;
use super::listener::cut;
use super::request_log::LogLine;
use super::room::Exchange;

/// Connects the two sides of an upgrade.
pub(super) fn tunnel(
    serving: &Serving,
    tasks: &dyn Tasks,
    caller: OnUpgrade,
    upstream: OnUpgrade,
    line: Option<LogLine>,
    exchange: Exchange,
) {
    let end = cut(serving.phase.clone());
    tasks.spawn(Box::pin(async move {
        let (mut line, _exchange) = (line, exchange);
        let both = async {
            // A side that was gone before it began has nothing to be told.
            let Ok((caller, upstream)) = try_join(caller, upstream).await else { return };
            let (mut caller, mut upstream) = (TokioIo::new(caller), TokioIo::new(upstream));
            if let Ok((_, back)) = copy_bidirectional(&mut caller, &mut upstream).await
                && let Some(line) = &mut line
            {
                line.passed(back);
            }
        };
        match select(std::pin::pin!(both), std::pin::pin!(end)).await {
            Either::Left(_) | Either::Right(_) => {}
        }
    }));
}
