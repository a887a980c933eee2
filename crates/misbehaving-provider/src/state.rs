//! Everything the provider remembers, behind one lock, and the clock that tests move.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::behaviour::Behaviour;
use crate::calls::Calls;
use crate::codes::Codes;
use crate::devices::Devices;
use crate::hold::{Hold, Holds};
use crate::keys::SigningKeys;
use crate::ledger::Ledger;
use crate::request::Request;
use crate::schedule::Schedule;
use crate::system;

/// Values shorter than this are not remembered as secrets: they would be found in innocent output.
const SHORTEST_SECRET: usize = 12;

/// What outlives a single call.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) issuer: String,
    pub(crate) keys: SigningKeys,
    /// Holds that were asked for over HTTP and are not released yet.
    pub(crate) control_holds: Mutex<Vec<Hold>>,
    state: Mutex<State>,
}

impl Shared {
    pub(crate) fn new(issuer: String, behaviour: Behaviour) -> Self {
        let mut state = State { behaviour, ..State::default() };
        state.remember_registered_secrets();
        Self {
            issuer,
            keys: SigningKeys::default(),
            control_holds: Mutex::default(),
            state: Mutex::new(state),
        }
    }

    /// The state; a test that panicked while it held the lock must not hide its own failure behind a poisoned lock.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn control_holds(&self) -> MutexGuard<'_, Vec<Hold>> {
        self.control_holds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that changes.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) behaviour: Behaviour,
    pub(crate) ledger: Ledger,
    pub(crate) codes: Codes,
    pub(crate) devices: Devices,
    /// `jti` of client assertions that were used (RFC 7523 §3).
    pub(crate) used_assertions: HashSet<String>,
    pub(crate) schedule: Schedule,
    pub(crate) holds: Holds,
    pub(crate) calls: Calls,
    /// Refresh grants that answered new tokens, whether or not the answer arrived.
    pub(crate) refresh_successes: usize,
    /// Tokens that were ended through the revocation endpoint.
    pub(crate) revocations: usize,
    pub(crate) clock_offset: SignedDuration,
    secrets: BTreeSet<String>,
}

impl State {
    /// The provider's time.
    pub(crate) fn now(&self) -> Timestamp {
        system::now() + self.clock_offset
    }

    /// A new secret of this kind, remembered.
    pub(crate) fn mint(&mut self, kind: &str) -> String {
        let secret = format!("mbp_{kind}_{}", system::random_text());
        self.remember_secret(&secret);
        secret
    }

    pub(crate) fn remember_secret(&mut self, secret: &str) {
        if secret.len() >= SHORTEST_SECRET {
            self.secrets.insert(secret.into());
        }
    }

    /// Every secret issued or received so far.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.secrets.iter().cloned().collect()
    }

    pub(crate) fn remember_registered_secrets(&mut self) {
        let secrets: Vec<String> =
            self.behaviour.clients.iter().filter_map(|client| client.secret.clone()).collect();
        for secret in secrets {
            self.remember_secret(&secret);
        }
    }
}

/// One call, with all it may look at and change.
#[derive(Debug)]
pub(crate) struct Exchange<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) keys: &'a SigningKeys,
    pub(crate) state: &'a mut State,
    pub(crate) request: &'a Request,
    pub(crate) now: Timestamp,
}
