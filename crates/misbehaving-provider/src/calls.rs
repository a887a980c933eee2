//! The log of calls, which tests read to see what a client really did.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fault::Endpoint;

/// One call the provider received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// What was called.
    pub endpoint: Endpoint,
    /// Method and path.
    pub request: String,
    /// The `grant_type` parameter.
    pub grant_type: Option<String>,
    /// All parameters of query and body; the values of secret ones are replaced by `…`.
    pub parameters: BTreeMap<String, String>,
    /// When it arrived, by the provider's clock.
    pub at: Timestamp,
    /// `pending` until answered; then `ok`, an error code, or either with the fault that hid it: `ok, rotated_but_lost`.
    pub outcome: String,
}

/// All calls so far.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    calls: Vec<Call>,
}

/// Position of a call in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallNumber(usize);

impl Calls {
    pub(crate) fn arrived(&mut self, call: Call) -> CallNumber {
        self.calls.push(call);
        CallNumber(self.calls.len() - 1)
    }

    pub(crate) fn ended(&mut self, number: CallNumber, outcome: String) {
        self.calls[number.0].outcome = outcome;
    }

    pub(crate) fn all(&self) -> &[Call] {
        &self.calls
    }

    pub(crate) fn refreshes(&self) -> usize {
        self.calls.iter().filter(|call| call.grant_type.as_deref() == Some("refresh_token")).count()
    }
}
