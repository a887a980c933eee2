//! The handle by which tests start, change, watch and stop a provider.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;

use crate::behaviour::Behaviour;
use crate::calls::Call;
use crate::fault::{Endpoint, Fault, Times, When};
use crate::hold::Hold;
use crate::serve::{self, Tasks};
use crate::state::Shared;
use crate::system;

/// A running provider. It serves in background tasks of the runtime it was started in, until it is stopped or dropped.
#[derive(Debug)]
pub struct MisbehavingProvider {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: Tasks,
}

impl MisbehavingProvider {
    /// Starts on a free port of `127.0.0.1`.
    ///
    /// # Panics
    /// When the machine has no free port.
    pub async fn start(behaviour: Behaviour) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::start_on(address, behaviour).await.expect("the machine has a free loopback port")
    }

    /// Starts on this address, knowing nothing of a provider that was there before. Fails when the address is taken.
    pub async fn start_on(address: SocketAddr, behaviour: Behaviour) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(format!("http://{address}"), behaviour));
        let provider = Self { address, shared, tasks: Tasks::default() };
        provider.serve(listener);
        Ok(provider)
    }

    /// The issuer, `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.shared.issuer.clone()
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// An outage: closes the port and all connections at once; calls under way are lost where they stand. What was issued
    /// is remembered, see [`MisbehavingProvider::resume`].
    pub async fn stop(&self) {
        self.tasks.stop().await;
    }

    /// Ends an outage: listens on the same port again with the same memory. Fails when somebody else took the port.
    pub async fn resume(&self) -> io::Result<()> {
        self.serve(TcpListener::bind(self.address).await?);
        Ok(())
    }

    /// Changes switches; calls that arrive later see the change.
    pub fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        let mut state = self.shared.state();
        change(&mut state.behaviour);
        state.remember_registered_secrets();
    }

    /// The switches as they are.
    #[must_use]
    pub fn behaviour(&self) -> Behaviour {
        self.shared.state().behaviour.clone()
    }

    /// Schedules a fault for the next calls of an endpoint. Of several, the first injected strikes first.
    pub fn inject(&self, endpoint: Endpoint, fault: Fault, times: Times) {
        self.shared.state().schedule.inject(endpoint, fault, times);
    }

    /// Forgets all injected faults.
    pub fn clear_faults(&self) {
        self.shared.state().schedule.clear();
    }

    /// Makes the next call of an endpoint wait until the guard is released or dropped.
    #[must_use]
    pub fn hold(&self, endpoint: Endpoint, when: When) -> Hold {
        self.shared.state().holds.hold(endpoint, when)
    }

    /// Approves a device code as if the person had opened the page; `false` when no such code is open.
    #[must_use]
    pub fn approve_device(&self, user_code: &str) -> bool {
        self.shared.state().devices.approve(user_code)
    }

    /// Revokes the whole family of a token, as an administrator or the person would; `false` for an unknown token.
    pub fn revoke(&self, token: &str) -> bool {
        let mut state = self.shared.state();
        let family = state.ledger.family_of(token);
        if let Some(family) = family {
            state.ledger.revoke_family(family);
        }
        family.is_some()
    }

    /// Moves the provider's clock forward.
    ///
    /// # Panics
    /// When the duration does not fit the calendar.
    pub fn advance(&self, duration: Duration) {
        let duration = SignedDuration::try_from(duration).expect("a duration the calendar can hold");
        self.shared.state().clock_offset += duration;
    }

    /// Sets the provider's clock, which then runs on from there.
    pub fn set_time(&self, now: Timestamp) {
        self.shared.state().clock_offset = now.duration_since(system::now());
    }

    /// The provider's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.state().now()
    }

    /// Every call so far, in the order of arrival.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state().calls.all().to_vec()
    }

    /// How many calls an endpoint received.
    #[must_use]
    pub fn calls_to(&self, endpoint: Endpoint) -> usize {
        self.shared.state().calls.all().iter().filter(|call| call.endpoint == endpoint).count()
    }

    /// Refresh grants that arrived, whatever became of them.
    #[must_use]
    pub fn refreshes(&self) -> usize {
        self.shared.state().calls.refreshes()
    }

    /// Refresh grants that issued tokens, whether or not the answer arrived.
    #[must_use]
    pub fn refresh_successes(&self) -> usize {
        self.shared.state().refresh_successes
    }

    /// Spent refresh tokens that came back and were refused.
    #[must_use]
    pub fn reuse_detected(&self) -> usize {
        self.shared.state().ledger.reuse_detected()
    }

    /// Whether an API would accept this access token now.
    #[must_use]
    pub fn is_live(&self, access_token: &str) -> bool {
        let state = self.shared.state();
        state.ledger.live_access(access_token, state.now()).is_some()
    }

    /// Whether this refresh token would be accepted from its own client now, under the present reuse policy.
    #[must_use]
    pub fn is_refresh_live(&self, refresh_token: &str) -> bool {
        let state = self.shared.state();
        state.ledger.is_refresh_live(refresh_token, state.now(), state.behaviour.token.reuse)
    }

    /// Whether this token, or its family, was revoked: by the client, by replay, or by [`MisbehavingProvider::revoke`].
    #[must_use]
    pub fn revoked(&self, token: &str) -> bool {
        self.shared.state().ledger.is_revoked(token)
    }

    /// Every secret ever issued or received: tokens, codes, verifiers, assertions, client secrets. None of them may be found
    /// in a log, an error or a file.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.shared.state().secrets()
    }

    fn serve(&self, listener: TcpListener) {
        self.tasks.spawn(serve::accept(listener, Arc::clone(&self.shared), self.tasks.clone()));
    }
}

impl Drop for MisbehavingProvider {
    fn drop(&mut self) {
        self.tasks.abort();
    }
}
