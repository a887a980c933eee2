//! Accounts that are due and not tried yet, by the moment of the stopwatch they wait for.

use std::collections::HashMap;
use std::time::Duration;

use crate::lifecycle::reference::AccountReference;

/// Who waits for when.
#[derive(Debug, Default)]
pub(super) struct Held(HashMap<AccountReference, Duration>);

impl Held {
    /// Holds `reference` until `moment`; a hold that is there already stays as it is.
    pub(super) fn until(&mut self, reference: AccountReference, moment: Duration) {
        self.0.entry(reference).or_insert(moment);
    }

    /// How long it still waits; forgets a hold that is over.
    pub(super) fn left(&mut self, reference: &AccountReference, stopwatch: Duration) -> Option<Duration> {
        let left = self.0.get(reference)?.checked_sub(stopwatch).filter(|left| !left.is_zero());
        if left.is_none() {
            self.0.remove(reference);
        }
        left
    }

    /// Lets it go.
    pub(super) fn release(&mut self, reference: &AccountReference) {
        self.0.remove(reference);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
