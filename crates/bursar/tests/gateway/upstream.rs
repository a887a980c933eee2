//! An upstream whose every answer the test decides, and which remembers what reached it.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, Method};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What reached the upstream.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) method: Method,
    /// Path and query, as they stood in the request line.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// A server on loopback. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    serving: JoinHandle<()>,
}

impl Upstream {
    /// Keeps every request whole, and answers it.
    pub(super) async fn answering(answer: impl Fn(&Arrival) -> Response + Send + Sync + 'static) -> Self {
        let arrivals: Arc<Mutex<Vec<Arrival>>> = Arc::default();
        let (kept, answer) = (Arc::clone(&arrivals), Arc::new(answer));
        let handler = move |request: Request| {
            let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, usize::MAX).await.unwrap();
                let arrival = Arrival {
                    method: parts.method,
                    target: parts.uri.to_string(),
                    headers: parts.headers,
                    body: String::from_utf8_lossy(&body).into_owned(),
                };
                kept.lock().unwrap().push(arrival.clone());
                answer(&arrival)
            }
        };
        let mut upstream = Self::handling(handler).await;
        upstream.arrivals = arrivals;
        upstream
    }

    /// Says `ok` to everything.
    pub(super) async fn agreeable() -> Self {
        Self::answering(|_| Response::new(Body::from("ok"))).await
    }

    /// Lets the test handle requests as they come.
    pub(super) async fn handling<F>(handler: impl Fn(Request) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(handler);
        let serving = beside(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, arrivals: Arc::default(), serving }
    }

    /// Its URL with this path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything that reached it, in order.
    pub(super) fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.lock().unwrap().clone()
    }

    /// The one request that reached it.
    pub(super) fn arrival(&self) -> Arrival {
        let arrivals = self.arrivals();
        assert_eq!(arrivals.len(), 1, "{arrivals:?}");
        arrivals.into_iter().next().unwrap()
    }
}

/// An address nobody listens on.
pub(super) fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Runs a future beside the test.
#[expect(clippy::disallowed_methods, reason = "servers and callers of a test live beside it")]
pub(super) fn beside<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(future)
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
