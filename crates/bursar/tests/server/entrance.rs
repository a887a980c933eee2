//! An entrance in the test's own process, for routes and limits that the program does not have.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bursar::server::{Bound, Certificate, CertificateFiles, DoorRules, Entrance, Limits};
use bursar::system::SystemClock;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What is said for limits that a test waits for.
pub(super) const SHORT: Duration = Duration::from_millis(300);

/// An open entrance.
pub(super) struct Open {
    pub(super) address: String,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Open {
    /// To `router`, on the loopback.
    pub(super) fn to(router: Router, limits: Limits) -> Self {
        Self::with(router, limits, DoorRules::default(), None)
    }

    /// The same with rules of its own, and perhaps a certificate.
    pub(super) fn with(
        router: Router,
        limits: Limits,
        rules: DoorRules,
        files: Option<CertificateFiles>,
    ) -> Self {
        let certificate = files.map(|files| Certificate::load(files).unwrap());
        let bound = Bound::open(&["127.0.0.1:0".parse().unwrap()], &rules).unwrap();
        let address = bound.addresses().next().unwrap().to_string();
        let entrance = Entrance {
            router,
            rules,
            limits,
            certificate,
            clock: Arc::new(SystemClock),
            refusals: None,
            sandboxes: None,
        };
        let (stop, stopped) = oneshot::channel();
        let serving = beside(async move { entrance.serve(bound, async move { drop(stopped.await) }).await });
        Self { address, stop: Some(stop), serving }
    }

    /// Tells it to stop; it goes on with what is under way.
    pub(super) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits for its end.
    pub(super) async fn ended(self) {
        self.serving.await.unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "servers of a test live beside it")]
pub(super) fn beside<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(future)
}
