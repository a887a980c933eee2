//! The thief of the show: somebody who reads along where refresh tokens are sent, or finds them in a backup.

use std::sync::{Arc, Mutex, PoisonError};

use bursar_core::ports::upstream::{Request, Response, SendError, SendLimits, Upstream};
use futures::future::BoxFuture;

use crate::wiring::Wrap;

/// Every refresh that was answered, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Wiretap(Arc<Mutex<Vec<Overheard>>>);

/// One refresh as it went over the line.
#[derive(Clone, Debug)]
pub(super) struct Overheard {
    /// What was sent.
    pub(super) request: Request,
    /// What came back.
    pub(super) answer: Response,
}

impl Wiretap {
    /// Reads along on a line.
    pub(super) fn on_line(&self) -> Wrap<dyn Upstream> {
        let wiretap = self.clone();
        Box::new(|line| Arc::new(TappedLine { line, wiretap }))
    }

    /// How many refreshes there were so far.
    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The one that came after the first `count`.
    pub(super) fn after(&self, count: usize) -> Option<Overheard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(count).cloned()
    }
}

#[derive(Debug)]
struct TappedLine {
    line: Arc<dyn Upstream>,
    wiretap: Wiretap,
}

impl Upstream for TappedLine {
    fn send(&self, request: Request, limits: SendLimits) -> BoxFuture<'_, Result<Response, SendError>> {
        Box::pin(async move {
            let copy = is_refresh(&request).then(|| request.clone());
            let answer = self.line.send(request, limits).await?;
            if let Some(request) = copy {
                let mut heard = self.wiretap.0.lock().unwrap_or_else(PoisonError::into_inner);
                heard.push(Overheard { request, answer: answer.clone() });
            }
            Ok(answer)
        })
    }
}

fn is_refresh(request: &Request) -> bool {
    url::form_urlencoded::parse(request.body().expose())
        .any(|(name, value)| name == "grant_type" && value == "refresh_token")
}
