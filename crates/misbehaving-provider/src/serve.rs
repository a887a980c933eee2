//! The accept loop and the life of one call: arrive, hold, process, hold, leave by a fault or whole.
//!
//! A call that has arrived is processed even when its sender dies, as on a real server: processing runs in a task of its
//! own, not in the connection's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::calls::{Call, CallNumber};
use crate::client_authentication::basic_secret;
use crate::endpoints;
use crate::endpoints::control;
use crate::fault::{Endpoint, When};
use crate::request::Request;
use crate::state::{Exchange, Shared, State};
use crate::wire::{self, Delivery, Hangup};

/// Parameters whose values are secrets.
const SECRET_PARAMETERS: [&str; 9] = [
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "refresh_token",
    "subject_token",
    "token",
];

/// All tasks of a listening provider: the accept loop, connections, calls. Stopping ends them all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    set: Arc<Mutex<JoinSet<()>>>,
}

impl Tasks {
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut set = self.set();
        // Reap what has ended, or a long run would keep a record of every call.
        while set.try_join_next().is_some() {}
        set.spawn(task);
    }

    pub(crate) fn abort(&self) {
        self.set().abort_all();
    }

    /// Ends all tasks and waits until they are gone, so that the port is free again.
    pub(crate) async fn stop(&self) {
        // The accept loop can start a connection, and a connection a call, while the rest is being ended.
        loop {
            let mut set = std::mem::take(&mut *self.set());
            if set.is_empty() {
                return;
            }
            set.shutdown().await;
        }
    }

    fn set(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until its task is aborted.
pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>, tasks: Tasks) {
    loop {
        // An error here is a connection that was gone before it was accepted, or a shortage that passes.
        if let Ok((stream, _)) = listener.accept().await {
            tasks.spawn(connection(stream, Arc::clone(&shared), tasks.clone()));
        } else {
            tokio::task::yield_now().await;
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, tasks: Tasks) {
    // Small answers at once; a delay would only blur measurements.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (shared, tasks) = (Arc::clone(&shared), tasks.clone());
        async move {
            let request = Request::read(request).await.ok_or(Hangup)?;
            let (sender, receiver) = oneshot::channel();
            let call_shared = Arc::clone(&shared);
            tasks.spawn(async move {
                // The receiver is gone when the client is; what was processed stays processed.
                let _ = sender.send(call(&call_shared, &request).await);
            });
            let delivery = receiver.await.map_err(|_| Hangup)?;
            let date = {
                let state = shared.state();
                state.now() + SignedDuration::from_secs(state.behaviour.date_skew_seconds)
            };
            wire::response(delivery, date).await
        }
    });
    // Errors are the faults we play and clients that left.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn call(shared: &Shared, request: &Request) -> Delivery {
    if request.path().starts_with("/control/") {
        return Delivery::Whole(control::answer(shared, request));
    }
    let Some(endpoint) = Endpoint::at(request.path()) else { return Delivery::Whole(Answer::empty(404)) };
    let number = arrive(&mut shared.state(), endpoint, request);
    hold(shared, endpoint, When::BeforeProcessing).await;

    let (fault, now) = {
        let mut state = shared.state();
        let fault = state.schedule.take(endpoint).or_else(|| state.behaviour.faults.get(&endpoint).cloned());
        (fault, state.now())
    };
    if let Some(fault) = fault.as_ref().filter(|fault| !fault.is_processed())
        && let Some(delivery) = fault.instead(now)
    {
        shared.state().calls.ended(number, fault.name().into());
        return delivery;
    }
    let answer = process(shared, endpoint, request, now);
    let outcome = match &fault {
        Some(fault) => format!("{}, {}", answer.outcome, fault.name()),
        None => answer.outcome.clone(),
    };
    hold(shared, endpoint, When::AfterProcessing).await;
    shared.state().calls.ended(number, outcome);
    match fault {
        Some(fault) => fault.disfigure(answer, now),
        None => Delivery::Whole(answer),
    }
}

fn process(shared: &Shared, endpoint: Endpoint, request: &Request, now: Timestamp) -> Answer {
    let mut state = shared.state();
    let mut exchange =
        Exchange { issuer: &shared.issuer, keys: &shared.keys, state: &mut state, request, now };
    endpoints::process(endpoint, &mut exchange)
}

async fn hold(shared: &Shared, endpoint: Endpoint, when: When) {
    let point = shared.state().holds.take(endpoint, when);
    if let Some(point) = point {
        point.wait().await;
    }
}

/// Writes the call into the log and remembers the secrets in it.
fn arrive(state: &mut State, endpoint: Endpoint, request: &Request) -> CallNumber {
    if let Some(secret) = basic_secret(request) {
        state.remember_secret(&secret);
    }
    if let Some(token) = request.authorization("Bearer") {
        state.remember_secret(token);
    }
    let mut parameters = BTreeMap::new();
    for (name, value) in request.query().pairs().iter().chain(request.form().pairs()) {
        let is_secret = SECRET_PARAMETERS.contains(&name.as_str());
        if is_secret {
            state.remember_secret(value);
        }
        parameters.insert(name.clone(), if is_secret { "…".to_owned() } else { value.clone() });
    }
    let call = Call {
        endpoint,
        request: format!("{} {}", request.method(), request.path()),
        grant_type: parameters.get("grant_type").cloned(),
        parameters,
        at: state.now(),
        outcome: "pending".into(),
    };
    state.calls.arrived(call)
}
