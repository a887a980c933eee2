//! Connections: accepted up to a limit, served until their end, let go in order when the server stops.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bursar_core::engine::issuer::AuthorizationServer;
use bursar_core::ports::clock::Clock;
use bursar_core::ports::tasks::Tasks as _;
use futures::future::{join_all, select};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::address::Bound;
use super::certificate::Certificate;
use super::connection::{Phase, converse};
use super::crowd::{Crowd, Place};
use super::door::DoorRules;
use super::limits::Limits;
use super::reception::{Guest, Reception};
use crate::sandboxes::SandboxServers;
use crate::system::TokioTasks;

/// Lets callers in to some routes.
#[derive(Debug)]
pub struct Entrance {
    /// The routes.
    pub router: Router,
    /// Who may come how.
    pub rules: DoorRules,
    /// How much of everything.
    pub limits: Limits,
    /// What to prove the server's name with; `None`: nothing is encrypted.
    pub certificate: Option<Certificate>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who notes why requests get nothing; `None`: nobody does, and refusals have no names.
    pub refusals: Option<AuthorizationServer>,
    /// Servers of sandboxes, each with routes of its own; `None`: there are none.
    pub sandboxes: Option<SandboxServers>,
}

impl Entrance {
    /// Serves until `stop`. Then nobody is let in any more, and requests under way may finish for a moment.
    pub async fn serve(self, bound: Bound, stop: impl Future<Output = ()>) {
        let Self { router, rules, limits, certificate, clock, refusals, sandboxes } = self;
        let grace = limits.stop_grace;
        let hall = Hall {
            places: Arc::new(Semaphore::new(limits.connections)),
            crowd: Crowd::new(limits.connections_of_address),
            reception: Arc::new(Reception { router, rules, limits, clock, refusals, sandboxes }),
            certificate,
            phase: watch::Sender::new(Phase::Open),
            tasks: TokioTasks::new(),
        };
        let accepting = join_all(bound.listeners.iter().map(|(listener, _)| hall.accept_all(listener)));
        select(pin!(stop), pin!(accepting)).await;
        drop(bound);
        hall.phase.send_replace(Phase::Closing);
        if !hall.tasks.drained(grace).await {
            tracing::warn!("requests that have not ended are cut off");
            hall.phase.send_replace(Phase::Cut);
            hall.tasks.drained(LAST_MOMENT).await;
        }
    }
}

struct Hall {
    reception: Arc<Reception>,
    certificate: Option<Certificate>,
    places: Arc<Semaphore>,
    crowd: Arc<Crowd>,
    phase: watch::Sender<Phase>,
    tasks: TokioTasks,
}

impl Hall {
    async fn accept_all(&self, listener: &TcpListener) {
        loop {
            let (stream, guest, place) = self.accept(listener).await;
            let conversation = converse(
                Arc::clone(&self.reception),
                stream,
                guest,
                self.certificate.as_ref().map(Certificate::config),
                self.phase.subscribe(),
            );
            self.tasks.spawn(Box::pin(async move {
                conversation.await;
                drop(place);
            }));
        }
    }

    async fn accept(&self, listener: &TcpListener) -> (TcpStream, Guest, (OwnedSemaphorePermit, Place)) {
        loop {
            // Never closed, so always given.
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                return std::future::pending().await;
            };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let Some(own) = self.crowd.admit(peer.ip(), &self.reception.rules) else { continue };
                    let _best_effort = stream.set_nodelay(true);
                    let guest = Guest { peer: peer.ip(), is_tls: self.certificate.is_some() };
                    return (stream, guest, (place, own));
                }
                Err(error) => {
                    drop(place);
                    let gone = matches!(
                        error.kind(),
                        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
                    );
                    if !gone {
                        // No more descriptors, most likely: going on at once would only burn time.
                        tracing::warn!(%error, "no connection can be accepted now");
                        self.reception.clock.sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    }
}

/// Long enough for others to give descriptors back, short enough to go unnoticed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// For tasks that were told to end to be dropped.
const LAST_MOMENT: Duration = Duration::from_secs(1);
